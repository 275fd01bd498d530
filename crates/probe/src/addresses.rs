//! The addresses behind the target's name: looked up again and again, taken in turn.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use parking_lot::RwLock;

use crate::target::{Target, TargetError};

/// How often a name is looked up again.
const AGAIN: Duration = Duration::from_secs(5);

/// Shared by all connections of a run.
#[derive(Debug)]
pub(crate) struct Addresses {
    list: RwLock<Vec<SocketAddr>>,
    turn: AtomicUsize,
}

/// Ends the looking up when it is dropped.
pub(crate) struct Resolver {
    _end: Option<Sender<()>>,
}

impl Addresses {
    /// Looks the target up once, and from then on in a thread as long as the [`Resolver`] lives.
    pub(crate) fn resolve(target: &Target) -> Result<(Arc<Self>, Resolver), TargetError> {
        let list = target.resolve()?;
        let ipv6 = prefers_ipv6(&list);
        let addresses =
            Arc::new(Self { list: RwLock::new(of_family(list, ipv6)), turn: AtomicUsize::new(0) });
        if target.host().parse::<std::net::IpAddr>().is_ok() {
            return Ok((addresses, Resolver { _end: None }));
        }
        let (end, ended) = channel();
        let (target, shared) = (target.clone(), addresses.clone());
        let look = move || {
            while ended.recv_timeout(AGAIN) == Err(RecvTimeoutError::Timeout) {
                match target.resolve() {
                    Ok(list) => shared.replace(of_family(list, ipv6)),
                    // What was known is better than nothing, and a name server's fault is not the target's.
                    Err(error) => tracing::warn!(%error, "the addresses known so far are used on"),
                }
            }
        };
        let thread = std::thread::Builder::new().name("probe-resolver".into()).spawn(look);
        if let Err(error) = thread {
            tracing::warn!(%error, "the target's name will not be looked up again");
        }
        Ok((addresses, Resolver { _end: Some(end) }))
    }

    /// The address whose turn it is.
    pub(crate) fn next(&self) -> SocketAddr {
        let list = self.list.read();
        list[self.turn.fetch_add(1, Ordering::Relaxed) % list.len()]
    }

    fn replace(&self, list: Vec<SocketAddr>) {
        let mut current = self.list.write();
        if *current != list {
            tracing::info!(addresses = ?list, "the target has other addresses now");
            *current = list;
        }
    }
}

/// Of a name with addresses of both families, the one that answers is used; `localhost` is the usual case, where
/// many servers listen on 127.0.0.1 only. Any client tries both.
fn prefers_ipv6(list: &[SocketAddr]) -> bool {
    let first = |ipv6: bool| list.iter().find(|address| address.is_ipv6() == ipv6);
    match (first(false), first(true)) {
        (Some(_), Some(address)) => TcpStream::connect_timeout(address, Duration::from_secs(1)).is_ok(),
        (None, _) => true,
        (_, None) => false,
    }
}

/// The addresses of the chosen family; all of them, should there be none of it any more.
fn of_family(list: Vec<SocketAddr>, ipv6: bool) -> Vec<SocketAddr> {
    let chosen: Vec<_> = list.iter().copied().filter(|address| address.is_ipv6() == ipv6).collect();
    if chosen.is_empty() { list } else { chosen }
}
