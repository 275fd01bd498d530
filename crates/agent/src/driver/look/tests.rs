//! What of a snapshot is the guard's own, and what goes past it.

use super::*;
use crate::routers::tests::plan;
use segue_core::pod::{Port, Protocol};
use segue_sockets::{Listener, Source, TcpState};
use std::net::SocketAddr;

/// Guarded on 8080, and not on 9090.
fn look() -> Look {
    let port = |application, guard| Port {
        name: None,
        application,
        guard,
        redirect: None,
        protocol: Protocol::Auto,
    };
    Look::new(&plan(vec![port(8080, Some(15080)), port(9090, None)]), true)
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn listener(local: &str) -> Listener {
    Listener { local: address(local), waiting: 3, backlog: None, inode: 1 }
}

fn connection(local: &str, remote: &str) -> Connection {
    Connection {
        local: address(local),
        remote: address(remote),
        state: TcpState::Established,
        unread: 0,
        unacknowledged: 0,
        inode: 1,
        cookie: 0,
        time_wait_left: None,
        traffic: None,
    }
}

fn snapshot(listeners: Vec<Listener>, connections: Vec<Connection>) -> Snapshot {
    let taken = Time::from_millis(1);
    Snapshot { taken, source: Source::Proc, passive_opens: Some(7), listeners, connections }
}

#[test]
fn what_goes_past_the_guard_decides_only_when_nothing_is_counted() {
    let past = InFlight::Estimated(1);
    assert_eq!(both(Some(2), past), InFlight::Counted(2));
    assert_eq!(both(Some(0), past), InFlight::Estimated(1));
    assert_eq!(both(Some(0), InFlight::Estimated(0)), InFlight::Counted(0));
    assert_eq!(both(Some(0), InFlight::Unknown), InFlight::Counted(0));
    assert_eq!(both(None, past), past);
}

#[test]
fn a_guarded_port_is_found_where_it_listens_beside_loopback() {
    let mut look = look();
    let all =
        ["0.0.0.0:8080", "127.0.0.1:8080", "10.0.0.7:8080", "10.0.0.7:9090", "[fd00::7]:8080", "[::]:8080"];
    look.find_listeners(&snapshot(all.map(listener).to_vec(), Vec::new()));
    let found = [address("10.0.0.7:8080").ip(), address("[fd00::7]:8080").ip()];
    assert_eq!(look.listeners(), &BTreeMap::from([(8080, found.to_vec())]));
    look.find_listeners(&snapshot(vec![listener("0.0.0.0:8080")], Vec::new()));
    assert_eq!(look.listeners(), &BTreeMap::new(), "it listens elsewhere now");
}

#[test]
fn the_guards_own_connections_are_not_taken_for_clients() {
    let guards =
        [connection("127.0.0.1:8080", "127.0.0.1:4000"), connection("10.0.0.7:8080", "10.0.0.7:4001")];
    let clients = [
        connection("10.0.0.7:8080", "10.0.0.9:4000"),
        connection("127.0.0.1:9090", "127.0.0.1:4002"),
        connection("10.0.0.7:9090", "10.0.0.9:4001"),
    ];
    let listeners = vec![listener("0.0.0.0:8080"), listener("0.0.0.0:9090")];
    let seen = snapshot(listeners, guards.into_iter().chain(clients).collect());
    let past = look().past_the_guard(seen.clone());
    assert_eq!(past.connections, clients);
    assert_eq!(past.listeners.iter().map(|listener| listener.waiting).collect::<Vec<_>>(), [0, 3]);
    assert_eq!(past.passive_opens, None, "it counts what clients opened to the guard, too");
    let port = Port { name: None, application: 8080, guard: None, redirect: None, protocol: Protocol::Auto };
    assert_eq!(Look::new(&plan(vec![port]), false).past_the_guard(seen.clone()), seen, "there is none");
}

#[test]
fn probe_periods_are_learnt_while_it_serves_and_not_in_a_drain() {
    let mut look = look();
    for learns in [false, false, true, true, false] {
        look.learn(learns);
        assert_eq!(look.learning, learns);
    }
}
