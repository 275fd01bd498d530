//! What all workers of one proxy share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore};
use tokio_rustls::TlsAcceptor;

use crate::clock;
use crate::config::Config;
use crate::downstream::Budget;
use crate::pool::Pool;
use crate::registry::Registry;
use crate::stats::Counters;

/// Clients that were idle for less keep their connection, even where no file descriptor is left.
const A_WHILE_MS: u64 = 2000;

/// What all workers of one proxy share.
pub(crate) struct Shared {
    pub(crate) pool: Pool,
    pub(crate) config: Config,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) registry: Arc<Registry>,
    /// What HTTP/2 clients leave untaken.
    pub(crate) budget: Arc<Budget>,
    /// Those of client connections that are free.
    pub(crate) places: Semaphore,
    /// Clients that have no place yet.
    pub(crate) waiting: AtomicUsize,
    /// Told after each sweep.
    pub(crate) swept: Notify,
    /// When the drain began, 0 before.
    draining_since: AtomicU64,
    drain: Notify,
}

impl Shared {
    pub(crate) fn new(pool: Pool, config: Config) -> Shared {
        Shared {
            places: Semaphore::new(config.limits.connections.min(Semaphore::MAX_PERMITS)),
            budget: Arc::new(Budget::new(config.limits.answer_buffers)),
            tls: config.tls.as_ref().map(crate::Tls::acceptor),
            pool,
            config,
            counters: Arc::default(),
            registry: Arc::default(),
            waiting: AtomicUsize::new(0),
            swept: Notify::new(),
            draining_since: AtomicU64::new(0),
            drain: Notify::new(),
        }
    }

    /// Sends clients away that have been idle for a while; false if there are none. One that asked just now is likely
    /// to ask again.
    pub(crate) fn free_file_descriptors(&self, count: usize) -> bool {
        self.registry.send_idle_away(count, clock::now().saturating_sub(A_WHILE_MS))
    }

    /// From now on: no new connections, and clients are told to leave.
    pub(crate) fn begin_drain(&self) {
        let _ = self.draining_since.compare_exchange(0, clock::now(), Ordering::AcqRel, Ordering::Acquire);
        self.drain.notify_waiters();
    }

    /// When the drain began, if it did.
    pub(crate) fn draining_since(&self) -> Option<u64> {
        Some(self.draining_since.load(Ordering::Acquire)).filter(|since| *since > 0)
    }

    pub(crate) async fn drain_began(&self) {
        let told = self.drain.notified();
        if self.draining_since().is_none() {
            told.await;
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shared").field("pool", &self.pool).finish_non_exhaustive()
    }
}
