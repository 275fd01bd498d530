//! What all connections of a guard have in common.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use segue_core::Time;

use crate::Settings;
use crate::buffer::Pool;
use crate::places::Places;
use crate::snapshot::Metrics;
use crate::table::Table;
use crate::upstream::Application;

/// What all connections of a guard have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) applications: Vec<Arc<Application>>,
    pub(crate) metrics: Metrics,
    pub(crate) table: Table,
    pub(crate) places: Places,
    pub(crate) pool: Pool,
    /// Whether clients are told to go.
    announcing: AtomicBool,
    /// Since when, in milliseconds.
    announced_at: AtomicU64,
    /// Counts how often a drain began or was taken back: a task of an earlier one ends.
    epoch: AtomicU64,
}

impl Shared {
    pub(crate) fn new(settings: Settings, applications: Vec<Arc<Application>>) -> Self {
        Self {
            places: Places::new(settings.max_connections),
            settings,
            applications,
            metrics: Metrics::default(),
            table: Table::default(),
            pool: Pool::default(),
            announcing: AtomicBool::new(false),
            announced_at: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
        }
    }

    /// Since when clients are told to go, if they are.
    pub(crate) fn announced(&self) -> Option<Time> {
        self.is_announcing().then(|| Time::from_millis(self.announced_at.load(Ordering::Relaxed)))
    }

    pub(crate) fn is_announcing(&self) -> bool {
        self.announcing.load(Ordering::Relaxed)
    }

    /// Begins to tell clients; answers false if that has begun already.
    pub(crate) fn announce(&self, now: Time) -> bool {
        if self.is_announcing() {
            return false;
        }
        self.announced_at.store(now.as_millis(), Ordering::Relaxed);
        self.announcing.store(true, Ordering::Relaxed);
        true
    }

    pub(crate) fn open(&self) {
        self.announcing.store(false, Ordering::Relaxed);
        self.next_epoch();
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    pub(crate) fn next_epoch(&self) -> u64 {
        self.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::shared;

    #[test]
    fn a_drain_is_announced_once_until_it_is_taken_back() {
        let shared = shared();
        assert_eq!((shared.is_announcing(), shared.announced()), (false, None));
        assert!(shared.announce(Time::from_millis(5)));
        assert!(!shared.announce(Time::from_millis(9)));
        assert_eq!((shared.is_announcing(), shared.announced()), (true, Some(Time::from_millis(5))));
        shared.open();
        assert_eq!((shared.is_announcing(), shared.announced()), (false, None));
        assert!(shared.announce(Time::from_millis(9)));
        assert_eq!(shared.announced(), Some(Time::from_millis(9)));
    }

    #[test]
    fn a_task_of_an_earlier_drain_can_tell_that_it_is_over() {
        let shared = shared();
        let first = shared.next_epoch();
        assert_eq!(shared.epoch(), first);
        shared.open();
        let second = shared.epoch();
        let third = shared.next_epoch();
        assert_eq!(shared.epoch(), third);
        assert!(first < second && second < third);
    }
}
