//! Following one direction: where frames end.

use super::frame::FrameHeader;
use super::{FrameKind, PREFACE};

/// What stands at the front of a buffer. The caller takes exactly that out before it asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front2 {
    /// More bytes are needed to tell.
    More,
    /// The 24 bytes of [`PREFACE`].
    Preface,
    /// The 9 bytes of a frame's header. Its payload, if it has one, follows as [`Front2::Payload`].
    Frame(FrameHeader),
    /// Bytes of a frame's payload.
    Payload {
        /// How many bytes; never 0.
        length: usize,
        /// Whether the frame ends with them.
        ends: bool,
    },
    /// Not HTTP/2, or a breach of it: from here on the bytes may only be passed on. It stays so.
    Invalid,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Preface,
    /// The first frame has to be the sender's settings.
    First,
    /// Between two frames; inside the header block of a stream, if there is one.
    Between {
        block: Option<u32>,
    },
    /// Inside a payload of which so much is to come.
    Payload {
        left: u32,
        block: Option<u32>,
    },
    Invalid,
}

/// Follows one direction of a connection.
#[derive(Debug, Clone)]
pub struct FrameReader {
    sender: Sender,
    state: State,
}

impl FrameReader {
    /// For the client's bytes, from the preface on. After `Upgrade: h2c` that is behind the request that asked for it.
    pub const fn client() -> Self {
        Self { sender: Sender::Client, state: State::Preface }
    }

    /// For the server's bytes. After `Upgrade: h2c` they begin behind the 101.
    pub const fn server() -> Self {
        Self { sender: Sender::Server, state: State::First }
    }

    /// Says what stands at the front of `buffer`, and counts it as taken.
    pub fn front(&mut self, buffer: &[u8]) -> Front2 {
        match self.state {
            State::Preface => match buffer.first_chunk::<{ PREFACE.len() }>() {
                Some(PREFACE) => {
                    self.state = State::First;
                    Front2::Preface
                }
                None if PREFACE.starts_with(buffer) => Front2::More,
                _ => self.invalid(),
            },
            State::First => self.frame(buffer, None, true),
            State::Between { block } => self.frame(buffer, block, false),
            State::Payload { .. } if buffer.is_empty() => Front2::More,
            State::Payload { left, block } => {
                let taken = u32::try_from(buffer.len()).map_or(left, |there| there.min(left));
                let ends = taken == left;
                self.state = if ends {
                    State::Between { block }
                } else {
                    State::Payload { left: left - taken, block }
                };
                Front2::Payload { length: taken as usize, ends }
            }
            State::Invalid => Front2::Invalid,
        }
    }

    /// Whether a frame of one's own may be put in here: between two frames, outside of a header block, and behind the
    /// sender's first settings.
    pub const fn may_insert(&self) -> bool {
        matches!(self.state, State::Between { block: None })
    }

    fn frame(&mut self, buffer: &[u8], block: Option<u32>, first: bool) -> Front2 {
        let header = match FrameHeader::read(buffer) {
            Ok(Some(header)) => header,
            Ok(None) => return Front2::More,
            Err(_) => return self.invalid(),
        };
        if !self.allows(&header, block, first) {
            return self.invalid();
        }
        let block = header.continues().then_some(header.stream);
        self.state = match header.length {
            0 => State::Between { block },
            left => State::Payload { left, block },
        };
        Front2::Frame(header)
    }

    fn allows(&self, header: &FrameHeader, block: Option<u32>, first: bool) -> bool {
        let settings = header.kind == FrameKind::Settings && !header.ack();
        let continues = (header.kind == FrameKind::Continuation).then_some(header.stream);
        let sent_by_server =
            header.stream.is_multiple_of(2) || matches!(header.kind, FrameKind::PushPromise { .. });
        let opens =
            matches!(header.kind, FrameKind::Headers | FrameKind::Data | FrameKind::PushPromise { .. });
        (settings || !first)
            && continues == block
            && !(self.sender == Sender::Client && opens && sent_by_server)
    }

    fn invalid(&mut self) -> Front2 {
        self.state = State::Invalid;
        Front2::Invalid
    }
}
