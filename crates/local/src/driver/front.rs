//! Where clients connect, when they are let in, and how they are let go.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use segue_core::Time;
use segue_proxy::{Config, Pool, Proxy};
use tokio::sync::mpsc::UnboundedSender;

use super::fleet::News;
use super::listener::DeferredListener;
use crate::folder::Folder;
use crate::in_flight;

/// The service's front.
#[derive(Debug, Default)]
pub(super) struct Front {
    /// Where clients connect; nowhere if only the instances are to be ended.
    pub(super) listen: Option<SocketAddr>,
    /// Until the first instance serves.
    pub(super) listener: Option<DeferredListener>,
    /// From then on.
    pub(super) proxy: Option<Arc<Proxy>>,
}

// === impl Front ===

impl Front {
    pub(super) fn listen_on(
        &mut self,
        listener: TcpListener,
        config: Config,
        now: Time,
    ) -> io::Result<SocketAddr> {
        let address = listener.local_addr()?;
        self.listen = Some(address);
        self.listener = Some(DeferredListener::new(listener, config, now));
        Ok(address)
    }

    /// Lets clients in when it is time.
    pub(super) fn let_clients_in(&mut self, pool: &Pool, folder: &Folder, now: Time) -> io::Result<()> {
        let Some(listener) = self.listener.take_if(|listener| listener.is_due(pool, now)) else {
            return Ok(());
        };
        let proxy = listener.open(pool)?;
        tokio::spawn(in_flight::keep(folder.clone(), pool.clone(), Arc::clone(&proxy)));
        self.proxy = Some(proxy);
        Ok(())
    }

    /// When clients are let in at the latest, if they were not yet.
    pub(super) fn opens(&self) -> Option<Time> {
        self.listener.as_ref().map(|listener| listener.opens)
    }

    /// Lets every client go, which becomes news; answers whether there is any to wait for.
    pub(super) fn drain(&mut self, deadline: Duration, news: &UnboundedSender<News>) -> bool {
        // Whom nobody has let in need not be drained.
        self.listener = None;
        let Some(proxy) = self.proxy.clone() else { return false };
        let news = news.clone();
        tokio::spawn(async move {
            let drained = proxy.drain(deadline).await;
            // It fails only when the driver has ended meanwhile.
            let _ = news.send(News::FrontDrained(drained.cut));
        });
        true
    }
}
