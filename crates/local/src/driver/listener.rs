//! The deferred listener: clients' connections queue in the kernel until an instance can answer them.
//!
//! So a `segue up` that takes over from a killed one makes clients wait for a moment, where it would else turn them away.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use segue_core::Time;
use segue_proxy::{Config, Pool, Proxy};

/// How long clients wait at most before they are told that no instance serves.
const MOST: Duration = Duration::from_secs(2);

/// A listener that nobody accepts from yet.
#[derive(Debug)]
pub(super) struct DeferredListener {
    listener: TcpListener,
    config: Config,
    /// When clients are let in at the latest.
    pub(super) opens: Time,
}

impl DeferredListener {
    pub(super) fn new(listener: TcpListener, config: Config, now: Time) -> Self {
        Self { listener, config, opens: now + MOST }
    }

    /// Whether it is time to accept: an instance serves, or clients have waited for long enough.
    pub(super) fn is_due(&self, pool: &Pool, now: Time) -> bool {
        now >= self.opens || pool.instances().iter().any(|instance| instance.admitted)
    }

    /// Begins to accept.
    pub(super) fn open(self, pool: &Pool) -> io::Result<Arc<Proxy>> {
        Proxy::start(self.listener, pool.clone(), self.config).map(Arc::new)
    }
}
