//! How many client connections there are, and who makes room when there are as many as may be.
//!
//! A newcomer gets a place only once it is free. For it, the client that was idle for longest is sent away; while that
//! one leaves, the newcomer waits for a moment. Where nobody is idle it is refused with a reason at once. Those who
//! wait and those who are being refused are few themselves: past that, a refusal is written and not waited for.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::net::SendFlags;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::SemaphorePermit;

use crate::clock;
use crate::reason::{self, Reason};
use crate::shared::Shared;

/// How long a newcomer waits for a place that is being freed, and a refused one may take to read its refusal.
const MOMENT: Duration = Duration::from_secs(1);

/// How long the client that is sent away may take before another one is.
const LEAVING: Duration = Duration::from_millis(250);

/// The place of one client connection, free again when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<Shared>);

impl Place {
    /// A place, if one is free.
    pub(super) fn take(shared: &Arc<Shared>) -> Option<Place> {
        shared.places.try_acquire().ok().map(|free| Place::of(free, shared))
    }

    fn of(free: SemaphorePermit<'_>, shared: &Arc<Shared>) -> Place {
        free.forget();
        shared.counters.connections.fetch_add(1, Ordering::Relaxed);
        Place(shared.clone())
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// A place, once one is free that an idle client had.
    async fn wait_for(shared: &Arc<Shared>) -> Option<Place> {
        if let Some(place) = Place::take(shared) {
            return Some(place);
        }
        let limit = clock::now() + clock::millis(MOMENT);
        let mut free = pin!(shared.places.acquire());
        let mut asked = false;
        while clock::now() < limit {
            // Where nobody else is left to ask, the one who was asked may still be on its way out.
            asked |= shared.registry.send_idle_away(1, u64::MAX);
            if !asked {
                return None;
            }
            if let Some(free) = clock::within(LEAVING, free.as_mut()).await {
                return free.ok().map(|free| Place::of(free, shared));
            }
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.counters.connections.fetch_sub(1, Ordering::Relaxed);
        self.0.places.add_permits(1);
    }
}

/// One of those who have no place yet.
struct Waiting(Arc<Shared>);

impl Waiting {
    fn begin(shared: &Arc<Shared>) -> Option<Waiting> {
        let most = shared.config.limits.waiting();
        let one_more = |waiting: usize| (waiting < most).then_some(waiting + 1);
        let begun = shared.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        begun.is_ok().then(|| Waiting(shared.clone()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Calls `serve` with a place for a newcomer that found none free, or tells it why there is none.
pub(super) fn wait(
    shared: &Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    serve: impl FnOnce(Place, TcpStream, SocketAddr) + Send + 'static,
) {
    let Some(waiting) = Waiting::begin(shared) else {
        shared.counters.count(Reason::TooManyConnections);
        if shared.tls.is_none() {
            let _ = rustix::net::send(&stream, refusal().as_bytes(), SendFlags::NOSIGNAL);
        }
        return;
    };
    let shared = shared.clone();
    tokio::spawn(async move {
        if let Some(place) = Place::wait_for(&shared).await {
            drop(waiting);
            return serve(place, stream, peer);
        }
        shared.counters.count(Reason::TooManyConnections);
        // Without TLS only: the answer would need a handshake.
        if shared.tls.is_none() {
            let _ = clock::within(MOMENT, refuse(stream)).await;
        }
        drop(waiting);
    });
}

fn refusal() -> String {
    let reason = Reason::TooManyConnections;
    format!(
        "HTTP/1.1 {} Service Unavailable\r\n{}: {}\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        reason.status().as_str(),
        reason::HEADER,
        reason.as_str(),
    )
}

/// Says why, then waits until the client has it: closing with its request unread would reset the connection and
/// take the answer away.
async fn refuse(mut stream: TcpStream) {
    if stream.write_all(refusal().as_bytes()).await.is_ok() && stream.shutdown().await.is_ok() {
        let mut unread = [0; 1024];
        while matches!(stream.read(&mut unread).await, Ok(1..)) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Limits, Pool};

    fn shared(connections: usize) -> Arc<Shared> {
        let limits = Limits { connections, ..Limits::default() };
        Arc::new(Shared::new(Pool::default(), Config { limits, ..Config::default() }))
    }

    #[test]
    fn there_are_as_many_places_as_may_be_and_few_who_wait() {
        let shared = shared(2);
        let places = [Place::take(&shared), Place::take(&shared)];
        assert!(places.iter().all(Option::is_some) && Place::take(&shared).is_none());
        drop(places);
        assert!(Place::take(&shared).is_some());
        let waiting: Vec<_> = std::iter::from_fn(|| Waiting::begin(&shared)).collect();
        assert_eq!(waiting.len(), 16);
        drop(waiting);
        assert!(Waiting::begin(&shared).is_some());
        let waiting =
            [10, 800, 1_000_000].map(|connections| Limits { connections, ..Limits::default() }.waiting());
        assert_eq!(waiting, [16, 100, 256]);
    }
}
