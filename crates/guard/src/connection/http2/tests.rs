//! Which streams are in flight and what is put in where, by both sides' frames alone.

use std::sync::Arc;
use std::task::Waker;

use segue_wire::http2::PREFACE;

use super::*;
use crate::shared::Shared;
use crate::snapshot::Counters;
use crate::support::{registered, shared};

const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const PING: [u8; 8] = *b"answer!!";
/// A header block that is whole, and one that ends its stream too.
const WHOLE: u8 = 0x4;
const LAST: u8 = 0x5;

fn headers(stream: u8, flags: u8) -> Vec<u8> {
    vec![0, 0, 1, 1, flags, 0, 0, 0, stream, 0x82]
}

fn data(stream: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, 0, flags, 0, 0, 0, stream], payload].concat()
}

/// What a client hears first of a drain.
fn told(last: u32) -> Vec<u8> {
    [goaway(last, 0), ping(PING, false)].concat()
}

/// Both directions, without sockets.
struct Both {
    http: Http2,
    up: HalfConnection,
    down: HalfConnection,
    registration: Registration,
    shared: Arc<Shared>,
}

impl Both {
    fn new(began: Time) -> Self {
        let shared = shared();
        let (registration, http) = (registered(&shared), Http2::new(Streams::new(), PING, began));
        Self { http, up: HalfConnection::default(), down: HalfConnection::default(), registration, shared }
    }

    /// A connection that began long ago, with both sides' settings.
    fn begun() -> Self {
        Self::begun_at(Time::from_millis(1))
    }

    fn begun_at(began: Time) -> Self {
        let mut both = Self::new(began);
        assert_eq!(both.application(SETTINGS), SETTINGS);
        let begins = [PREFACE.as_slice(), &SETTINGS].concat();
        assert_eq!(both.client(&begins), begins);
        both
    }

    /// What passes to the application.
    fn client(&mut self, said: impl AsRef<[u8]>) -> Vec<u8> {
        self.up.say(said);
        assert!(self.http.client_said(&mut self.up, &mut self.registration));
        self.up.written()
    }

    /// What passes to the client.
    fn application(&mut self, said: impl AsRef<[u8]>) -> Vec<u8> {
        self.down.say(said);
        assert!(self.http.application_said(&mut self.down, &mut self.registration));
        self.down.written()
    }

    /// What a client is told that has not asked anything for long.
    fn tells(&mut self) -> Vec<u8> {
        self.http.asked = Time::from_millis(1);
        self.tells_now()
    }

    fn tells_now(&mut self) -> Vec<u8> {
        let told =
            self.http.tell(&mut Context::from_waker(Waker::noop()), &mut self.down, &self.registration);
        assert_eq!(told, self.down.has_output());
        self.down.written()
    }

    fn state(&self) -> (u32, ConnectionState) {
        (self.registration.in_flight(), self.registration.state())
    }

    fn counters(&self) -> Counters {
        self.shared.metrics.snapshot().counters
    }

    fn announce(&self) {
        assert!(self.shared.announce(clock::now()));
    }
}

#[test]
fn a_stream_is_in_flight_until_its_answer_is_written() {
    let mut both = Both::begun();
    assert_eq!((both.state(), both.http.has_streams()), ((0, ConnectionState::Kept), false));
    both.client([headers(1, LAST), headers(3, WHOLE)].concat());
    assert_eq!((both.state(), both.http.has_streams()), ((2, ConnectionState::Busy), true));
    both.application([headers(1, WHOLE), data(1, 1, b"x")].concat());
    both.client(ping([9; 8], false));
    assert_eq!(both.state(), (2, ConnectionState::Busy), "it is not written yet");
    assert!(!both.http.flushed(&mut both.registration));
    assert_eq!(both.state(), (1, ConnectionState::Busy));
    both.application(headers(3, LAST));
    assert!(!both.http.flushed(&mut both.registration));
    assert_eq!((both.state(), both.http.has_streams()), ((0, ConnectionState::Kept), false));
    assert_eq!(both.counters().requests, 2);
}

#[test]
fn frames_pass_in_whatever_pieces_they_come() {
    let client =
        [PREFACE, &SETTINGS[..], &headers(1, WHOLE), &data(1, 1, b"abc"), &ping([9; 8], true)].concat();
    let application = [&SETTINGS[..], &headers(1, WHOLE), &goaway(1, 0), &data(1, 1, b"abc")].concat();
    for size in 1..client.len() {
        let mut both = Both::new(Time::from_millis(1));
        let pass = |both: &mut Both, client: bool, said: &[u8]| -> Vec<u8> {
            let pieces = said.chunks(size);
            pieces
                .flat_map(|piece| if client { both.client(piece) } else { both.application(piece) })
                .collect()
        };
        assert_eq!(pass(&mut both, true, &client), client);
        assert_eq!(pass(&mut both, false, &application), application);
        both.http.flushed(&mut both.registration);
        assert_eq!((both.state(), both.counters().requests), ((0, ConnectionState::Kept), 1));
    }
}

#[test]
fn what_breaks_the_standard_is_not_understood() {
    let mut both = Both::begun();
    both.up.say(headers(2, LAST));
    assert!(!both.http.client_said(&mut both.up, &mut both.registration));
    both.down.say([0, 0, 0, 9, 4, 0, 0, 0, 1]);
    assert!(!both.http.application_said(&mut both.down, &mut both.registration));
    assert_eq!((both.up.input().len(), both.down.input().len()), (10, 9), "it passes otherwise");
}

#[test]
fn in_a_drain_the_client_is_told_twice_and_closed_without_streams() {
    let mut both = Both::begun();
    both.client(headers(1, LAST));
    assert_eq!(both.tells(), b"");
    both.announce();
    assert_eq!(both.tells(), told(ALL_STREAMS));
    assert_eq!(both.tells(), b"");
    // What is no answer to it passes.
    let other = ping([9; 8], true);
    assert_eq!(both.client(other), other);
    assert_eq!(both.client(ping(PING, false)), ping(PING, false));
    assert_eq!(both.client(headers(3, LAST)), headers(3, LAST));
    assert_eq!(both.tells(), b"");
    let answer = ping(PING, true);
    assert_eq!(both.client(&answer[..16]), b"");
    assert_eq!(both.client([&answer[16..], &headers(5, LAST)].concat()), headers(5, LAST));
    assert_eq!(both.tells(), goaway(5, 0));
    assert_eq!(both.client(answer), answer, "the second is not ours");
    for stream in [1, 3] {
        both.application(headers(stream, LAST));
        assert!(!both.http.flushed(&mut both.registration));
    }
    both.application(headers(5, LAST));
    assert!(both.http.flushed(&mut both.registration));
    assert_eq!(both.counters().goaways, 1);
}

#[test]
fn an_answer_in_the_middle_of_a_frame_is_none() {
    let mut both = Both::begun();
    both.announce();
    assert_eq!(both.tells(), told(ALL_STREAMS));
    let body = data(1, 0, &ping(PING, true));
    both.client(headers(1, WHOLE));
    assert_eq!(both.client(&body[..9]), body[..9]);
    assert_eq!(both.client(&body[9..]), body[9..]);
    assert_eq!(both.tells(), b"");
}

#[test]
fn the_application_does_not_name_a_higher_stream_than_the_client_was_told() {
    let mut both = Both::begun();
    both.client(headers(3, LAST));
    both.announce();
    both.tells();
    both.client(ping(PING, true));
    assert_eq!(both.tells(), goaway(3, 0));
    let [first @ .., last] = &goaway(5, 7)[..13] else { unreachable!() };
    assert_eq!(both.application(first), b"", "it is waited for");
    assert_eq!(both.application([*last]), goaway(3, 7)[..13]);
    assert_eq!(both.application(&goaway(5, 7)[13..]), goaway(5, 7)[13..]);
    assert_eq!(both.application(goaway(3, 0)), goaway(3, 0));
    assert_eq!(both.application(goaway(1, 0)), goaway(1, 0));
    // Nothing else is changed.
    for other in
        [data(3, 0, &[0xff; 8]), data(3, 0, &goaway(9, 0)), vec![0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 1, 1, 1]]
    {
        assert_eq!(both.application(&other[..9]), other[..9]);
        assert_eq!(both.application(&other[9..]), other[9..]);
    }
}

#[test]
fn the_client_is_not_told_a_higher_stream_than_by_the_application() {
    let mut both = Both::begun();
    both.client([headers(1, LAST), headers(3, LAST)].concat());
    both.application(goaway(1, 0));
    both.announce();
    assert_eq!(both.tells(), told(1));
    both.client(ping(PING, true));
    assert_eq!(both.tells(), goaway(1, 0));
}

/// One that asks now, whenever it began and the drain was announced.
#[test]
fn a_client_is_told_behind_a_request_unless_it_came_in_the_drain_and_was_not_served_for_long() {
    let (long_ago, later) = (Time::from_millis(1), clock::now() + Duration::from_hours(1));
    for (began, announced, is_told) in [
        (long_ago, None, false),
        (long_ago, Some(later), true),
        (long_ago, Some(long_ago), true),
        (later, Some(later + Duration::from_millis(1)), true),
        (later, Some(later), false),
        (later, Some(long_ago), false),
    ] {
        let mut both = Both::begun_at(began);
        if let Some(announced) = announced {
            both.shared.announce(announced);
        }
        // It is looked for a place for it at what the application says, and behind all that was asked.
        assert_eq!(both.application(b""), b"");
        both.client(headers(1, LAST));
        let said = if is_told { told(ALL_STREAMS) } else { Vec::new() };
        assert_eq!(both.application(b""), said, "{began:?} {announced:?}");
        both.shared.open();
        assert_eq!(both.application(b""), b"");
    }
}

#[test]
fn a_drain_that_is_taken_back_tells_nobody() {
    let mut both = Both::begun();
    both.announce();
    both.client(headers(1, LAST));
    both.shared.open();
    assert_eq!(both.application(b""), b"");
    assert_eq!(both.tells(), b"");
}

#[tokio::test]
async fn one_that_asks_nothing_is_told_after_a_while() {
    let mut both = Both::begun_at(clock::now() + Duration::from_hours(1));
    both.announce();
    assert_eq!(both.tells_now(), b"");
    assert_eq!(both.tells(), told(ALL_STREAMS));
}

#[test]
fn nothing_is_put_into_a_frame_or_a_header_block_or_before_the_settings() {
    let mut early = Both::new(Time::from_millis(1));
    early.announce();
    assert_eq!(early.tells(), b"");
    assert_eq!(early.application(SETTINGS), [&SETTINGS[..], &told(ALL_STREAMS)].concat());
    for (begins, ends) in [
        (headers(1, 0), vec![0, 0, 0, 9, 4, 0, 0, 0, 1]),
        (data(1, 0, b"abc")[..10].to_vec(), b"bc".to_vec()),
    ] {
        let mut both = Both::begun();
        both.announce();
        both.client(headers(1, LAST));
        both.down.say(&begins);
        // It was due before what the application says now.
        both.http.is_due = false;
        assert!(both.http.application_said(&mut both.down, &mut both.registration));
        assert_eq!(both.down.written(), begins);
        assert_eq!(both.tells(), b"");
        both.http.say_goodbye(&mut both.down);
        assert_eq!(both.down.written(), b"");
        assert_eq!(both.application(&ends), [ends, told(ALL_STREAMS)].concat());
    }
}

#[test]
fn the_last_word_to_an_idle_client_names_its_last_stream_once() {
    let mut both = Both::begun();
    both.client(headers(7, LAST));
    both.application(headers(7, LAST));
    for said in [goaway(7, 0).to_vec(), Vec::new()] {
        both.http.say_goodbye(&mut both.down);
        assert_eq!(both.down.written(), said);
    }
    assert!(both.http.flushed(&mut both.registration));
}

#[test]
fn what_comes_after_the_close_is_counted_by_its_requests_and_passes_nowhere() {
    let mut both = Both::begun();
    both.client(headers(3, LAST));
    let state = both.state();
    both.announce();
    both.http.lose();
    let priority = [0, 0, 5, 2, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1];
    for (said, raced) in [
        (headers(3, LAST), 0),
        (priority.to_vec(), 0),
        (headers(5, WHOLE), 1),
        (data(5, 0, b"abc"), 1),
        (headers(5, LAST), 1),
        (headers(7, LAST), 2),
    ] {
        assert_eq!(both.client(&said), b"");
        assert_eq!((both.counters().raced, both.counters().requests), (raced, 1));
        assert_eq!(both.state(), state);
    }
    both.http.is_due = true;
    assert_eq!(both.application(b""), b"");
}
