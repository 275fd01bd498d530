//! A listener, and connections to it of which this test holds both ends.

use crate::clock;
use segue_sockets::{Collector, Connection, Listener, Snapshot, Source};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// What an agent sees; there must be times.
pub(crate) fn snapshot() -> Snapshot {
    let snapshot = Collector::open().unwrap().snapshot(clock::now).unwrap();
    assert_eq!(snapshot.source, Source::Netlink);
    snapshot
}

/// Takes snapshots until one shows something that the kernel takes a moment to do.
#[track_caller]
pub(crate) fn until<T>(mut seen: impl FnMut(&Snapshot) -> Option<T>) -> T {
    let mut last = None;
    for _ in 0..500 {
        let snapshot = snapshot();
        if let Some(found) = seen(&snapshot) {
            return found;
        }
        last = Some(snapshot);
        clock::pause();
    }
    panic!("not seen in {last:?}");
}

pub(crate) fn listen(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let local = listener.local_addr().unwrap();
    (listener, local)
}

/// The client's end and the server's.
pub(crate) fn connect(listener: &TcpListener) -> (TcpStream, TcpStream) {
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let server = listener.accept().unwrap().0;
    (client, server)
}

pub(crate) fn listener(snapshot: &Snapshot, local: SocketAddr) -> Option<Listener> {
    snapshot.listeners.iter().copied().find(|listener| listener.local == local)
}

/// The server's end of the connection from a client's address.
pub(crate) fn server_end(snapshot: &Snapshot, port: u16, client: SocketAddr) -> Option<Connection> {
    let mut ends = snapshot.connections.iter().filter(|one| one.local.port() == port && one.remote == client);
    let end = ends.next().copied();
    assert_eq!(ends.count(), 0, "one end is seen once");
    end
}
