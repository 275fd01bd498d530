//! Reaching the application: on loopback, else where it really listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::clock;
use crate::lock::lock;

/// How long an application that listens may take to take a connection: as long as AWS load balancers give their targets.
const CONNECT: Duration = Duration::from_secs(10);

/// One port of the application.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) port: u16,
    /// In the order in which they are tried; the one that took the last connection is first.
    addresses: Mutex<Vec<IpAddr>>,
    /// A request of HTTP/1 was answered.
    is_http1: AtomicBool,
    /// After how long it closes an idle connection, in milliseconds; 0 if that is not known.
    closes_after: AtomicU64,
}

impl Application {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            addresses: Mutex::new(loopback().to_vec()),
            is_http1: AtomicBool::new(false),
            closes_after: AtomicU64::new(0),
        }
    }

    /// Also tries these, after loopback.
    pub(crate) fn reach(&self, addresses: &[IpAddr]) {
        let mut all = loopback().to_vec();
        // What "any address" means is loopback, which is there already.
        let others =
            addresses.iter().filter(|address| !address.is_unspecified() && !loopback().contains(address));
        all.extend(others);
        *lock(&self.addresses) = all;
    }

    /// A connection to it, without a delay for small writes.
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::ErrorKind::ConnectionRefused.into();
        // As they are now: another connection may change the order meanwhile.
        let addresses = lock(&self.addresses).clone();
        for address in addresses {
            let connect = TcpStream::connect(SocketAddr::new(address, self.port));
            match clock::within(CONNECT, connect).await.unwrap_or_else(|| Err(io::ErrorKind::TimedOut.into()))
            {
                // Where nobody listens the kernel may take that very port for this end, and so connect it to itself.
                Ok(stream) if stream.local_addr()? == stream.peer_addr()? => {}
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    self.prefer(address);
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(crate) fn speaks_http1(&self) {
        self.is_http1.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_http1(&self) -> bool {
        self.is_http1.load(Ordering::Relaxed)
    }

    /// Learns after how long it closes an idle connection: a timer is late, never early, so of like ones the shortest counts.
    pub(crate) fn closed_after(&self, idle: Duration) {
        let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX).max(1);
        let known = self.closes_after.load(Ordering::Relaxed);
        let is_alike = idle.abs_diff(known) <= margin(known);
        self.closes_after.store(if is_alike { idle.min(known) } else { idle }, Ordering::Relaxed);
    }

    /// Whether it may be about to close a connection that has been idle for so long. A request that such a close meets in
    /// the application's buffer is lost, and nobody can prove that it was not read.
    pub(crate) fn is_about_to_close(&self, idle: Duration) -> bool {
        let idle = u64::try_from(idle.as_millis()).unwrap_or(u64::MAX);
        let known = self.closes_after.load(Ordering::Relaxed);
        if known == 0 || idle < known - margin(known) {
            return false;
        }
        if idle > known + margin(known) {
            // It was not closed, so that was no timer.
            self.closes_after.store(0, Ordering::Relaxed);
            return false;
        }
        true
    }

    fn prefer(&self, address: IpAddr) {
        let mut addresses = lock(&self.addresses);
        if let Some(at @ 1..) = addresses.iter().position(|known| *known == address) {
            addresses[..=at].rotate_right(1);
        }
    }
}

/// How much earlier or later than its timer an application may close: a quarter, but 1 s at most (what Node itself adds
/// to the time that it tells its clients).
fn margin(known: u64) -> u64 {
    (known / 4).min(1000)
}

fn loopback() -> [IpAddr; 2] {
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(application: &Application) -> Vec<String> {
        lock(&application.addresses).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn loopback_is_tried_first_and_then_where_it_was_found_listening() {
        let application = Application::new(1);
        assert_eq!(known(&application), ["127.0.0.1", "::1"]);
        let found = ["0.0.0.0", "::", "::1", "10.0.0.2", "fd00::2"].map(|address| address.parse().unwrap());
        application.reach(&found);
        assert_eq!(known(&application), ["127.0.0.1", "::1", "10.0.0.2", "fd00::2"]);
    }

    #[test]
    fn the_address_that_took_the_last_connection_is_tried_first() {
        let application = Application::new(1);
        application.reach(&["10.0.0.2".parse().unwrap()]);
        for (took, command) in [
            ("10.0.0.2", ["10.0.0.2", "127.0.0.1", "::1"]),
            ("127.0.0.1", ["127.0.0.1", "10.0.0.2", "::1"]),
            ("127.0.0.1", ["127.0.0.1", "10.0.0.2", "::1"]),
            ("10.9.9.9", ["127.0.0.1", "10.0.0.2", "::1"]),
        ] {
            application.prefer(took.parse().unwrap());
            assert_eq!(known(&application), command, "{took}");
        }
    }
}
