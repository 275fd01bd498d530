//! A listener, and connections to it of which this test holds both ends.

use crate::clock;
use segue_sockets::{Connection, Listener, Looker, Picture, Source};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// Looks as an agent does; there must be times.
pub(crate) fn look() -> Picture {
    let picture = Looker::open().unwrap().look(clock::now).unwrap();
    assert_eq!(picture.source, Source::Netlink);
    picture
}

/// Looks until something is seen that the kernel takes a moment to do.
#[track_caller]
pub(crate) fn until<T>(mut seen: impl FnMut(&Picture) -> Option<T>) -> T {
    let mut last = None;
    for _ in 0..500 {
        let picture = look();
        if let Some(found) = seen(&picture) {
            return found;
        }
        last = Some(picture);
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

pub(crate) fn listener(picture: &Picture, local: SocketAddr) -> Option<Listener> {
    picture.listeners.iter().copied().find(|listener| listener.local == local)
}

/// The server's end of the connection from a client's address.
pub(crate) fn server_end(picture: &Picture, port: u16, client: SocketAddr) -> Option<Connection> {
    let mut ends = picture.connections.iter().filter(|one| one.local.port() == port && one.remote == client);
    let end = ends.next().copied();
    assert_eq!(ends.count(), 0, "one end is seen once");
    end
}
