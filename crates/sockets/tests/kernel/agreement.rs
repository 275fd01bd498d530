//! Both ways of collecting show the same sockets, as far as both can say.

use crate::clock;
use crate::pair::{connect, listen, server_end, snapshot, until};
use segue_sockets::{Collector, Connection, Listener, Snapshot, Source, TcpState};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};

/// What both can say of some listeners, and of the connections of some clients.
fn common(
    snapshot: &Snapshot,
    locals: &[SocketAddr],
    clients: &[SocketAddr],
) -> (Vec<Listener>, Vec<Connection>) {
    let listeners = snapshot.listeners.iter().filter(|one| locals.contains(&one.local));
    let listeners = listeners.map(|one| Listener { backlog: None, ..*one }).collect();
    // By both ends: what another test left behind may have one of them.
    let port = |end: SocketAddr| locals.iter().any(|local| local.port() == end.port());
    let ours = |client, server| clients.contains(&client) && port(server);
    let connections =
        snapshot.connections.iter().filter(|one| ours(one.local, one.remote) || ours(one.remote, one.local));
    let plain = |one: &Connection| Connection { cookie: 0, time_wait_left: None, traffic: None, ..*one };
    (listeners, connections.map(plain).collect())
}

#[test]
fn proc_shows_the_same_sockets_without_their_times() {
    let (four, local_four) = listen("127.0.0.1:0");
    let (six, local_six) = listen("[::1]:0");
    let (both, local_both) = listen("[::]:0");
    let locals = [local_four, local_six, local_both];
    let mut held = Vec::new();
    for listening in [&four, &six] {
        let (mut unread, server) = connect(listening);
        unread.write_all(b"hello").unwrap();
        held.push((unread, server));
        let (half, server) = connect(listening);
        server.shutdown(std::net::Shutdown::Write).unwrap();
        held.push((half, server));
    }
    // One that is over: its server closed first.
    let (client, server) = connect(&four);
    let gone = client.local_addr().unwrap();
    drop(server);
    drop(client);
    // And two that nobody accepts.
    let mapped = TcpStream::connect(("127.0.0.1", local_both.port())).unwrap();
    let native = TcpStream::connect(local_six).unwrap();
    let held_here = held.iter().map(|(client, _)| client).chain([&mapped, &native]);
    let clients: Vec<_> = held_here.map(|client| client.local_addr().unwrap()).chain([gone]).collect();
    // Until no FIN is on its way any more, nothing stands still.
    until(|snapshot| {
        let over = server_end(snapshot, local_four.port(), gone)?.state == TcpState::TimeWait;
        let ours = common(snapshot, &locals, &clients).1;
        (over && ours.iter().all(|one| one.state != TcpState::FinWait1)).then_some(())
    });
    let by_netlink = snapshot();
    let by_proc = Collector::by_proc().snapshot(clock::now).unwrap();
    assert_eq!(by_proc.source, Source::Proc);
    let (listeners, connections) = common(&by_netlink, &locals, &clients);
    assert_eq!((listeners.len(), listeners.iter().map(|one| one.waiting).sum::<u32>()), (3, 2));
    // Both ends of six that are open, and what is left of the one that is over.
    assert_eq!(connections.len(), 13);
    assert_eq!(common(&by_proc, &locals, &clients), (listeners, connections));
    assert!(by_proc.connections.iter().all(|one| one.traffic.is_none() && one.cookie == 0));
    drop((held, mapped, native, both));
}
