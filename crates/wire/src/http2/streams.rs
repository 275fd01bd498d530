//! The requests under way on one connection, by both directions' frames.

use super::frame::{FrameHeader, FrameKind};
use super::reader::Front2;
use std::collections::BTreeSet;

/// What a piece of either direction changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// No stream began or ended.
    Nothing,
    /// A stream began: a request, or an answer that the server pushes.
    Began(u32),
    /// A stream ended: answered to its last byte, or reset.
    Ended(u32),
    /// The server takes no later stream than it said; so many that had begun will not be answered.
    Refused(usize),
}

/// Counts the streams of one connection. It is handed what the two [`super::FrameReader`]s find.
#[derive(Debug, Clone, Default)]
pub struct Streams {
    open: BTreeSet<u32>,
    last_client_stream: u32,
    goaway: Option<u32>,
    /// The stream that ends when the server's frame (or header block) under way has been passed on whole.
    ending: Option<u32>,
    /// The server's last frame leaves its header block open.
    block: bool,
}

impl Streams {
    /// A connection on which nothing was asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A connection that became HTTP/2 by `Upgrade: h2c`: its stream 1 is the request that asked for that.
    pub fn after_upgrade() -> Self {
        Self { open: BTreeSet::from([1]), last_client_stream: 1, ..Self::default() }
    }

    /// How many streams were begun and not ended: by the client, ended by the last byte of the answer or a reset of either
    /// side; or promised by the server. A request whose answer is whole has ended, even if the client still sends.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// The latest stream that the client began, 0 if none.
    pub const fn last_client_stream(&self) -> u32 {
        self.last_client_stream
    }

    /// The last stream that the server takes, once it has said `GOAWAY`.
    pub const fn server_said_goaway(&self) -> Option<u32> {
        self.goaway
    }

    /// Takes what the client's reader found.
    pub fn client_sent(&mut self, front: &Front2) -> Change {
        let Front2::Frame(frame) = front else { return Change::Nothing };
        match frame.kind {
            FrameKind::Headers if frame.stream > self.last_client_stream => {
                self.last_client_stream = frame.stream;
                // The server said that it ignores it; the client knows to send it elsewhere.
                if self.goaway.is_some_and(|last| frame.stream > last) {
                    return Change::Nothing;
                }
                self.open.insert(frame.stream);
                Change::Began(frame.stream)
            }
            FrameKind::ResetStream => self.end(frame.stream),
            _ => Change::Nothing,
        }
    }

    /// Takes what the server's reader found. A stream ends with the last byte of the frame or header block that ends it.
    pub fn server_sent(&mut self, front: &Front2) -> Change {
        match front {
            Front2::Frame(frame) => {
                let change = self.server_frame(frame);
                if frame.length > 0 { change } else { self.frame_over() }
            }
            Front2::Payload { ends: true, .. } => self.frame_over(),
            _ => Change::Nothing,
        }
    }

    fn server_frame(&mut self, frame: &FrameHeader) -> Change {
        self.block = frame.continues();
        if frame.ends_stream() || frame.kind == FrameKind::ResetStream {
            self.ending = Some(frame.stream);
        }
        match frame.kind {
            FrameKind::PushPromise { promised } if self.open.insert(promised) => Change::Began(promised),
            FrameKind::GoAway { last_stream } => {
                let last = self.goaway.map_or(last_stream, |earlier| earlier.min(last_stream));
                self.goaway = Some(last);
                let before = self.open.len();
                self.open.retain(|&stream| stream <= last || stream.is_multiple_of(2));
                match before - self.open.len() {
                    0 => Change::Nothing,
                    refused => Change::Refused(refused),
                }
            }
            _ => Change::Nothing,
        }
    }

    fn frame_over(&mut self) -> Change {
        if self.block {
            return Change::Nothing;
        }
        self.ending.take().map_or(Change::Nothing, |stream| self.end(stream))
    }

    fn end(&mut self, stream: u32) -> Change {
        if self.open.remove(&stream) { Change::Ended(stream) } else { Change::Nothing }
    }
}
