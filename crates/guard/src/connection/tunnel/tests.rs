//! When a WebSocket is told to go, by both sides' frames and the time alone.

use std::sync::Arc;
use std::task::Waker;

use segue_wire::websocket::{Opcode, encode};

use super::*;
use crate::shared::Shared;
use crate::support::{registered, shared_with};

const GRACE: Duration = Duration::from_secs(10);
const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

fn frame(opcode: Opcode, key: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::new();
    encode(opcode, b"\x03\xe8hello", key, &mut frame);
    frame
}

fn close(key: Option<[u8; 4]>) -> Vec<u8> {
    let mut frame = Vec::new();
    going_away(key, &mut frame);
    frame
}

/// Both directions, without sockets.
struct Both {
    tunnel: Tunnel,
    up: HalfConnection,
    down: HalfConnection,
    registration: Registration,
    shared: Arc<Shared>,
    /// When the grace is over.
    due: Time,
}

impl Both {
    /// A drain that was announced so that neither side has said anything for long when the grace is over.
    fn in_a_drain() -> Self {
        let both = Self::new(true);
        both.shared.announce(Time::from_millis(both.due.as_millis() - 10_000));
        both
    }

    fn new(is_websocket: bool) -> Self {
        let shared = shared_with(|settings| settings.websocket_grace = GRACE);
        let (registration, tunnel) = (registered(&shared), Tunnel::new(is_websocket));
        let due = clock::now() + Duration::from_hours(1);
        Self {
            tunnel,
            up: HalfConnection::default(),
            down: HalfConnection::default(),
            registration,
            shared,
            due,
        }
    }

    fn client(&mut self, said: &[u8]) -> Vec<u8> {
        self.up.say(said);
        self.tunnel.client_said(&mut self.up, &self.registration);
        self.up.written()
    }

    fn application(&mut self, said: &[u8]) -> Vec<u8> {
        self.down.say(said);
        self.tunnel.application_said(&mut self.down, &self.registration);
        self.down.written()
    }

    /// What comes of asking so many milliseconds after the grace is over.
    fn next(&mut self, milliseconds: u64, has_unread: bool) -> Next {
        let now = self.due + Duration::from_millis(milliseconds);
        self.next_at(now, has_unread)
    }

    fn next_at(&mut self, now: Time, has_unread: bool) -> Next {
        let mut context = Context::from_waker(Waker::noop());
        let next = self.tunnel.tell(&mut context, now, &mut self.down, &self.registration, || has_unread);
        let said = if next == Next::Told { close(None) } else { Vec::new() };
        assert_eq!(self.down.written(), said);
        next
    }

    fn told(&self) -> u64 {
        self.shared.metrics.snapshot().counters.websockets_told
    }
}

#[test]
fn a_moment_is_one_of_silence_after_the_answer_and_it_is_not_waited_for_for_long() {
    for (waited, silence, answered, unanswered) in [
        (0, 50, false, false),
        (0, 51, true, false),
        (1000, 0, false, false),
        (1001, 0, true, false),
        (1999, 1999, true, false),
        (2000, 0, true, true),
    ] {
        let [waited, silence] = [waited, silence].map(Duration::from_millis);
        let is = |is_answered: bool| is_moment(waited, silence, || is_answered);
        assert_eq!((is(true), is(false)), (answered, unanswered), "{waited:?} {silence:?}");
    }
}

#[tokio::test]
async fn a_websocket_is_told_once_when_its_grace_is_over_and_nothing_follows() {
    let mut both = Both::in_a_drain();
    let before = Time::from_millis(both.due.as_millis() - 1);
    assert_eq!(both.next_at(before, false), Next::Nothing);
    assert_eq!(both.next(0, false), Next::Told);
    assert_eq!((both.next(1, false), both.told()), (Next::Nothing, 1));
    assert_eq!(both.application(&frame(Opcode::Text, None)), b"");
    assert_eq!(both.client(&frame(Opcode::Text, KEY)), frame(Opcode::Text, KEY));
}

#[tokio::test]
async fn without_a_drain_and_without_websocket_nobody_is_told() {
    for is_websocket in [true, false] {
        let mut both = Both::new(is_websocket);
        if !is_websocket {
            both.shared.announce(Time::from_millis(1));
        }
        assert_eq!(both.application(b"any"), b"any");
        assert_eq!(both.next(5000, false), Next::Nothing);
    }
}

#[tokio::test]
async fn what_the_client_said_is_answered_first() {
    let mut both = Both::in_a_drain();
    both.client(&frame(Opcode::Text, KEY));
    assert_eq!(both.next(1999, false), Next::Nothing);
    both.application(&frame(Opcode::Text, None));
    assert_eq!(both.next(1999, true), Next::Nothing, "more of the client's is there");
    assert_eq!(both.next(1999, false), Next::Told);
    let mut both = Both::in_a_drain();
    both.client(&frame(Opcode::Text, KEY));
    assert_eq!(both.next(2000, false), Next::Told);
}

#[tokio::test]
async fn while_one_side_speaks_it_is_no_moment() {
    for says in [Both::client as fn(&mut Both, &[u8]) -> Vec<u8>, Both::application] {
        let mut both = Both::new(true);
        // As late as its own clock says.
        both.due = Time::from_millis(clock::now().as_millis() - 60_000);
        says(&mut both, b"");
        assert_eq!(both.tunnel.heard, Time::default(), "nobody asks outside a drain");
        both.shared.announce(Time::from_millis(both.due.as_millis() - 10_000));
        says(&mut both, b"");
        both.tunnel.is_clients_turn_over = false;
        let heard = both.tunnel.heard;
        both.due = heard;
        both.shared.open();
        both.shared.announce(Time::from_millis(heard.as_millis() - 10_000));
        assert_eq!(both.next(50, false), Next::Nothing);
        assert_eq!(both.next(51, false), Next::Told);
    }
}

#[tokio::test]
async fn nobody_is_told_within_a_message_or_behind_a_close() {
    let mut both = Both::in_a_drain();
    let message = frame(Opcode::Text, None);
    both.application(&message[..3]);
    assert_eq!(both.next(5000, false), Next::Nothing);
    both.application(&message[3..]);
    assert_eq!(both.next(5000, false), Next::Told);
    for of_client in [true, false] {
        let mut both = Both::in_a_drain();
        if of_client {
            both.client(&frame(Opcode::Close, KEY));
        } else {
            both.application(&frame(Opcode::Close, None));
        }
        assert_eq!(both.next(5000, false), Next::Nothing);
    }
}

#[tokio::test]
async fn what_breaks_the_standard_passes_and_is_never_told() {
    // A client masks, a server does not.
    for of_client in [true, false] {
        let mut both = Both::in_a_drain();
        let said = frame(Opcode::Text, if of_client { None } else { KEY });
        let passed = if of_client { both.client(&said) } else { both.application(&said) };
        assert_eq!(passed, said);
        assert_eq!(both.next(5000, false), Next::Nothing);
    }
}

#[tokio::test]
async fn the_application_is_told_once_if_the_client_was_and_left_it_to_that() {
    let message = frame(Opcode::Text, KEY);
    for (is_told, said, says) in [
        (false, &message[..], false),
        (true, &message, true),
        (true, &message[..3], false),
        (true, &frame(Opcode::Close, KEY), false),
    ] {
        let mut both = Both::in_a_drain();
        if is_told {
            assert_eq!(both.next(0, false), Next::Told);
        }
        both.client(said);
        both.tunnel.tell_application(&mut both.up);
        let heard = both.up.written();
        // Masked, as a client's must be; the key is unknown.
        assert_eq!(heard.get(..2), says.then_some(&[0x88, 0x8c][..]));
        assert!(!says || heard.len() == close(KEY).len());
        both.tunnel.tell_application(&mut both.up);
        assert!(!both.up.has_output());
    }
}
