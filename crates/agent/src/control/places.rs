//! Who may ask: a bounded number of connections, in which one client can't keep another out.
//!
//! Loopback (hooks, the startup probe) and the network (the kubelet, load balancers, scrapers) have places of their own. Whoever comes
//! gets one: where all are taken, the address that has most gives up the one that has been idle for longest. A hook
//! that waits for a drain is never asked to.

use segue_core::Time;
use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use tokio::task::AbortHandle;

use crate::clock;

/// For the pod's own: hooks, and whatever asks over loopback.
const INSIDE: usize = 64;
/// For everyone else.
const OUTSIDE: usize = 192;

/// All places.
#[derive(Default)]
pub(super) struct Places(RefCell<Taken>);

#[derive(Default)]
struct Taken {
    next: u64,
    places: BTreeMap<u64, Place>,
}

struct Place {
    peer: IpAddr,
    /// When it was last asked something on this connection, or answered.
    used: Time,
    /// Whether a hook waits here.
    held: bool,
    connection: Option<AbortHandle>,
}

/// A place that is taken; free again when dropped.
pub(super) struct Seat {
    places: Rc<Places>,
    number: u64,
    peer: IpAddr,
}

impl Places {
    /// Takes a place; `None` where hooks that wait hold all of them.
    pub(super) fn take(self: &Rc<Self>, peer: IpAddr) -> Option<Rc<Seat>> {
        let peer = peer.to_canonical();
        let (number, evicted) = self.0.borrow_mut().take(peer, clock::now())?;
        if let Some(connection) = evicted.and_then(|place| place.connection) {
            connection.abort();
        }
        Some(Rc::new(Seat { places: Rc::clone(self), number, peer }))
    }
}

impl Taken {
    fn take(&mut self, peer: IpAddr, now: Time) -> Option<(u64, Option<Place>)> {
        let most = if peer.is_loopback() { INSIDE } else { OUTSIDE };
        let of_its_kind =
            || self.places.iter().filter(|(_, one)| one.peer.is_loopback() == peer.is_loopback());
        let mut evicted = None;
        if of_its_kind().count() >= most {
            let mut counts: BTreeMap<IpAddr, usize> = BTreeMap::from([(peer, 1)]);
            of_its_kind().for_each(|(_, one)| *counts.entry(one.peer).or_default() += 1);
            let free = of_its_kind().filter(|(_, one)| !one.held);
            let first = free.min_by_key(|(number, one)| (Reverse(counts.get(&one.peer)), one.used, **number));
            let first = first.map(|(number, _)| *number)?;
            evicted = self.places.remove(&first);
        }
        let number = self.next;
        self.next += 1;
        self.places.insert(number, Place { peer, used: now, held: false, connection: None });
        Some((number, evicted))
    }
}

impl Seat {
    /// Whether it is one of the pod's own.
    pub(super) fn is_inside(&self) -> bool {
        self.peer.is_loopback()
    }

    /// What to end if the place is needed.
    pub(super) fn is_of(&self, connection: AbortHandle) {
        self.change(|place| place.connection = Some(connection));
    }

    /// It was asked something, or answered.
    pub(super) fn used(&self) {
        self.change(|place| place.used = clock::now());
    }

    /// A hook waits here.
    pub(super) fn hold(&self) {
        self.change(|place| place.held = true);
    }

    fn change(&self, change: impl FnOnce(&mut Place)) {
        if let Some(place) = self.places.0.borrow_mut().places.get_mut(&self.number) {
            change(place);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.places.0.borrow_mut().places.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HOOK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const KUBELET: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    /// Takes a place, and answers its number and that of whoever had to go.
    fn take(taken: &mut Taken, peer: IpAddr, now: u64) -> Option<(u64, Option<u64>)> {
        let before: Vec<u64> = taken.places.keys().copied().collect();
        let (number, _) = taken.take(peer, at(now))?;
        Some((number, before.into_iter().find(|one| !taken.places.contains_key(one))))
    }

    fn full(peer: IpAddr) -> Taken {
        let mut taken = Taken::default();
        let most = if peer.is_loopback() { INSIDE } else { OUTSIDE };
        for number in 0..most {
            assert_eq!(take(&mut taken, peer, number as u64), Some((number as u64, None)));
        }
        taken
    }

    #[test]
    fn who_has_most_places_gives_up_the_one_that_is_idle_for_longest() {
        let mut taken = full(NEIGHBOUR);
        taken.places.get_mut(&0).unwrap().used = at(1_000);
        let (kubelet, gone) = take(&mut taken, KUBELET, 2_000).unwrap();
        assert_eq!(gone, Some(1));
        // However often the neighbour comes, and however idle the kubelet's is.
        for now in 3_000..4_000 {
            let (_, gone) = take(&mut taken, NEIGHBOUR, now).unwrap();
            assert!(gone.is_some_and(|gone| gone != kubelet));
        }
        let (_, gone) = take(&mut taken, KUBELET, 5_000).unwrap();
        assert!(gone.is_some_and(|gone| gone != kubelet), "it has two, and the neighbour all others");
        assert_eq!(taken.places.len(), OUTSIDE);
    }

    #[test]
    fn the_network_takes_no_place_of_the_pods_own_and_the_other_way_round() {
        let mut taken = full(NEIGHBOUR);
        for now in 0..INSIDE as u64 {
            assert_eq!(take(&mut taken, HOOK, now).unwrap().1, None);
        }
        assert_eq!(taken.places.len(), INSIDE + OUTSIDE);
        let (_, gone) = take(&mut taken, HOOK, 9).unwrap();
        assert!(gone.is_some_and(|gone| gone >= OUTSIDE as u64), "one of the pod's own");
    }

    #[test]
    fn a_hook_that_waits_is_never_put_out() {
        let mut taken = full(HOOK);
        taken.places.get_mut(&0).unwrap().held = true;
        assert_eq!(take(&mut taken, HOOK, 100).unwrap().1, Some(1));
        taken.places.values_mut().for_each(|place| place.held = true);
        assert_eq!(take(&mut taken, HOOK, 101), None);
        assert!(take(&mut taken, KUBELET, 101).is_some());
    }

    #[test]
    fn a_place_is_free_again_when_its_connection_is_over() {
        let places = Rc::new(Places::default());
        let seat = places.take("::ffff:127.0.0.1".parse().unwrap()).unwrap();
        assert!(seat.is_inside());
        assert_eq!(places.0.borrow().places.len(), 1);
        drop(seat);
        assert_eq!(places.0.borrow().places.len(), 0);
    }
}
