//! After an upgrade: bytes pass both ways, and a WebSocket is told to go when its grace in a drain is over.
//!
//! The client is sent a close frame with 1001 between two of the application's messages and, if that comes soon, in a
//! moment of silence after the answer to what the client said last: what crosses the close on its way can be answered
//! no more. The client's own close frame goes on to the application, so both see a whole closing handshake, and what
//! the client had still to say before it arrives. If it does not answer, the application is sent a close frame too.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use segue_core::Time;
use segue_wire::websocket::{Close, Rules, Sender, Tracker, code};
use tokio::time::Sleep;

use super::half_connection::HalfConnection;
use crate::clock;
use crate::registration::Registration;
use crate::snapshot::add;

/// How long after 1001 the client may take to close.
const CLOSING: Duration = Duration::from_secs(2);

/// How long a close waits for a moment of silence, and then again for the application's answer to what the client said
/// last.
const ANSWER: Duration = Duration::from_secs(1);

/// How long neither side says anything in such a moment.
const SILENCE: Duration = Duration::from_millis(50);

/// How often it is looked for such a moment.
const LOOK: Duration = Duration::from_millis(25);

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing just now.
    Nothing,
    /// The close frame was put in.
    Told,
    /// The client did not close in time.
    Overdue,
}

#[derive(Debug)]
enum Sides {
    /// A WebSocket whose frames can be followed.
    WebSocket { client: Tracker, application: Tracker },
    /// Something else, or no longer understood.
    Bytes,
}

/// An upgraded connection.
#[derive(Debug)]
pub(crate) struct Tunnel {
    sides: Sides,
    /// When either side said something last, in a drain.
    heard: Time,
    /// The client said something that the application has not answered.
    is_clients_turn_over: bool,
    told: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Tunnel {
    pub(crate) fn new(is_websocket: bool) -> Self {
        let tracker = |sender| Tracker::new(Rules::any_extension(sender));
        let sides = if is_websocket {
            Sides::WebSocket { client: tracker(Sender::Client), application: tracker(Sender::Server) }
        } else {
            Sides::Bytes
        };
        Self { sides, heard: Time::default(), is_clients_turn_over: false, told: false, timer: None }
    }

    pub(crate) fn client_said(&mut self, up: &mut HalfConnection, registration: &Registration) {
        self.hear(registration);
        self.is_clients_turn_over = true;
        if let Sides::WebSocket { client, .. } = &mut self.sides
            && client.feed(up.input(), |_| {}).is_err()
        {
            self.sides = Sides::Bytes;
        }
        up.pass_all();
    }

    pub(crate) fn application_said(&mut self, down: &mut HalfConnection, registration: &Registration) {
        // Nothing may follow a close frame.
        if self.told {
            down.skip_all();
            return;
        }
        self.hear(registration);
        self.is_clients_turn_over = false;
        if let Sides::WebSocket { application, .. } = &mut self.sides
            && application.feed(down.input(), |_| {}).is_err()
        {
            self.sides = Sides::Bytes;
        }
        down.pass_all();
    }

    /// The client was told and has ended, or takes too long: the application is told too, if it has not heard it from the
    /// client.
    pub(crate) fn tell_application(&mut self, up: &mut HalfConnection) {
        if let Sides::WebSocket { client, .. } = &self.sides
            && self.told
            && client.between_messages()
            && !client.closed()
        {
            let key = clock::now().as_millis().to_be_bytes();
            let key = [key[4], key[5], key[6], key[7]];
            up.put(|_, out| going_away(Some(key), out));
            // It is said once.
            self.sides = Sides::Bytes;
        }
    }

    /// Tells the client, if it is time; `has_unread` is asked last, whether more of the client's has arrived.
    pub(crate) fn tell(
        &mut self,
        context: &mut Context<'_>,
        now: Time,
        down: &mut HalfConnection,
        registration: &Registration,
        has_unread: impl FnOnce() -> bool,
    ) -> Next {
        let Sides::WebSocket { client, application } = &self.sides else { return Next::Nothing };
        if self.told {
            return if self.waits(context, CLOSING) { Next::Nothing } else { Next::Overdue };
        }
        let Some(announced) = registration.shared.announced() else {
            self.timer = None;
            return Next::Nothing;
        };
        let due = announced + registration.shared.settings.websocket_grace;
        if now < due {
            self.wake_in(context, due.since(now));
            return Next::Nothing;
        }
        // At the end of the message it is looked again.
        if client.closed() || application.closed() || !application.between_messages() {
            return Next::Nothing;
        }
        let is_answered = || !self.is_clients_turn_over && !has_unread();
        if !is_moment(now.since(due), now.since(self.heard), is_answered) {
            self.wake_in(context, LOOK);
            return Next::Nothing;
        }
        add(&registration.shared.metrics.counters.websockets_told);
        down.put(|_, out| going_away(None, out));
        (self.told, self.timer) = (true, None);
        Next::Told
    }

    fn hear(&mut self, registration: &Registration) {
        if registration.shared.is_announcing() {
            self.heard = clock::now();
        }
    }

    /// Whether the timer, begun now if there is none, still runs.
    fn waits(&mut self, context: &mut Context<'_>, duration: Duration) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(clock::sleep(duration)));
        timer.as_mut().poll(context) == Poll::Pending
    }

    fn wake_in(&mut self, context: &mut Context<'_>, duration: Duration) {
        while !self.waits(context, duration) {
            self.timer = None;
        }
    }
}

/// Whether a client whose grace has been over for `waited` is told now, after such a `silence`.
fn is_moment(waited: Duration, silence: Duration, is_answered: impl FnOnce() -> bool) -> bool {
    let is_silent = silence > SILENCE || waited > ANSWER;
    waited >= 2 * ANSWER || (is_silent && is_answered())
}

fn going_away(key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    Close { code: code::GOING_AWAY, reason: "going away".to_owned() }.encode(key, out);
}

#[cfg(test)]
mod tests;
