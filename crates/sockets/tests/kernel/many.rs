//! A crowded namespace is still one snapshot.

use crate::pair::{listen, until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::HashSet;
use std::net::TcpStream;

const LISTENERS: usize = 4;
const EACH: usize = 2500;

/// Nobody accepts, so each connection is two sockets and one file.
#[test]
fn twenty_thousand_sockets_are_one_look() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let needed = u64::try_from(LISTENERS * EACH + 500).unwrap();
    assert!(
        limit.maximum.is_none_or(|most| most >= needed),
        "needs a limit of {needed} open files: ulimit -n"
    );
    let listening: Vec<_> = (0..LISTENERS)
        .map(|_| {
            let (listener, local) = listen("127.0.0.1:0");
            // Listening once more makes the queue longer.
            rustix::net::listen(&listener, i32::try_from(EACH).unwrap() + 100).unwrap();
            (listener, local)
        })
        .collect();
    let connect = |local| TcpStream::connect(local).unwrap();
    let clients: Vec<_> =
        listening.iter().flat_map(|(_, local)| (0..EACH).map(move |_| connect(*local))).collect();
    // Both addresses: a port of a client may still be in TIME_WAIT from an earlier test's connection to the same listener.
    let address = |client: &TcpStream| (client.local_addr().unwrap(), client.peer_addr().unwrap());
    let ours: HashSet<_> = clients.iter().map(address).collect();
    let all = until(|snapshot| {
        let both = snapshot.connections.iter();
        let ends = both
            .filter(|one| ours.contains(&(one.local, one.remote)) || ours.contains(&(one.remote, one.local)))
            .count();
        (ends >= 2 * clients.len()).then_some(ends)
    });
    assert_eq!(all, 2 * clients.len());
}
