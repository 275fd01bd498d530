//! Where clients connect, and when they are let in.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use segue_core::Time;
use segue_proxy::Config;

use super::Driver;
use super::listener::DeferredListener;
use crate::in_flight;

impl Driver {
    /// Where clients connect: they are let in with the first instance that serves. Without it there is no proxy to be
    /// drained.
    pub fn listen_on(&mut self, listener: TcpListener, config: Config) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        self.listen = Some(address);
        self.listener = Some(DeferredListener::new(listener, config, self.began));
        Ok(address)
    }

    /// Lets clients in when it is time.
    pub(super) fn let_clients_in(&mut self, now: Time) {
        let Some(listener) = self.listener.take_if(|listener| listener.is_due(&self.pool, now)) else {
            return;
        };
        match listener.open(&self.pool) {
            Ok(front) => {
                tokio::spawn(in_flight::keep(self.folder.clone(), self.pool.clone(), Arc::clone(&front)));
                self.front = Some(front);
            }
            Err(error) => {
                tracing::error!(%error, "the proxy cannot start");
                self.down(self.who.clone(), now);
            }
        }
    }
}
