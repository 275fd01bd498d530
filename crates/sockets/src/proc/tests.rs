use super::*;
use crate::snapshot::TcpState;
use proptest::prelude::*;
use std::fmt::Write;

const HEAD: &str =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

fn written(address: SocketAddr) -> String {
    let bytes = match address.ip() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let mut text = String::new();
    for word in bytes.chunks(4) {
        write!(text, "{:08X}", u32::from_ne_bytes(word.try_into().unwrap())).unwrap();
    }
    format!("{text}:{:04X}", address.port())
}

fn read(table: &str) -> Sockets {
    let mut sockets = Sockets::default();
    read_table(table, &mut sockets).unwrap();
    sockets
}

#[test]
fn a_table_as_a_kernel_writes_it_is_read() {
    let sockets = read(concat!(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
        "   0: 00000000:1F90 00000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 9153 1 0000000000000000 100 0 0 10 0\n",
        "   1: 0100007F:1F90 0100007F:C350 01 00000010:00000005 00:00000000 00000000     0        0 9154 1 0000000000000000 20 4 30 10 -1\n",
        "   2: 0100007F:1F90 0100007F:C351 06 00000000:00000000 03:000016C2 00000000     0        0 0 3 0000000000000000\n",
    ));
    let listener = sockets.listeners[0];
    assert_eq!(
        (listener.local, listener.waiting, listener.inode),
        ("0.0.0.0:8080".parse().unwrap(), 2, 9153)
    );
    let [open, over] = sockets.connections[..] else { panic!("{sockets:?}") };
    assert_eq!(
        (open.local, open.remote),
        ("127.0.0.1:8080".parse().unwrap(), "127.0.0.1:50000".parse().unwrap())
    );
    assert_eq!((open.state, open.unread, open.unacknowledged), (TcpState::Established, 5, 16));
    assert_eq!((over.state, over.inode, over.traffic), (TcpState::TimeWait, 0, None));
}

#[test]
fn a_socket_that_a_changing_table_shows_twice_is_one() {
    let line = |state, local| {
        format!("   0: 0100007F:1F90 {local} {state} 00000000:00000000 00:00000000 00000000 0 0 5")
    };
    let lines = [
        line("03", "0100007F:C350"),
        line("0A", "00000000:0000"),
        line("01", "0100007F:C350"),
        line("0A", "00000000:0000"),
    ];
    let mut sockets = read(&format!("{HEAD}\n{}\n", lines.join("\n")));
    assert_eq!((sockets.connections.len(), sockets.listeners.len()), (2, 2));
    sockets.settle();
    assert_eq!((sockets.connections.len(), sockets.listeners.len()), (1, 1));
    assert_eq!(sockets.connections[0].state, TcpState::Established);
}

#[test]
fn a_line_that_is_no_socket_is_told() {
    let error = read_table(&format!("{HEAD}\n   0: 0100007F:1F90 nonsense\n"), &mut Sockets::default());
    assert_eq!(error.unwrap_err().to_string(), "not a socket: 0: 0100007F:1F90 nonsense");
}

#[test]
fn the_counter_is_found_by_its_name() {
    let snmp = "Ip: A B\nIp: 1 2\nTcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 5 77\nUdp: X\nUdp: 1\n";
    assert_eq!(passive_opens(snmp), Some(77));
    assert_eq!(passive_opens("Tcp: RtoMin ActiveOpens\nTcp: 200 5\n"), None);
    assert_eq!(passive_opens("Tcp: PassiveOpens\n"), None);
    assert_eq!(passive_opens(""), None);
}

proptest! {
    #[test]
    fn every_socket_that_is_written_is_read_back(
        local: SocketAddr,
        remote: SocketAddr,
        state in 1_u8..=9,
        queues: (u32, u32),
        inode: u32,
    ) {
        let (local, remote) = (SocketAddr::new(local.ip(), local.port()), SocketAddr::new(remote.ip(), remote.port()));
        let (sent, received) = queues;
        let line = format!(
            "   0: {} {} {state:02X} {sent:08X}:{received:08X} 00:00000000 00000000  1000        0 {inode} 1 0 20 4 30 10 -1",
            written(local),
            written(remote),
        );
        let sockets = read(&format!("{HEAD}\n{line}\n"));
        let [connection] = sockets.connections[..] else { panic!("{sockets:?}") };
        let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        prop_assert_eq!((connection.local, connection.remote), (canonical(local), canonical(remote)));
        let fin = u32::from(connection.state.peer_closed());
        prop_assert_eq!(connection.unread, received.saturating_sub(fin));
        prop_assert_eq!((connection.unacknowledged, connection.inode), (sent, inode));
    }

    #[test]
    fn no_table_makes_it_panic(table in "([0-9A-F: ]{0,60}\n){0,4}", any in ".{0,80}") {
        _ = read_table(&table, &mut Sockets::default());
        _ = read_table(&format!("{HEAD}\n{any}"), &mut Sockets::default());
        _ = passive_opens(&table);
    }
}
