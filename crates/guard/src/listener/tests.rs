//! Which failures are whose, and what a port is like.

use super::*;

#[test]
fn what_one_client_did_is_no_fault_of_the_ports() {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, OutOfMemory, PermissionDenied};
    for (kind, is) in [
        (ConnectionAborted, true),
        (ConnectionReset, true),
        (Interrupted, true),
        (OutOfMemory, false),
        (PermissionDenied, false),
    ] {
        assert_eq!(is_of_one_client(&kind.into()), is, "{kind}");
    }
    // No descriptors.
    assert!(!is_of_one_client(&io::Error::from_raw_os_error(24)));
}

#[test]
fn only_where_a_family_is_missing_is_the_other_tried_alone() {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied, Unsupported};
    for (kind, is) in
        [(AddrInUse, true), (PermissionDenied, true), (AddrNotAvailable, false), (Unsupported, false)]
    {
        assert_eq!(is_of_the_port(&kind.into()), is, "{kind}");
    }
}

#[tokio::test]
async fn a_port_that_another_has_for_ipv6_alone_is_taken() {
    let socket = TcpSocket::new_v6().unwrap();
    sockopt::set_ipv6_v6only(socket.as_fd(), true).unwrap();
    socket.bind(SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)).unwrap();
    let taken = socket.listen(1).unwrap();
    let port = taken.local_addr().unwrap().port();
    assert_eq!(listen(port).unwrap_err().kind(), io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn a_client_is_asked_whether_it_is_still_there_and_small_writes_are_not_delayed() {
    let listener = listen(0).unwrap();
    let port = listener.local_addr().unwrap().port();
    for address in ["127.0.0.1", "::1"] {
        let connects = TcpStream::connect((address, port));
        let (client, accepted) = tokio::join!(connects, listener.accept());
        let (_client, (accepted, _)) = (client.unwrap(), accepted.unwrap());
        assert!(accepted.nodelay().unwrap());
        assert!(sockopt::socket_keepalive(&accepted).unwrap());
        assert_eq!(sockopt::tcp_keepidle(&accepted).unwrap(), Duration::from_mins(1));
        assert_eq!(sockopt::tcp_keepintvl(&accepted).unwrap(), Duration::from_secs(15));
        assert_eq!(sockopt::tcp_keepcnt(&accepted).unwrap(), 4);
    }
}

#[tokio::test]
async fn an_application_is_one_however_its_clients_come() {
    let free = async || listen(0).unwrap().local_addr().unwrap().port();
    let port = |application, guard, redirect| segue_core::pod::Port {
        name: None,
        application,
        guard,
        redirect,
        protocol: Protocol::Auto,
    };
    let (direct, led, other) = (free().await, free().await, free().await);
    let ports =
        vec![port(8080, Some(direct), Some(led)), port(9090, None, None), port(9091, None, Some(other))];
    let bound = bind(Settings { ports, ..crate::support::settings(0) }).await.unwrap();
    assert_eq!(bound.ports(), [(8080, direct), (8080, led), (9091, other)]);
    let same = |one: usize, other: usize| {
        Arc::ptr_eq(&bound.ports[one].application, &bound.ports[other].application)
    };
    assert!(same(0, 1) && !same(1, 2));
    bound.serve();
    for number in [direct, led, other] {
        TcpStream::connect(("127.0.0.1", number)).await.unwrap();
    }
}
