use super::*;
use proptest::prelude::*;

const IDLE_AFTER: u64 = 5_000;
const LONGEST: u64 = 30_000;

fn settings() -> Settings {
    Settings {
        ports: vec![80],
        idle_after: Duration::from_millis(IDLE_AFTER),
        longest_request: Some(Duration::from_millis(LONGEST)),
    }
}

fn traffic(last_received: u64, last_sent: u64) -> Traffic {
    Traffic {
        last_received: Duration::from_millis(last_received),
        last_sent: Duration::from_millis(last_sent),
        unacknowledged_segments: 0,
        unsent: Some(0),
        received: Some(100),
        acknowledged: Some(101),
        sent: Some(100),
    }
}

fn connection(state: TcpState, traffic: Option<Traffic>) -> Connection {
    Connection {
        local: "10.0.0.1:80".parse().unwrap(),
        remote: "10.0.0.2:40000".parse().unwrap(),
        state,
        unread: 0,
        unacknowledged: 0,
        inode: 7,
        cookie: 1,
        time_wait_left: None,
        traffic,
    }
}

fn established(traffic: Traffic) -> Connection {
    connection(TcpState::Established, Some(traffic))
}

#[track_caller]
fn assert_judged(connection: Connection, expected: Activity) {
    assert_eq!(judge(&connection, &settings(), false), expected, "{connection:?}");
}

#[test]
fn bytes_within_idle_after_make_it_busy_either_way() {
    assert_judged(established(traffic(8_000, IDLE_AFTER - 1)), Activity::Busy);
    assert_judged(established(traffic(IDLE_AFTER - 1, IDLE_AFTER - 2)), Activity::Busy);
    assert_judged(established(traffic(8_000, IDLE_AFTER)), Activity::Kept);
}

#[test]
fn a_request_without_an_answer_is_in_flight_for_as_long_as_one_may_take() {
    assert_judged(established(traffic(LONGEST - 1, LONGEST)), Activity::Busy);
    assert_judged(established(traffic(LONGEST, LONGEST + 1)), Activity::Kept);
    let endless = Settings { longest_request: None, ..settings() };
    let connection = established(traffic(LONGEST * 100, LONGEST * 101));
    assert_eq!(judge(&connection, &endless, false), Activity::Busy);
}

#[test]
fn a_first_request_in_the_tick_of_the_handshake_is_not_answered_by_it() {
    let both = traffic(6_000, 6_000);
    assert_judged(established(both), Activity::Kept);
    assert_judged(established(Traffic { sent: Some(0), ..both }), Activity::Busy);
    assert_judged(established(Traffic { sent: None, acknowledged: Some(1), ..both }), Activity::Busy);
    assert_judged(established(Traffic { sent: None, acknowledged: None, ..both }), Activity::Busy);
}

#[test]
fn a_connection_that_never_asked_waits_for_no_answer() {
    let greeted = Traffic { received: Some(0), ..traffic(6_000, 7_000) };
    assert_judged(established(greeted), Activity::Kept);
}

#[test]
fn bytes_in_a_queue_make_it_busy_whatever_the_times() {
    let silent = established(traffic(90_000, 80_000));
    assert_judged(silent, Activity::Kept);
    assert_judged(Connection { unread: 1, ..silent }, Activity::Busy);
    assert_judged(Connection { unacknowledged: 1, ..silent }, Activity::Busy);
    let told = traffic(90_000, 80_000);
    assert_judged(established(Traffic { unacknowledged_segments: 1, ..told }), Activity::Busy);
    assert_judged(established(Traffic { unsent: Some(1), ..told }), Activity::Busy);
}

#[test]
fn what_waits_to_be_accepted_is_busy() {
    let waiting = Connection { inode: 0, ..established(traffic(90_000, 80_000)) };
    assert_judged(waiting, Activity::Busy);
    assert_judged(connection(TcpState::SynReceived, None), Activity::Busy);
}

#[test]
fn a_client_that_closed_its_half_may_still_wait_for_an_answer() {
    assert_judged(connection(TcpState::CloseWait, Some(traffic(6_000, 7_000))), Activity::Busy);
    assert_judged(connection(TcpState::CloseWait, Some(traffic(7_000, 6_000))), Activity::Kept);
}

#[test]
fn a_closed_connection_is_busy_until_its_last_byte_arrived() {
    for state in [TcpState::FinWait1, TcpState::Closing, TcpState::LastAck] {
        let delivered = connection(state, Some(traffic(1, 0)));
        assert_judged(delivered, Activity::Over);
        assert_judged(Connection { unacknowledged: 1, ..delivered }, Activity::Busy);
    }
    for state in [TcpState::FinWait2, TcpState::TimeWait, TcpState::Closed, TcpState::SynSent] {
        assert_judged(Connection { unacknowledged: 1, ..connection(state, None) }, Activity::Over);
    }
}

#[test]
fn without_times_only_queues_tell() {
    assert_judged(connection(TcpState::Established, None), Activity::Unknown);
    assert_judged(Connection { unread: 1, ..connection(TcpState::Established, None) }, Activity::Busy);
}

#[test]
fn a_monitor_is_busy_only_until_it_is_answered() {
    let answered = established(traffic(20, 10));
    assert_eq!(judge(&answered, &settings(), true), Activity::Kept);
    assert_eq!(judge(&established(traffic(10, 20)), &settings(), true), Activity::Busy);
    assert_eq!(judge(&Connection { unacknowledged: 1, ..answered }, &settings(), true), Activity::Busy);
}

proptest! {
    #[test]
    fn an_open_connection_is_idle_only_if_nothing_speaks_against_it(
        last_received in 0_u64..60_000,
        last_sent in 0_u64..60_000,
        unread in 0_u32..3,
        unacknowledged in 0_u32..3,
        received in 0_u64..3,
        sent in 0_u64..3,
        inode in 0_u32..3,
        peer_closed: bool,
    ) {
        let told = Traffic { received: Some(received), sent: Some(sent), ..traffic(last_received, last_sent) };
        let state = if peer_closed { TcpState::CloseWait } else { TcpState::Established };
        let connection = Connection { unread, unacknowledged, inode, ..connection(state, Some(told)) };
        let asked = received > 0 && (last_received < last_sent || last_received == last_sent && sent == 0);
        let busy = unread > 0
            || unacknowledged > 0
            || inode == 0
            || last_received < IDLE_AFTER
            || last_sent < IDLE_AFTER
            || asked && last_received < LONGEST;
        let expected = if busy { Activity::Busy } else { Activity::Kept };
        prop_assert_eq!(judge(&connection, &settings(), false), expected);
    }
}
