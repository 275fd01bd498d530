use super::*;
use crate::snapshot::{Source, Traffic};

const PORT: u16 = 80;

fn established(cookie: u64, received: Option<u64>) -> Connection {
    let traffic = Traffic {
        last_received: Duration::ZERO,
        last_sent: Duration::ZERO,
        unacknowledged_segments: 0,
        unsent: None,
        received,
        acknowledged: None,
        sent: None,
    };
    Connection {
        local: SocketAddr::from(([10, 0, 0, 1], PORT)),
        remote: SocketAddr::from(([10, 0, 0, 2], 40_000)),
        state: TcpState::Established,
        unread: 0,
        unacknowledged: 0,
        inode: 1,
        cookie,
        time_wait_left: None,
        traffic: Some(traffic),
    }
}

/// Snapshots of one connection at most, a second apart; how many arrivals each shows, seen and unseen.
fn arrivals(snapshots: &[(Option<Connection>, u64)]) -> (Vec<(usize, usize)>, ArrivalTracker) {
    let mut tracker = ArrivalTracker::default();
    let mut taken = Time::from_millis(100_000);
    let shown = |(connection, passive_opens): &(Option<Connection>, u64)| {
        taken = taken + Duration::from_secs(1);
        let snapshot = Snapshot {
            taken,
            source: Source::Netlink,
            passive_opens: Some(*passive_opens),
            listeners: Vec::new(),
            connections: connection.iter().copied().collect(),
        };
        let arrivals = tracker.arrivals(&snapshot, &[PORT], *passive_opens);
        let unseen = arrivals.iter().filter(|arrival| arrival.origin == Origin::Unseen).count();
        (arrivals.len() - unseen, unseen)
    };
    let counts = snapshots.iter().map(shown).collect();
    (counts, tracker)
}

#[test]
fn an_address_and_port_that_come_again_are_another_connection() {
    let (first, second) = (established(1, Some(5)), established(2, Some(5)));
    let snapshots = [(Some(first), 1), (Some(first), 1), (Some(second), 2)];
    assert_eq!(arrivals(&snapshots).0, [(1, 0), (0, 0), (1, 0)]);
}

#[test]
fn a_handshake_is_counted_when_it_is_over() {
    let open = established(1, Some(0));
    let handshake = Connection { state: TcpState::SynReceived, inode: 0, traffic: None, ..open };
    let snapshots = [(None, 1), (Some(handshake), 1), (Some(handshake), 1), (Some(open), 2), (None, 2)];
    assert_eq!(arrivals(&snapshots).0, [(0, 0), (1, 0), (0, 0), (1, 0), (0, 0)]);
}

#[test]
fn what_was_seen_too_early_is_set_against_the_next_count_only() {
    let open = established(1, Some(0));
    let snapshots = [(None, 1), (Some(open), 1), (Some(open), 2), (Some(open), 3)];
    assert_eq!(arrivals(&snapshots).0, [(0, 0), (1, 0), (0, 0), (0, 1)]);
    // Seen, never counted: it hides nothing later.
    let snapshots = [(None, 1), (Some(open), 1), (Some(open), 1), (Some(open), 2)];
    assert_eq!(arrivals(&snapshots).0, [(0, 0), (1, 0), (0, 0), (0, 1)]);
}

#[test]
fn a_flood_that_nobody_saw_is_not_kept_one_by_one() {
    assert_eq!(arrivals(&[(None, 1), (None, 1_000_001)]).0, [(0, 0), (0, MANY)]);
}

#[test]
fn a_kernel_that_counts_no_bytes_still_tells_when_some_came() {
    let silent = |milliseconds| {
        let connection = established(1, None);
        let last_received = Duration::from_millis(milliseconds);
        let traffic = connection.traffic.map(|traffic| Traffic { last_received, ..traffic });
        Some(Connection { traffic, ..connection })
    };
    let snapshots = [(silent(500), 1), (silent(1500), 1), (silent(100), 1)];
    assert_eq!(arrivals(&snapshots).0, [(1, 0), (0, 0), (1, 0)]);
}

#[test]
fn arrivals_come_in_the_order_in_which_they_came() {
    let older = Connection { state: TcpState::TimeWait, traffic: None, ..established(1, None) };
    let left = |seconds| Some(Duration::from_secs(seconds));
    let with = |port, seconds| Connection {
        remote: SocketAddr::from(([10, 0, 0, 2], port)),
        time_wait_left: left(seconds),
        ..older
    };
    let snapshot = Snapshot {
        taken: Time::from_millis(100_000),
        source: Source::Netlink,
        passive_opens: Some(1),
        listeners: Vec::new(),
        connections: vec![with(1, 50), with(2, 20), with(3, 59)],
    };
    let arrivals = ArrivalTracker::default().arrivals(&snapshot, &[PORT], 1);
    let moments: Vec<_> = arrivals.iter().map(|arrival| arrival.at.as_millis()).collect();
    assert_eq!(moments, [60_000, 90_000, 99_000]);
}

#[test]
fn a_connection_that_one_snapshot_missed_does_not_come_again() {
    let open = established(1, Some(5));
    let snapshots = [(Some(open), 1), (None, 1), (Some(open), 1), (None, 1), (None, 2)];
    assert_eq!(arrivals(&snapshots).0, [(1, 0), (0, 0), (0, 0), (0, 0), (0, 1)]);
}

#[test]
fn connections_that_are_gone_are_forgotten() {
    let (_, tracker) = arrivals(&[(Some(established(1, Some(0))), 1), (None, 1), (None, 1)]);
    assert!(tracker.known.is_empty());
}
