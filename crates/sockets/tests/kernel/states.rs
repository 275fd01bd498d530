//! Every state that a judge asks for, made and seen.

use crate::pair::{connect, listen, listener, server_end, snapshot, until};
use segue_sockets::TcpState;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

#[test]
fn a_listener_and_an_open_connection_are_seen() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (listening, local) = listen(address);
        let (client, _server) = connect(&listening);
        let snapshot = snapshot();
        let seen = listener(&snapshot, local).unwrap();
        assert_eq!((seen.waiting, seen.backlog.is_some_and(|most| most > 0)), (0, true));
        let end = server_end(&snapshot, local.port(), client.local_addr().unwrap()).unwrap();
        assert_eq!((end.local, end.state), (local, TcpState::Established));
        assert!(end.inode != 0 && end.inode != seen.inode && end.cookie != 0);
        let traffic = end.traffic.unwrap();
        assert_eq!((traffic.received, traffic.sent, traffic.unsent), (Some(0), Some(0), Some(0)));
        // The client's end is another socket.
        let own = snapshot
            .connections
            .iter()
            .find(|one| (one.local, one.remote) == (client.local_addr().unwrap(), local))
            .unwrap();
        assert_eq!(own.state, TcpState::Established);
        assert_ne!(own.cookie, end.cookie);
    }
}

#[test]
fn ipv4_on_a_listener_for_both_is_given_as_ipv4() {
    let (listening, local) = listen("[::]:0");
    let client = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], local.port()))).unwrap();
    let _server = listening.accept().unwrap();
    let snapshot = snapshot();
    assert!(listener(&snapshot, local).is_some());
    let end = server_end(&snapshot, local.port(), client.local_addr().unwrap()).unwrap();
    assert_eq!(end.local, SocketAddr::from(([127, 0, 0, 1], local.port())));
}

#[test]
fn bytes_that_nobody_read_are_seen_and_counted() {
    let (listening, local) = listen("127.0.0.1:0");
    let (mut client, mut server) = connect(&listening);
    let address = client.local_addr().unwrap();
    client.write_all(b"hello").unwrap();
    let end = until(|snapshot| server_end(snapshot, local.port(), address).filter(|end| end.unread > 0));
    assert_eq!((end.unread, end.traffic.unwrap().received), (5, Some(5)));
    server.read_exact(&mut [0; 5]).unwrap();
    server.write_all(b"hi").unwrap();
    client.read_exact(&mut [0; 2]).unwrap();
    let end =
        until(|snapshot| server_end(snapshot, local.port(), address).filter(|end| end.unacknowledged == 0));
    let traffic = end.traffic.unwrap();
    assert_eq!((end.unread, traffic.sent, traffic.received), (0, Some(2), Some(5)));
}

#[test]
fn the_times_of_the_last_bytes_grow_with_silence() {
    let (listening, local) = listen("127.0.0.1:0");
    let (mut client, mut server) = connect(&listening);
    let address = client.local_addr().unwrap();
    client.write_all(b"hello").unwrap();
    server.read_exact(&mut [0; 5]).unwrap();
    let silence = Duration::from_millis(100);
    let silent = |snapshot: &_| {
        server_end(snapshot, local.port(), address)
            .filter(|end| end.traffic.unwrap().last_received >= silence)
    };
    until(silent);
    server.write_all(b"hi").unwrap();
    let traffic = server_end(&snapshot(), local.port(), address).unwrap().traffic.unwrap();
    assert!(traffic.last_sent < traffic.last_received);
}

#[test]
fn output_that_the_client_does_not_take_is_seen() {
    let (listening, local) = listen("127.0.0.1:0");
    let (client, mut server) = connect(&listening);
    server.set_nonblocking(true).unwrap();
    let block = vec![0; 1 << 20];
    let full = loop {
        if let Err(error) = server.write_all(&block) {
            break error.kind();
        }
    };
    assert_eq!(full, ErrorKind::WouldBlock);
    let end = server_end(&snapshot(), local.port(), client.local_addr().unwrap()).unwrap();
    assert!(end.unacknowledged > 0);
    assert!(end.traffic.unwrap().unsent.unwrap() > 0);
    // Not even the end of the process that wrote it ends it.
    drop(server);
    let end = server_end(&snapshot(), local.port(), client.local_addr().unwrap()).unwrap();
    assert_eq!((end.state, end.inode), (TcpState::FinWait1, 0));
    assert!(end.unacknowledged > 1);
}

#[test]
fn connections_that_nobody_accepted_wait_in_the_queue() {
    let (_listening, local) = listen("127.0.0.1:0");
    let clients: Vec<_> = (0..3).map(|_| TcpStream::connect(local).unwrap()).collect();
    let snapshot =
        until(|snapshot| (listener(snapshot, local).unwrap().waiting == 3).then(|| snapshot.clone()));
    for client in &clients {
        let end = server_end(&snapshot, local.port(), client.local_addr().unwrap()).unwrap();
        assert_eq!((end.state, end.inode), (TcpState::Established, 0));
    }
}

#[test]
fn the_side_that_closes_first_keeps_a_socket_in_time_wait() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (listening, local) = listen(address);
        let (client, server) = connect(&listening);
        let address = client.local_addr().unwrap();
        let cookie = server_end(&snapshot(), local.port(), address).unwrap().cookie;
        server.shutdown(Shutdown::Write).unwrap();
        let half = until(|snapshot| {
            server_end(snapshot, local.port(), address).filter(|end| end.state == TcpState::FinWait2)
        });
        assert_eq!(half.cookie, cookie);
        drop(client);
        let over = until(|snapshot| {
            server_end(snapshot, local.port(), address).filter(|end| end.state == TcpState::TimeWait)
        });
        assert_eq!((over.cookie, over.traffic, over.inode), (cookie, None, 0));
        let left = over.time_wait_left.unwrap();
        assert!(left > Duration::from_secs(50) && left <= Duration::from_mins(1), "{left:?}");
    }
}

#[test]
fn the_fin_of_a_client_is_not_taken_for_data() {
    let (listening, local) = listen("127.0.0.1:0");
    let (mut client, mut server) = connect(&listening);
    let address = client.local_addr().unwrap();
    client.write_all(b"hello").unwrap();
    drop(client);
    let end = until(|snapshot| {
        server_end(snapshot, local.port(), address).filter(|end| end.state == TcpState::CloseWait)
    });
    assert_eq!((end.unread, end.traffic.unwrap().received), (5, Some(5)));
    server.read_exact(&mut [0; 5]).unwrap();
    let end = server_end(&snapshot(), local.port(), address).unwrap();
    assert_eq!((end.unread, end.traffic.unwrap().received), (0, Some(5)));
    assert_eq!(server.read(&mut [0; 5]).unwrap(), 0);
    assert_eq!(server_end(&snapshot(), local.port(), address).unwrap().unread, 0);
}

#[test]
fn connections_that_clients_opened_are_counted() {
    let (listening, _) = listen("127.0.0.1:0");
    let before = snapshot().passive_opens.unwrap();
    let pairs: Vec<_> = (0..7).map(|_| connect(&listening)).collect();
    assert!(snapshot().passive_opens.unwrap() >= before + 7);
    drop(pairs);
}
