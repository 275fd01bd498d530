//! All operations of one proxy, for those who must reach them from outside: the sweep, a cut, a drain.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::operation::Operation;
use crate::verdict::Verdict;

/// All operations of one proxy.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    operations: Mutex<(u64, HashMap<u64, Arc<Operation>>)>,
}

impl Registry {
    pub(crate) fn register(self: &Arc<Self>, operation: Arc<Operation>) -> Registered {
        let mut operations = self.operations.lock();
        operations.0 += 1;
        let number = operations.0;
        operations.1.insert(number, operation);
        Registered { registry: self.clone(), number }
    }

    /// Calls `look` for every operation. It must not end an operation by itself: that would wait for this very lock.
    pub(crate) fn each(&self, look: impl FnMut(&Arc<Operation>)) {
        self.operations.lock().1.values().for_each(look);
    }

    /// Judges everything on an instance; how much that was.
    pub(crate) fn cut(&self, instance: u64) -> u64 {
        self.cut_where(instance, |operation| operation.instance() == instance)
    }

    /// Judges every request and upgraded connection; how many they were.
    pub(crate) fn cut_all(&self) -> u64 {
        self.cut_where(0, Operation::is_busy)
    }

    /// Tells clients to go that have been idle since then, the longest idle first, so many of them; false if nobody was
    /// told.
    pub(crate) fn send_idle_away(&self, count: usize, since: u64) -> bool {
        let mut idle = Vec::new();
        self.each(|operation| {
            if operation.may_make_room() && operation.since() <= since {
                idle.push((operation.since(), operation.clone()));
            }
        });
        if count < idle.len() {
            idle.select_nth_unstable_by_key(count, |(since, _)| *since);
            idle.truncate(count);
        }
        for (since, operation) in &idle {
            operation.judge(Verdict::GoAway, *since);
        }
        !idle.is_empty()
    }

    fn cut_where(&self, instance: u64, is_meant: impl Fn(&Operation) -> bool) -> u64 {
        let mut count = 0;
        self.each(|operation| {
            if is_meant(operation) {
                operation.cut(instance);
                count += 1;
            }
        });
        count
    }

    /// How many requests and upgraded connections are under way.
    pub(crate) fn busy(&self) -> u64 {
        let mut count = 0;
        self.each(|operation| count += u64::from(operation.is_busy()));
        count
    }
}

/// An operation's place in the registry, given up when dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    registry: Arc<Registry>,
    number: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut operations = self.registry.operations.lock();
        operations.1.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Phase;

    #[test]
    fn those_who_were_idle_for_longest_are_sent_away() {
        let registry = Arc::new(Registry::default());
        let operations = [(Phase::Idle, 5), (Phase::Answer, 1), (Phase::Http2Idle, 3), (Phase::Parked, 4)]
            .map(|(phase, since)| Arc::new(Operation::since_then(phase, since)));
        let _places = operations.each_ref().map(|operation| registry.register(operation.clone()));
        let told = || operations.each_ref().map(|operation| operation.verdict() == Verdict::GoAway);
        assert!(!registry.send_idle_away(1, 2));
        assert!(registry.send_idle_away(1, 9));
        assert_eq!(told(), [false, false, true, false]);
        assert!(registry.send_idle_away(9, 4));
        assert_eq!(told(), [false, false, true, true]);
        assert!(registry.send_idle_away(9, 9) && !registry.send_idle_away(9, 9));
        assert_eq!(told(), [true, false, true, true]);
    }

    #[test]
    fn a_client_that_is_sending_a_head_is_not_sent_away() {
        let registry = Arc::new(Registry::default());
        let operation = Arc::new(Operation::since_then(Phase::Http2Idle, 5));
        let _place = registry.register(operation.clone());
        operation.in_head(true);
        assert!(!registry.send_idle_away(1, 9));
        operation.in_head(false);
        assert!(registry.send_idle_away(1, 9));
    }

    #[test]
    fn the_registry_counts_and_cuts_what_is_under_way() {
        let registry = Arc::new(Registry::default());
        let operations = [Phase::Idle, Phase::Answer, Phase::Upgraded, Phase::Http2]
            .map(|phase| Arc::new(Operation::new(phase)));
        let places: Vec<_> =
            operations.iter().map(|operation| registry.register(operation.clone())).collect();
        operations[1].on_instance(5);
        assert_eq!((registry.busy(), registry.cut(5), registry.cut(6), registry.cut_all()), (2, 1, 0, 2));
        drop(places);
        assert_eq!(registry.busy(), 0);
    }
}
