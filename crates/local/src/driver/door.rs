//! The door to the proxy: clients' connections queue in the kernel until an instance can answer them.
//!
//! So a `segue up` that takes over from a killed one makes clients wait for a moment, where it would else turn them away.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use segue_core::Time;
use segue_proxy::{Config, Pool, Proxy};

use super::Driver;
use crate::gauge;

/// How long clients wait at most before they are told that no instance serves.
const MOST: Duration = Duration::from_secs(2);

/// A listener that nobody accepts from yet.
#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
    config: Config,
    /// When it opens at the latest.
    pub(super) opens: Time,
}

impl Door {
    pub(super) fn new(listener: TcpListener, config: Config, now: Time) -> Self {
        Self { listener, config, opens: now + MOST }
    }

    fn open(self, pool: &Pool) -> io::Result<Arc<Proxy>> {
        Proxy::start(self.listener, pool.clone(), self.config).map(Arc::new)
    }
}

impl Driver {
    /// Where clients connect: what they reach opens with the first instance that serves. Without it there is no proxy
    /// to be drained.
    pub fn stand_behind(&mut self, listener: TcpListener, config: Config) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        self.listen = Some(address);
        self.door = Some(Door::new(listener, config, self.began));
        Ok(address)
    }

    /// Opens the door when it is time.
    pub(super) fn open_door(&mut self, now: Time) {
        let serves = || self.pool.instances().iter().any(|instance| instance.admitted);
        if !self.door.as_ref().is_some_and(|door| now >= door.opens || serves()) {
            return;
        }
        let Some(door) = self.door.take() else { return };
        match door.open(&self.pool) {
            Ok(front) => {
                tokio::spawn(gauge::keep(self.folder.clone(), self.pool.clone(), Arc::clone(&front)));
                self.front = Some(front);
            }
            Err(error) => {
                tracing::error!(%error, "the proxy cannot start");
                self.down(self.who.clone(), now);
            }
        }
    }
}
