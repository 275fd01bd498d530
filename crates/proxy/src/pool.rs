//! The instances of one service, and the choice among them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use tokio::sync::Notify;

use crate::clock;
use crate::config::{PoolConfig, Protocol};
use crate::instance::{Claim, Instance, InstanceView};
use crate::registry::Registry;

/// The instances of one service. Clones are handles to the same pool.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: PoolConfig,
    instances: RwLock<Vec<Arc<Instance>>>,
    turn: AtomicUsize,
    changed: Arc<Notify>,
    registries: Mutex<Vec<Weak<Registry>>>,
}

impl Pool {
    /// An empty pool.
    pub fn new(config: PoolConfig) -> Pool {
        Pool(Arc::new(Inner {
            config,
            instances: RwLock::default(),
            turn: AtomicUsize::new(0),
            changed: Arc::default(),
            registries: Mutex::default(),
        }))
    }

    /// Makes an instance known; it takes no request before [`Pool::admit`]. One that is known under this id
    /// is withdrawn and replaced.
    pub fn add(&self, id: &str, address: SocketAddr, version: &str) {
        let changed = self.0.changed.clone();
        let instance = Arc::new(Instance::new(id, address, version, self.0.config.idle_connections, changed));
        let mut instances = self.0.instances.write();
        match instances.iter_mut().find(|known| known.id == id) {
            Some(known) => std::mem::replace(known, instance).withdraw(),
            None => instances.push(instance),
        }
    }

    /// Lets an instance take requests from now on; false if the id is not known.
    pub fn admit(&self, id: &str) -> bool {
        self.find(id).map(|instance| instance.admit()).is_some()
    }

    /// Stops an instance from taking requests; false if the id is not known.
    ///
    /// When this returns, no request can claim it any more and its idle upstream connections are closed.
    /// What is in flight goes on. Its WebSockets are told 1001 after [`crate::Config::websocket_grace`].
    pub fn withdraw(&self, id: &str) -> bool {
        self.find(id).map(|instance| instance.withdraw()).is_some()
    }

    /// Ends what is in flight on an instance, and withdraws it; how many requests and upgraded connections
    /// were ended. A request that was not answered yet gets 504 with `segue-reason: cut-at-deadline`,
    /// an answer that had begun breaks off visibly.
    pub fn cut(&self, id: &str) -> u64 {
        let Some(instance) = self.find(id) else { return 0 };
        instance.withdraw();
        let registries = self.0.registries.lock();
        registries.iter().filter_map(Weak::upgrade).map(|registry| registry.cut(instance.key)).sum()
    }

    /// Forgets an instance; it is withdrawn first. What is in flight on it goes on uncounted.
    pub fn remove(&self, id: &str) {
        let mut instances = self.0.instances.write();
        if let Some(place) = instances.iter().position(|instance| instance.id == id) {
            instances.remove(place).withdraw();
        }
    }

    /// All known instances, in the order in which they were added.
    pub fn instances(&self) -> Vec<InstanceView> {
        self.read().iter().map(|instance| instance.view()).collect()
    }

    /// Resolves when an instance was admitted or withdrawn, or the last request of a withdrawn one ended.
    /// What happens after this call (not: after the first poll) is never missed.
    pub fn changed(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.changed.clone().notified_owned()
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.0.config.protocol
    }

    pub(crate) fn idle_limit(&self) -> u64 {
        clock::millis(self.0.config.idle)
    }

    pub(crate) fn attach(&self, registry: &Arc<Registry>) {
        let mut registries = self.0.registries.lock();
        registries.retain(|known| known.strong_count() > 0);
        registries.push(Arc::downgrade(registry));
    }

    pub(crate) fn sweep(&self, now: u64) {
        for instance in self.read().iter() {
            instance.sweep(now);
        }
    }

    /// Claims one of two admitted instances, the one with fewer requests in flight; those already `tried` are left out.
    ///
    /// Two and not all: by the least of all, an instance that has just joined would get every request until it has as
    /// many long ones as the others.
    pub(crate) fn claim(&self, tried: &[u64]) -> Option<Claim> {
        let instances = self.read();
        loop {
            let candidates = || {
                let untried = instances.iter().filter(|instance| !tried.contains(&instance.key));
                untried.filter_map(|instance| Some((instance.load_if_admitted()?, instance)))
            };
            let (one, other) = two_of(candidates().count(), self.0.turn.fetch_add(1, Ordering::Relaxed))?;
            let two = candidates().enumerate().filter(|(place, _)| [one, other].contains(place));
            // The first one wins a tie, and each is the first one in turn.
            let chosen = two.min_by_key(|(place, (load, _))| (*load, *place != one));
            // One may have been withdrawn since they were counted: then look again.
            if let Some(claim) = chosen.and_then(|(_, (_, instance))| Claim::take(instance)) {
                return Some(claim);
            }
        }
    }

    fn find(&self, id: &str) -> Option<Arc<Instance>> {
        self.read().iter().find(|instance| instance.id == id).cloned()
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Arc<Instance>>> {
        self.0.instances.read()
    }
}

/// Two places of so many, different if there are two: the first goes round, the other one is any.
fn two_of(count: usize, turn: usize) -> Option<(usize, usize)> {
    let one = turn.checked_rem(count)?;
    // Multiplying by the golden ratio's fraction spreads the turns evenly (Knuth, volume 3, section 6.4).
    let any = (turn as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let step = (any as usize).checked_rem(count - 1).map_or(0, |step| step + 1);
    Some((one, (one + step) % count))
}

impl Default for Pool {
    fn default() -> Pool {
        Pool::new(PoolConfig::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Operation, Phase};
    use crate::verdict::Verdict;

    fn pool_of(ids: &[&str]) -> Pool {
        let pool = Pool::default();
        for id in ids {
            pool.add(id, SocketAddr::from(([127, 0, 0, 1], 9)), "1");
            assert!(pool.admit(id));
        }
        pool
    }

    fn chosen(pool: &Pool) -> Option<String> {
        pool.claim(&[]).map(|claim| claim.instance().id.clone())
    }

    #[test]
    fn of_two_the_one_with_fewer_in_flight_is_chosen() {
        let pool = pool_of(&["a", "b"]);
        let held: Vec<_> = (0..8).filter_map(|_| pool.claim(&[])).collect();
        assert!(pool.instances().iter().all(|instance| instance.in_flight == 4));
        drop(held);
        assert!(pool.instances().iter().all(|instance| instance.in_flight == 0 && instance.requests == 4));
    }

    #[test]
    fn requests_that_stay_spread_over_all() {
        let pool = pool_of(&["a", "b", "c", "d", "e"]);
        let held: Vec<_> = (0..500).filter_map(|_| pool.claim(&[])).collect();
        let loads: Vec<_> = pool.instances().iter().map(|instance| instance.in_flight).collect();
        assert!(loads.iter().all(|load| (95..=105).contains(load)), "{loads:?}");
        assert_eq!(held.len(), 500);
    }

    #[test]
    fn one_that_has_just_joined_is_not_given_everything() {
        let pool = pool_of(&["a", "b", "c"]);
        let _long: Vec<_> = (0..30).filter_map(|_| pool.claim(&[])).collect();
        pool.add("new", SocketAddr::from(([127, 0, 0, 1], 9)), "2");
        pool.admit("new");
        let to_it = (0..400).filter(|_| chosen(&pool).as_deref() == Some("new")).count();
        assert!((150..=250).contains(&to_it), "{to_it} of 400");
    }

    #[test]
    fn two_places_are_different_and_every_pair_comes() {
        assert_eq!(two_of(0, 7), None);
        assert_eq!(two_of(1, 7), Some((0, 0)));
        for count in 2..6 {
            let pairs: std::collections::HashSet<_> =
                (0..1000).filter_map(|turn| two_of(count, turn)).collect();
            assert!(pairs.iter().all(|(one, other)| one != other && *one < count && *other < count));
            assert_eq!(pairs.len(), count * (count - 1), "{count}");
        }
    }

    #[test]
    fn equals_take_turns() {
        for count in 1..=5 {
            let ids = &["a", "b", "c", "d", "e"][..count];
            let pool = pool_of(ids);
            let round = || {
                let mut round: Vec<_> = (0..count).filter_map(|_| chosen(&pool)).collect();
                round.sort_unstable();
                round
            };
            assert_eq!(round(), ids);
            assert_eq!(round(), ids);
        }
    }

    #[test]
    fn one_that_is_only_known_or_withdrawn_or_tried_is_not_chosen() {
        let pool = Pool::default();
        assert!(chosen(&pool).is_none(), "an empty pool has nothing to choose");
        pool.add("a", SocketAddr::from(([127, 0, 0, 1], 9)), "1");
        assert!(chosen(&pool).is_none());
        pool.admit("a");
        let claim = pool.claim(&[]).unwrap();
        assert!(pool.claim(&[claim.instance().key]).is_none());
        assert!(pool.withdraw("a"));
        assert!(chosen(&pool).is_none());
        assert_eq!(pool.instances()[0].in_flight, 1);
    }

    #[test]
    fn an_unknown_id_is_told() {
        let pool = Pool::default();
        assert!(!pool.admit("x") && !pool.withdraw("x") && pool.cut("x") == 0);
    }

    #[test]
    fn a_cut_reaches_every_proxy_of_the_pool_and_those_that_are_gone_are_forgotten() {
        let pool = pool_of(&["a"]);
        let operations = [(); 2].map(|()| {
            let operation = Arc::new(Operation::new(Phase::Answer));
            operation.on_instance(pool.read()[0].key);
            operation
        });
        let registries = [Arc::new(Registry::default()), Arc::new(Registry::default())];
        let places: Vec<_> = registries
            .iter()
            .zip(&operations)
            .map(|(registry, operation)| registry.register(operation.clone()))
            .collect();
        for registry in &registries {
            pool.attach(registry);
        }
        assert_eq!(pool.cut("a"), 2);
        assert!(operations.iter().all(|operation| operation.verdict() == Verdict::Cut));
        drop((places, registries));
        pool.attach(&Arc::default());
        assert_eq!(pool.0.registries.lock().len(), 1);
    }

    #[tokio::test]
    async fn the_last_release_of_a_withdrawn_instance_is_told() {
        let pool = pool_of(&["a"]);
        let claim = pool.claim(&[]).unwrap();
        pool.withdraw("a");
        let changed = pool.changed();
        drop(claim);
        changed.await;
        assert_eq!(pool.instances()[0].in_flight, 0);
    }

    #[test]
    fn an_id_that_is_added_again_is_another_instance() {
        let pool = pool_of(&["a"]);
        let claim = pool.claim(&[]).unwrap();
        pool.add("a", SocketAddr::from(([127, 0, 0, 1], 10)), "2");
        assert!(chosen(&pool).is_none());
        let view = &pool.instances()[0];
        assert_eq!((view.version.as_str(), view.in_flight), ("2", 0));
        assert!(!claim.instance().admitted());
    }
}
