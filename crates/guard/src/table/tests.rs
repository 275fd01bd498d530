//! Who is seen, and which command is taken.

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
fn who_has_left_is_seen_no_more_and_the_slot_is_used_again() {
    let table = Table::default();
    let slots: Vec<_> = [1, 2, 3].map(|since| table.enter(entry(since))).into();
    table.leave(slots[0]);
    table.leave(slots[1]);
    assert_eq!(since(&table), [3]);
    assert_eq!(table.longest_idle().unwrap().since().as_millis(), 3);
    let mut again = [table.enter(entry(4)), table.enter(entry(5))];
    again.sort_unstable();
    assert_eq!(again[..], slots[..2]);
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
    busy.state.store(ConnectionState::Busy as u8, Ordering::Relaxed);
    asked.give(Command::MakeRoom);
    assert!(Arc::ptr_eq(&table.longest_idle().unwrap(), &long));
}

#[test]
fn the_state_of_a_connection_is_what_others_see() {
    let entry = entry(0);
    for state in
        [ConnectionState::Busy, ConnectionState::Opaque, ConnectionState::Closing, ConnectionState::Kept]
    {
        entry.state.store(state as u8, Ordering::Relaxed);
        assert_eq!((entry.state(), entry.is_kept()), (state, state == ConnectionState::Kept));
    }
    assert_eq!(
        [0, 1, 2].map(ConnectionState::with),
        [ConnectionState::Kept, ConnectionState::Busy, ConnectionState::Busy]
    );
    assert_eq!(entry.usual_gap(), None);
    entry.usual_gap.store(7, Ordering::Relaxed);
    assert_eq!(entry.usual_gap(), Some(std::time::Duration::from_millis(7)));
}

#[test]
fn the_strongest_command_is_taken_once() {
    let entry = entry(0);
    assert_eq!(entry.take_command(), Command::None);
    for (given, taken) in [
        (&[Command::CloseIdle][..], Command::CloseIdle),
        (&[Command::MakeRoom, Command::CloseIdle], Command::MakeRoom),
        (&[Command::CloseIdle, Command::Cut, Command::MakeRoom], Command::Cut),
    ] {
        for command in given {
            entry.give(*command);
        }
        assert_eq!((entry.take_command(), entry.take_command()), (taken, Command::None));
    }
}

#[test]
fn a_command_wakes_whoever_registered_last() {
    let (entry, wakers) = (entry(0), [Arc::new(Woken::default()), Arc::new(Woken::default())]);
    entry.give(Command::CloseIdle);
    for (times, woken) in [&wakers[0], &wakers[0], &wakers[1]].into_iter().enumerate() {
        entry.register(&Waker::from(woken.clone()));
        entry.give(Command::CloseIdle);
        let count = wakers.iter().map(|woken| woken.0.load(Ordering::Relaxed)).sum::<usize>();
        assert_eq!(count, times + 1);
    }
    assert_eq!(wakers[1].0.load(Ordering::Relaxed), 1);
}
