//! The handle by which a drain steers a guard.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::table::Command;
use crate::{clock, idle};

/// Steers a guard that serves. Clones steer the same one; dropping them ends nothing.
#[derive(Debug, Clone)]
pub struct Guard {
    shared: Arc<Shared>,
}

impl Guard {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Everything that is known at this moment.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.metrics.snapshot()
    }

    /// Resolves when something came to its end that a drain may wait for: nothing is in flight any more, no connection is
    /// kept, none is closing, or none is open. If that happened since the last call, it resolves at once, so that
    /// nothing is missed between a snapshot and this. It is for one waiter at a time.
    pub fn changed(&self) -> impl Future<Output = ()> + Send + use<> {
        let shared = self.shared.clone();
        async move { shared.metrics.changed.notified().await }
    }

    /// Where the application was found listening on `application`, beside loopback.
    pub fn reach(&self, application: u16, addresses: &[IpAddr]) {
        let ports = self.shared.applications.iter();
        ports.filter(|port| port.port == application).for_each(|port| port.reach(addresses));
    }

    /// A drain begins: from now on clients are told to go with what they are answered. Nothing is cut, and new connections
    /// are served in the same way. Saying it again changes nothing.
    pub fn announce(&self) {
        if self.shared.announce(clock::now()) {
            self.shared.table.each(|entry| entry.wake());
        }
    }

    /// The drain is taken back: connections that were not told to go yet go on as before.
    pub fn open(&self) {
        self.shared.open();
        self.shared.table.each(|entry| entry.wake());
    }

    /// Closes idle connections, from now until [`Guard::open`], also those that become idle later. The longest idle goes first,
    /// spread over `within`; each is kept for its next request up to twice its usual gap (if that is not known, for the
    /// whole `linger`), but at most `linger` from now or from when it became idle. Opaque connections are left alone.
    ///
    /// It is for the end of propagation: before that, the clients would come back.
    pub fn close_idle(&self, within: Duration) {
        let epoch = self.shared.next_epoch();
        tokio::spawn(idle::close(self.shared.clone(), within, epoch));
    }

    /// The deadline: ends every connection, by a reset where something is in flight, so that nobody takes half an answer
    /// for a whole one. Answers how many application requests were in flight; they are counted as cut.
    pub fn cut(&self) -> u64 {
        let in_flight = self.snapshot().in_flight;
        self.shared.metrics.counters.cut.fetch_add(in_flight, std::sync::atomic::Ordering::Relaxed);
        self.shared.table.each(|entry| entry.give(Command::Cut));
        in_flight
    }
}

#[cfg(test)]
mod tests {
    use crate::support::{registered, settings, soon};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    #[tokio::test]
    async fn a_panic_ends_one_connection_and_leaves_nothing_counted() {
        let application = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let number = application.local_addr().unwrap().port();
        let bound = crate::bind(settings(number)).await.unwrap();
        let address = ("127.0.0.1", bound.ports()[0].1);
        let guard = bound.serve();
        let mut registration = registered(&guard.shared);
        registration.update(crate::table::ConnectionState::Busy, 3);
        assert_eq!((guard.snapshot().connections, guard.snapshot().in_flight), (1, 3));
        let carried = tokio::spawn(async move {
            let _held = registration;
            panic!("as a connection's task might");
        });
        assert!(carried.await.unwrap_err().is_panic());
        let snapshot = guard.snapshot();
        assert_eq!((snapshot.connections, snapshot.in_flight, snapshot.kept), (0, 0, 0));
        assert_eq!(snapshot.counters.panics, 1);
        // The others go on.
        let mut client = TcpStream::connect(address).await.unwrap();
        let (mut other, _) = soon("a connection", application.accept()).await.unwrap();
        client.write_all(b"GET ").await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = String::new();
        soon("the end", other.read_to_string(&mut heard)).await.unwrap();
        assert_eq!(heard, "GET ");
    }
}
