//! What is in flight, what waits and what is lost, by both sides' bytes alone.

use std::sync::Arc;

use super::*;
use crate::shared::Shared;
use crate::snapshot::Counters;
use crate::support::{registered, shared};
use segue_core::Time;

const GET: &str = "GET /a HTTP/1.1\r\n\r\n";
const POST: &str = "POST /a HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LAST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
const UPGRADE: &str = "GET /ws HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
const EXPECTS: &str = "POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";

/// Both directions, without sockets.
struct Both {
    http: Http1,
    up: HalfConnection,
    down: HalfConnection,
    registration: Registration,
    shared: Arc<Shared>,
}

impl Both {
    fn new() -> Self {
        let shared = shared();
        let registration = registered(&shared);
        Self {
            http: Http1::new(),
            up: HalfConnection::default(),
            down: HalfConnection::default(),
            registration,
            shared,
        }
    }

    /// What passes to the application.
    fn client(&mut self, said: &str) -> String {
        self.up.say(said);
        self.client_goes_on()
    }

    fn client_goes_on(&mut self) -> String {
        self.http.client_said(&mut self.up, &mut self.registration);
        text(&mut self.up)
    }

    /// What passes to the client, up to its last whole answer.
    fn application(&mut self, said: &str) -> String {
        self.down.say(said);
        let mut heard = String::new();
        loop {
            let more = self.up.has_input();
            self.http.application_said(&mut self.down, &mut self.registration, more);
            let passed = text(&mut self.down);
            if self.http.flushed(&mut self.registration) || passed.is_empty() {
                return heard + &passed;
            }
            heard += &passed;
        }
    }

    /// What is in flight, and the state of the connection.
    fn state(&self) -> (u32, ConnectionState) {
        (self.registration.in_flight(), self.registration.state())
    }

    fn counters(&self) -> Counters {
        self.shared.metrics.snapshot().counters
    }

    fn announce(&self) {
        assert!(self.shared.announce(Time::from_millis(1)));
    }
}

fn text(half: &mut HalfConnection) -> String {
    String::from_utf8(half.written()).unwrap()
}

#[test]
fn a_request_is_in_flight_from_its_first_byte_and_an_empty_line_is_none() {
    let mut both = Both::new();
    for (said, state) in [
        ("\r", (0, ConnectionState::Kept)),
        ("\n", (0, ConnectionState::Kept)),
        ("\r\n", (0, ConnectionState::Kept)),
        ("G", (1, ConnectionState::Busy)),
        (&GET[1..], (1, ConnectionState::Busy)),
        ("P", (2, ConnectionState::Busy)),
        (&POST[1..], (2, ConnectionState::Busy)),
        ("1234", (2, ConnectionState::Busy)),
    ] {
        both.client(said);
        assert_eq!(both.state(), state, "{said:?}");
    }
    for (said, state) in [
        (OK, (1, ConnectionState::Busy)),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", (1, ConnectionState::Busy)),
        (&OK[..OK.len() - 1], (1, ConnectionState::Busy)),
        (&OK[OK.len() - 1..], (0, ConnectionState::Kept)),
    ] {
        assert_eq!(both.application(said), said);
        assert_eq!(both.state(), state, "{said:?}");
    }
    assert_eq!(both.counters().requests, 2);
}

#[test]
fn pipelined_requests_pass_but_for_what_follows_a_change_of_protocol() {
    for (first, waits) in [
        (GET, false),
        ("HEAD /a HTTP/1.1\r\n\r\n", false),
        (UPGRADE, true),
        ("CONNECT a:1 HTTP/1.1\r\n\r\n", true),
    ] {
        let mut both = Both::new();
        let passed = if waits { first.to_owned() } else { [first, GET].concat() };
        assert_eq!(both.client(&[first, GET].concat()), passed);
        if waits {
            // It is declined.
            assert_eq!(both.application("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n").lines().count(), 3);
            assert_eq!(both.client_goes_on(), GET);
        }
    }
}

#[test]
fn the_body_of_a_request_for_another_protocol_does_not_wait() {
    let mut both = Both::new();
    let upgrade = "POST /ws HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 4\r\n\r\n";
    assert_eq!(both.client(upgrade), upgrade);
    assert_eq!(both.client("1234GET"), "1234");
}

#[test]
fn a_client_may_be_256_requests_ahead() {
    let mut both = Both::new();
    assert_eq!(both.client(&GET.repeat(257)), GET.repeat(256));
    assert_eq!(both.state(), (256, ConnectionState::Busy));
    assert_eq!(both.client_goes_on(), "");
    both.application(OK);
    assert_eq!(both.client_goes_on(), GET);
    assert_eq!(both.http.outstanding(), 256);
}

#[test]
fn another_protocol_is_told_with_whether_its_request_counts() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    for (request, counts) in [(UPGRADE.to_owned(), true), (UPGRADE.replace("/ws", "/healthz"), false)] {
        let mut both = Both::new();
        both.client(&request);
        both.down.say(switch.to_owned() + "raw");
        let said = both.http.application_said(&mut both.down, &mut both.registration, false);
        assert_eq!(said, Said::Switch(Switch::WebSocket, counts));
        assert_eq!((text(&mut both.down), both.down.input()), (switch.to_owned(), b"raw".as_slice()));
    }
}

#[test]
fn requests_that_are_no_application_requests_do_not_count_and_are_answered() {
    let mut both = Both::new();
    both.client("GET /healthz HTTP/1.1\r\n\r\n");
    assert_eq!(both.state(), (0, ConnectionState::Busy));
    assert_eq!((both.http.outstanding(), both.http.without_answer()), (1, 0));
    both.client(GET);
    assert_eq!((both.http.outstanding(), both.http.without_answer()), (2, 1));
    both.application(OK);
    assert_eq!(both.state(), (1, ConnectionState::Busy));
    both.application(OK);
    assert_eq!(both.state(), (0, ConnectionState::Kept));
    assert_eq!((both.counters().requests, both.counters().discounted), (1, 1));
}

#[test]
fn an_answer_that_goes_on_to_the_end_of_the_connection_is_not_broken_off_by_it() {
    for (request, without_answer) in [(GET, 1), ("GET /healthz HTTP/1.1\r\n\r\n", 1)] {
        let mut both = Both::new();
        both.client(request);
        both.client(GET);
        both.application("HTTP/1.1 200 OK\r\n\r\nhalf");
        assert_eq!(both.http.without_answer(), without_answer, "{request:?}");
        assert_eq!(both.http.outstanding(), 2);
    }
}

#[test]
fn the_end_of_an_answer_is_told_and_no_answer_is_waited_for_that_nobody_asked_for() {
    let mut both = Both::new();
    let whole = |both: &mut Both, said: &str| {
        both.down.say(said);
        both.http.application_said(&mut both.down, &mut both.registration, false);
        let whole = both.http.has_whole_answer();
        both.http.flushed(&mut both.registration);
        whole
    };
    assert!(!both.http.is_waiting());
    both.client(GET);
    assert!(both.http.is_waiting());
    assert!(!whole(&mut both, &OK[..OK.len() - 1]));
    assert!(whole(&mut both, &OK[OK.len() - 1..]));
    assert!(!both.http.is_waiting());
    assert!(!whole(&mut both, "HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n"));
}

#[test]
fn between_two_exchanges_is_where_neither_side_has_begun_anything() {
    let mut both = Both::new();
    let is = |both: &Both| (both.http.is_between_exchanges(), both.http.is_before_an_answer());
    assert_eq!(is(&both), (true, true));
    both.client(&POST[..9]);
    // What has come of a head is held back.
    assert_eq!((is(&both), both.http.is_in_first_head()), ((true, true), true));
    both.client(&POST[9..]);
    assert_eq!((is(&both), both.http.is_in_first_head()), ((false, true), false));
    assert!(!both.http.is_between_requests());
    both.application(&OK[..OK.len() - 1]);
    assert_eq!(is(&both), (false, false));
    both.application(&OK[OK.len() - 1..]);
    assert_eq!(is(&both), (false, true), "its body is missing");
    both.client("1234");
    assert_eq!(is(&both), (true, true));
    assert!(both.http.is_between_requests());
    both.http.lose();
    assert_eq!(is(&both), (false, false));
}

#[test]
fn in_a_drain_the_last_answer_says_close_and_what_crosses_it_is_lost() {
    let mut both = Both::new();
    both.client(&GET.repeat(2));
    both.announce();
    assert_eq!(both.application(OK), OK);
    assert_eq!(both.application(&OK[..OK.len() - 1]), LAST[..LAST.len() - 1]);
    assert_eq!(both.client(&[GET, "GET /healthz HTTP/1.1\r\n\r\n", GET, "GET"].concat()), "");
    // What is lost is not in flight.
    assert_eq!(both.state(), (1, ConnectionState::Busy));
    assert_eq!((both.counters().announced, both.counters().raced, both.counters().requests), (1, 2, 2));
    both.http.client_ended(&mut both.registration);
    both.http.client_ended(&mut both.registration);
    assert_eq!(both.counters().raced, 3, "the beginning of one, too");
    assert_eq!(both.application("k"), "k");
}

#[test]
fn the_client_is_closed_behind_the_answer_that_told_it_so() {
    let mut both = Both::new();
    let closes = |both: &mut Both, said: &str| {
        both.down.say(said);
        both.http.application_said(&mut both.down, &mut both.registration, false);
        both.http.flushed(&mut both.registration)
    };
    both.client(GET);
    assert!(!closes(&mut both, OK));
    both.client(GET);
    both.announce();
    assert!(!closes(&mut both, &OK[..OK.len() - 1]));
    assert!(closes(&mut both, &OK[OK.len() - 1..]));
}

#[test]
fn the_rest_of_a_request_is_taken_after_its_answer_and_nothing_behind_it() {
    let mut both = Both::new();
    both.client(POST);
    both.announce();
    both.application(OK);
    assert_eq!(both.client("12"), "12");
    assert_eq!(both.client(&["34", GET].concat()), "34");
    assert_eq!(both.counters().raced, 1);
}

#[test]
fn an_answer_is_not_the_last_if_another_request_has_begun() {
    let mut both = Both::new();
    both.client(&[GET, "GE"].concat());
    both.announce();
    assert_eq!(both.application(OK), OK);
    both.client(&GET[2..]);
    assert_eq!(both.application(OK), LAST);
    // The rest of its own body is none.
    let mut both = Both::new();
    both.client(POST);
    both.announce();
    both.up.say("12");
    assert_eq!(both.application(OK), LAST);
}

#[test]
fn a_client_that_ends_in_the_middle_of_a_request_has_that_no_more() {
    let mut both = Both::new();
    both.client("GET /a");
    assert_eq!(both.state(), (1, ConnectionState::Busy));
    both.http.client_ended(&mut both.registration);
    assert_eq!(both.state(), (0, ConnectionState::Kept));
    assert_eq!(both.counters().raced, 0);
}

#[test]
fn what_can_not_be_followed_is_opaque_when_the_last_answer_is_there() {
    let mut both = Both::new();
    both.client(GET);
    assert_eq!(both.client("GET /\n"), "GET /\n");
    assert_eq!((both.state(), both.http.is_opaque()), ((1, ConnectionState::Busy), false));
    both.announce();
    assert_eq!(both.application(OK), OK);
    assert_eq!((both.state(), both.http.is_opaque()), ((0, ConnectionState::Opaque), true));
    // What follows a refusal may be the body or the next request.
    let mut both = Both::new();
    both.client(EXPECTS);
    both.application(OK);
    assert_eq!((both.client(GET), both.http.is_opaque()), (GET.to_owned(), true));
    let mut both = Both::new();
    both.up.say("GET /\n");
    assert_eq!(both.http.client_said(&mut both.up, &mut both.registration), Said::Opaque);
    assert_eq!(both.state(), (0, ConnectionState::Opaque));
}

#[test]
fn a_body_that_was_waited_for_and_came_leaves_nothing_open() {
    let mut both = Both::new();
    both.client(EXPECTS);
    assert_eq!(both.application("HTTP/1.1 100 Continue\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    both.client("12");
    both.application(OK);
    both.client("34");
    both.client(GET);
    assert_eq!((both.state(), both.counters().requests), ((1, ConnectionState::Busy), 2));
}

#[test]
fn an_answer_that_can_be_read_in_two_ways_is_opaque() {
    let mut both = Both::new();
    both.client(GET);
    both.down.say("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(both.http.application_said(&mut both.down, &mut both.registration, false), Said::Opaque);
}

#[test]
fn what_comes_of_a_head_that_was_given_up_is_for_nobody() {
    let mut both = Both::new();
    both.client("GET /a");
    both.up.skip_all();
    both.http.lose();
    both.http.ignore();
    assert_eq!(both.client(GET), "");
    both.http.client_ended(&mut both.registration);
    assert_eq!((both.counters().raced, both.counters().requests), (0, 0));
}
