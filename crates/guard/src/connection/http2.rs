//! HTTP/2: which streams are open, and GOAWAY twice.
//!
//! ```text
//!   Open ──drain: GOAWAY(2³¹−1), PING──▶ Asked ──the PING's answer──▶ Answered ──GOAWAY(last)──▶ Told ──no stream──▶ close
//! ```
//! The second GOAWAY tells the client that streams after the last one were not taken, so that it may send them again.
//! That is true only once the client has read the first: the answer to the PING shows it. Without that answer there is
//! no second one while the connection is used, for the application takes what still comes, and a client that sent it
//! again would have it done twice. An idle connection is closed by its turn, as any other.
//!
//! Many clients (Node's, hyper, several of gRPC) repeat nothing that the first GOAWAY met before it was sent, and come
//! again at once. So it is said just behind a request, when a client has sent what it had, or after a second without
//! one; and a connection that came in the drain serves for a second first.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use segue_core::Time;
use segue_wire::http2::{Change, FrameHeader, FrameReader, Front2, Streams, goaway, ping};

use tokio::time::Sleep;

use super::half_connection::HalfConnection;
use crate::clock;
use crate::registration::Registration;
use crate::snapshot::add;
use crate::table::ConnectionState;

/// The highest stream there can be: "I am about to leave, but take all that comes".
const ALL_STREAMS: u32 = 0x7fff_ffff;

/// What stands before the eight bytes of an answered PING.
const PING_ANSWER: [u8; FrameHeader::LENGTH] = [0, 0, 8, 6, 1, 0, 0, 0, 0];

/// A whole PING or GOAWAY without further data.
const SHORT_FRAME: usize = FrameHeader::LENGTH + 8;

/// The kind of a GOAWAY frame, at its place in the header.
const GOAWAY: u8 = 7;

/// How long a connection that came in a drain is served before it is told, and how long the next request is waited for to
/// tell it then.
const SERVED: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Asked,
    Answered,
    Told(u32),
}

/// The two directions of an HTTP/2 connection.
#[derive(Debug)]
pub(crate) struct Http2 {
    client: FrameReader,
    application: FrameReader,
    streams: Streams,
    stage: Stage,
    ping: [u8; 8],
    began: Time,
    /// When it was asked something last, or began.
    asked: Time,
    timer: Option<Pin<Box<Sleep>>>,
    /// The first GOAWAY is to be said at the next place for it.
    is_due: bool,
    lost: bool,
    last_lost: u32,
}

impl Http2 {
    pub(crate) fn new(streams: Streams, ping: [u8; 8], now: Time) -> Self {
        Self {
            client: FrameReader::client(),
            application: FrameReader::server(),
            streams,
            stage: Stage::Open,
            ping,
            began: now,
            asked: now,
            timer: None,
            is_due: false,
            lost: false,
            last_lost: 0,
        }
    }

    pub(crate) fn has_streams(&self) -> bool {
        self.streams.open() > 0
    }

    /// From now on nothing that the client sends is for the application.
    pub(crate) fn lose(&mut self) {
        self.lost = true;
        self.last_lost = self.streams.last_client_stream();
    }

    /// Looks at what the client sent; answers false if that is not understood.
    pub(crate) fn client_said(&mut self, up: &mut HalfConnection, registration: &mut Registration) -> bool {
        while up.has_input() {
            if self.stage == Stage::Asked && self.client.may_insert() && up.input().starts_with(&PING_ANSWER)
            {
                let Some(answer) = up.input().first_chunk::<SHORT_FRAME>() else { break };
                if answer[FrameHeader::LENGTH..] == self.ping {
                    self.stage = Stage::Answered;
                    up.skip(SHORT_FRAME);
                    continue;
                }
            }
            let front = self.client.front(up.input());
            let Some(length) = length(&front) else {
                if front == Front2::Invalid {
                    return false;
                }
                break;
            };
            if self.lost {
                self.count_lost(&front, registration);
                up.skip(length);
            } else {
                if let Change::Began(_) = self.streams.client_sent(&front) {
                    registration.request();
                    self.asked = clock::now();
                    self.is_due |= registration
                        .shared
                        .announced()
                        .is_some_and(|announced| self.began < announced || self.asked >= self.began + SERVED);
                }
                up.pass(length);
            }
        }
        if !self.lost {
            // What has ended is in flight until it is written: see `flushed`.
            let under_way = self.open().max(registration.in_flight());
            registration.update(ConnectionState::with(under_way), under_way);
        }
        true
    }

    /// Looks at what the application sent; answers false if that is not understood.
    pub(crate) fn application_said(
        &mut self,
        down: &mut HalfConnection,
        registration: &mut Registration,
    ) -> bool {
        loop {
            self.put(down, registration);
            if !down.has_input() {
                return true;
            }
            if !self.keep_goaway_low(down) {
                return true;
            }
            let front = self.application.front(down.input());
            let Some(length) = length(&front) else { return front != Front2::Invalid };
            self.streams.server_sent(&front);
            down.pass(length);
        }
    }

    /// Everything that the application said has been handed to the kernel. Answers whether the client's connection is to be
    /// closed now: it was told so, and has all its answers.
    pub(crate) fn flushed(&mut self, registration: &mut Registration) -> bool {
        let open = self.open();
        if open == 0 && matches!(self.stage, Stage::Told(_)) {
            return true;
        }
        registration.update(ConnectionState::with(open), open);
        false
    }

    /// Puts a GOAWAY in, if one is due and this is a place for it. Answers whether it did.
    pub(crate) fn tell(
        &mut self,
        context: &mut Context<'_>,
        down: &mut HalfConnection,
        registration: &Registration,
    ) -> bool {
        if self.stage == Stage::Open && registration.shared.is_announcing() {
            self.is_due |= self.is_unasked(context);
        }
        self.put(down, registration)
    }

    fn is_unasked(&mut self, context: &mut Context<'_>) -> bool {
        loop {
            let left = (self.asked + SERVED).since(clock::now());
            if left.is_zero() {
                return true;
            }
            let timer = self.timer.get_or_insert_with(|| Box::pin(clock::sleep(left)));
            if timer.as_mut().poll(context).is_pending() {
                return false;
            }
            self.timer = None;
        }
    }

    fn put(&mut self, down: &mut HalfConnection, registration: &Registration) -> bool {
        if !self.application.may_insert() || self.lost {
            return false;
        }
        match self.stage {
            Stage::Open if self.is_due && registration.shared.is_announcing() => {
                self.timer = None;
                add(&registration.shared.metrics.counters.goaways);
                let said = self.at_most(ALL_STREAMS);
                down.put(|_, out| {
                    out.extend_from_slice(&goaway(said, 0));
                    out.extend_from_slice(&ping(self.ping, false));
                });
                self.stage = Stage::Asked;
                true
            }
            Stage::Answered => {
                self.put_last(down);
                true
            }
            _ => false,
        }
    }

    /// The last word before an idle connection is closed.
    pub(crate) fn say_goodbye(&mut self, down: &mut HalfConnection) {
        if self.application.may_insert() && !matches!(self.stage, Stage::Told(_)) {
            self.put_last(down);
        }
    }

    fn put_last(&mut self, down: &mut HalfConnection) {
        let last = self.at_most(self.streams.last_client_stream());
        down.put(|_, out| out.extend_from_slice(&goaway(last, 0)));
        self.stage = Stage::Told(last);
    }

    /// A later GOAWAY must not name a higher stream than an earlier one.
    fn at_most(&self, stream: u32) -> u32 {
        self.streams.server_said_goaway().map_or(stream, |said| said.min(stream))
    }

    /// The same for what the application says after us. Answers false if more of it must come first.
    fn keep_goaway_low(&self, down: &mut HalfConnection) -> bool {
        let Stage::Told(last) = self.stage else { return true };
        let input = down.input();
        if !self.application.may_insert() || input.get(3).is_some_and(|kind| *kind != GOAWAY) {
            return true;
        }
        let Some(stream) = input.get(FrameHeader::LENGTH..).and_then(<[u8]>::first_chunk::<4>) else {
            return false;
        };
        if u32::from_be_bytes(*stream) & ALL_STREAMS > last {
            down.change(FrameHeader::LENGTH, &last.to_be_bytes());
        }
        true
    }

    fn count_lost(&mut self, front: &Front2, registration: &Registration) {
        if let Front2::Frame(frame) = front
            && frame.kind == segue_wire::http2::FrameKind::Headers
            && frame.stream > self.last_lost
        {
            self.last_lost = frame.stream;
            add(&registration.shared.metrics.counters.raced);
        }
    }

    fn open(&self) -> u32 {
        u32::try_from(self.streams.open()).unwrap_or(u32::MAX)
    }
}

/// How many bytes stand at the front; `None` if that can't be told.
fn length(front: &Front2) -> Option<usize> {
    match front {
        Front2::Preface => Some(segue_wire::http2::PREFACE.len()),
        Front2::Frame(_) => Some(FrameHeader::LENGTH),
        Front2::Payload { length, .. } => Some(*length),
        Front2::More | Front2::Invalid => None,
    }
}

#[cfg(test)]
mod tests;
