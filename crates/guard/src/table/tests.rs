//! Who is seen, and which order is taken.

use std::sync::atomic::AtomicUsize;
use std::task::Wake;

use super::*;

fn entry(since: u64) -> Arc<Entry> {
    Arc::new(Entry::new(Time::from_millis(since)))
}

fn since(table: &Table) -> Vec<u64> {
    let mut all = Vec::new();
    table.each(|entry| all.push(entry.since().as_millis()));
    all
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn who_has_left_is_seen_no_more_and_the_place_is_used_again() {
    let table = Table::default();
    let places: Vec<_> = [1, 2, 3].map(|since| table.enter(entry(since))).into();
    table.leave(places[0]);
    table.leave(places[1]);
    assert_eq!(since(&table), [3]);
    assert_eq!(table.longest_idle().unwrap().since().as_millis(), 3);
    let mut again = [table.enter(entry(4)), table.enter(entry(5))];
    again.sort_unstable();
    assert_eq!(again[..], places[..2]);
    assert_eq!(table.enter(entry(6)), 3);
    assert_eq!(since(&table).len(), 4);
}

#[test]
fn the_longest_idle_is_one_that_was_not_asked_to_go_yet() {
    let table = Table::default();
    assert!(table.longest_idle().is_none());
    let [busy, asked, short, long] = [1, 2, 9, 5].map(entry);
    for one in [&busy, &asked, &short, &long] {
        table.enter(one.clone());
    }
    busy.stand.store(Stand::Busy as u8, Ordering::Relaxed);
    asked.give(Order::MakeRoom);
    assert!(Arc::ptr_eq(&table.longest_idle().unwrap(), &long));
}

#[test]
fn how_a_connection_stands_is_what_others_see() {
    let entry = entry(0);
    for stand in [Stand::Busy, Stand::Opaque, Stand::Closing, Stand::Kept] {
        entry.stand.store(stand as u8, Ordering::Relaxed);
        assert_eq!((entry.stands(), entry.is_kept()), (stand, stand == Stand::Kept));
    }
    assert_eq!([0, 1, 2].map(Stand::with), [Stand::Kept, Stand::Busy, Stand::Busy]);
    assert_eq!(entry.usual_gap(), None);
    entry.usual_gap.store(7, Ordering::Relaxed);
    assert_eq!(entry.usual_gap(), Some(std::time::Duration::from_millis(7)));
}

#[test]
fn the_strongest_order_is_taken_once() {
    let entry = entry(0);
    assert_eq!(entry.take_order(), Order::None);
    for (given, taken) in [
        (&[Order::CloseIdle][..], Order::CloseIdle),
        (&[Order::MakeRoom, Order::CloseIdle], Order::MakeRoom),
        (&[Order::CloseIdle, Order::Cut, Order::MakeRoom], Order::Cut),
    ] {
        for order in given {
            entry.give(*order);
        }
        assert_eq!((entry.take_order(), entry.take_order()), (taken, Order::None));
    }
}

#[test]
fn an_order_wakes_whoever_registered_last() {
    let (entry, wakers) = (entry(0), [Arc::new(Woken::default()), Arc::new(Woken::default())]);
    entry.give(Order::CloseIdle);
    for (times, woken) in [&wakers[0], &wakers[0], &wakers[1]].into_iter().enumerate() {
        entry.register(&Waker::from(woken.clone()));
        entry.give(Order::CloseIdle);
        let count = wakers.iter().map(|woken| woken.0.load(Ordering::Relaxed)).sum::<usize>();
        assert_eq!(count, times + 1);
    }
    assert_eq!(wakers[1].0.load(Ordering::Relaxed), 1);
}
