//! Taking part in a stream: whole messages, unmasked.

use super::{Close, Error, Event, Header, Opcode, Rules, Tracker, mask};

/// A whole message, or a control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// To be answered by a pong with the same payload.
    Ping(Vec<u8>),
    /// The answer to a ping, or a sign of life.
    Pong(Vec<u8>),
    /// The sender's last word; the other side answers with a close of its own.
    Close(Option<Close>),
}

/// Puts messages together from one direction of a WebSocket, whatever slices its bytes come in.
///
/// Memory grows with what has come, never with what a header promises.
#[derive(Debug, Clone)]
pub struct Decoder {
    tracker: Tracker,
    max_message: u64,
    /// The fragments of the message so far, and what it is.
    message: Vec<u8>,
    kind: Opcode,
    /// The control frame that is under way, perhaps between two fragments.
    control: Vec<u8>,
    frame: Option<Header>,
    frame_taken: u64,
}

impl Decoder {
    /// A decoder at the first byte after the handshake. Extensions are not decoded: `rules` should allow none.
    pub const fn new(rules: Rules, max_message: u64) -> Self {
        Self {
            tracker: Tracker::new(rules),
            max_message,
            message: Vec::new(),
            kind: Opcode::Binary,
            control: Vec::new(),
            frame: None,
            frame_taken: 0,
        }
    }

    /// Whether the bytes so far end between two messages.
    pub const fn between_messages(&self) -> bool {
        self.tracker.between_messages()
    }

    /// Takes bytes off the front of `bytes` up to the end of the next message or control frame and returns it;
    /// `None` when the bytes are used up.
    pub fn decode(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Error> {
        loop {
            let step = self.tracker.step(bytes)?;
            let (taken, rest) = bytes.split_at(step.taken);
            *bytes = rest;
            match step.event {
                Some(Event::FrameStart { header, .. }) => {
                    if !matches!(header.opcode, Opcode::Continuation) && !header.opcode.is_control() {
                        self.kind = header.opcode;
                    }
                    self.frame = Some(header);
                    self.frame_taken = 0;
                }
                Some(Event::FrameEnd { header, ends_message, .. }) => {
                    self.take(taken)?;
                    self.frame = None;
                    if header.opcode.is_control() || ends_message {
                        return self.finish(header).map(Some);
                    }
                }
                None => {
                    self.take(taken)?;
                    return Ok(None);
                }
            }
        }
    }

    /// Payload bytes of the frame under way (header bytes when there is none: nothing to keep).
    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(header) = self.frame else { return Ok(()) };
        let into = if header.opcode.is_control() { &mut self.control } else { &mut self.message };
        let start = into.len();
        if (start + bytes.len()) as u64 > self.max_message && !header.opcode.is_control() {
            return Err(Error::MessageTooLong { max: self.max_message });
        }
        into.extend_from_slice(bytes);
        if let Some(key) = header.mask {
            mask(key, self.frame_taken, &mut into[start..]);
        }
        self.frame_taken += bytes.len() as u64;
        Ok(())
    }

    fn finish(&mut self, header: Header) -> Result<Message, Error> {
        Ok(match header.opcode {
            Opcode::Ping => Message::Ping(std::mem::take(&mut self.control)),
            Opcode::Pong => Message::Pong(std::mem::take(&mut self.control)),
            Opcode::Close => Message::Close(Close::parse(&std::mem::take(&mut self.control))?),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let payload = std::mem::take(&mut self.message);
                if self.kind == Opcode::Text {
                    Message::Text(String::from_utf8(payload).map_err(|_| Error::NotUtf8)?)
                } else {
                    Message::Binary(payload)
                }
            }
        })
    }
}
