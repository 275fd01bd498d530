//! Following a stream without taking part: where frames end, and where a frame of one's own may be put.

use super::{Error, Header, Opcode};

/// Whose bytes a stream carries: a client's frames are masked, a server's are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// From the client to the server.
    Client,
    /// From the server to the client.
    Server,
}

/// What a stream is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whose frames these are.
    pub sender: Sender,
    /// Reserved bits that a negotiated extension uses (`0b100` for permessage-deflate). A splice that does not
    /// know what was negotiated allows all: `0b111`.
    pub reserved: u8,
    /// The longest frame that is accepted.
    pub max_frame: u64,
}

impl Rules {
    /// No extension, frames of any length.
    pub const fn strict(sender: Sender) -> Self {
        Self { sender, reserved: 0, max_frame: u64::MAX }
    }

    /// Any extension, frames of any length: for a splice, which only needs to know where frames end.
    pub const fn any_extension(sender: Sender) -> Self {
        Self { sender, reserved: 0b111, max_frame: u64::MAX }
    }
}

/// Something that a [`Tracker`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A header is complete.
    FrameStart {
        /// The header.
        header: Header,
        /// Where the payload begins, counted from the stream's first byte.
        offset: u64,
    },
    /// A frame is complete.
    FrameEnd {
        /// Its header.
        header: Header,
        /// Whether it was the last (or only) fragment of a text or binary message.
        ends_message: bool,
        /// Whether the stream is now between two messages. False after a control frame that came between fragments.
        boundary: bool,
        /// The offset behind its last byte, counted from the stream's first byte.
        offset: u64,
    },
}

/// What one call of [`Tracker::step`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// How many of the given bytes it took; the event, if there is one, is right behind them.
    pub taken: usize,
    /// What was found; `None` when the bytes are used up.
    pub event: Option<Event>,
}

/// Follows one direction of a WebSocket, whatever slices its bytes come in.
///
/// It keeps no payload: at most a header's fourteen bytes.
#[derive(Debug, Clone)]
pub struct Tracker {
    rules: Rules,
    partial: [u8; Header::MAX_LENGTH],
    partial_length: usize,
    /// The frame whose payload is being passed, and how much of it is still to come.
    frame: Option<(Header, u64)>,
    in_message: bool,
    closed: bool,
    offset: u64,
}

impl Tracker {
    /// A tracker at the first byte after the handshake.
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            partial: [0; Header::MAX_LENGTH],
            partial_length: 0,
            frame: None,
            in_message: false,
            closed: false,
            offset: 0,
        }
    }

    /// Whether the bytes so far end between two messages, so that another frame may follow at once.
    /// Also true after a close frame: ask [`Tracker::closed`] as well.
    pub const fn between_messages(&self) -> bool {
        self.partial_length == 0 && self.frame.is_none() && !self.in_message
    }

    /// Whether a close frame has been seen whole; nothing may follow it.
    pub const fn closed(&self) -> bool {
        self.closed
    }

    /// How many bytes it has seen.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes bytes up to the next event. Call it again with the rest until `event` is `None`:
    /// then all bytes are taken.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        let Some((header, left)) = self.frame else {
            let (taken, header) = self.header(bytes)?;
            let event = header.map(|header| {
                self.frame = Some((header, header.length));
                Event::FrameStart { header, offset: self.offset }
            });
            return Ok(Step { taken, event });
        };
        let passed = left.min(bytes.len() as u64);
        let taken = usize::try_from(passed).unwrap_or(bytes.len());
        self.offset += passed;
        if passed < left {
            self.frame = Some((header, left - passed));
            return Ok(Step { taken, event: None });
        }
        self.frame = None;
        let ends_message = header.fin && !header.opcode.is_control();
        if !header.opcode.is_control() {
            self.in_message = !header.fin;
        }
        self.closed |= header.opcode == Opcode::Close;
        let event = Event::FrameEnd { header, ends_message, boundary: !self.in_message, offset: self.offset };
        Ok(Step { taken, event: Some(event) })
    }

    /// Takes all of `bytes` and hands every event to `found`.
    pub fn feed(&mut self, mut bytes: &[u8], mut found: impl FnMut(Event)) -> Result<(), Error> {
        loop {
            let step = self.step(bytes)?;
            bytes = &bytes[step.taken..];
            match step.event {
                Some(event) => found(event),
                None => return Ok(()),
            }
        }
    }

    /// Takes all of `bytes` and says where in them (`0..=bytes.len()`) the stream was last between two messages;
    /// `None` if it never was.
    pub fn last_boundary(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let mut last = self.between_messages().then_some(0);
        let start = self.offset;
        self.feed(bytes, |event| {
            if let Event::FrameEnd { boundary: true, offset, .. } = event {
                last = usize::try_from(offset - start).ok();
            }
        })?;
        Ok(last)
    }

    /// Takes header bytes; they are kept aside while the header is incomplete.
    fn header(&mut self, bytes: &[u8]) -> Result<(usize, Option<Header>), Error> {
        if self.closed && !bytes.is_empty() {
            return Err(Error::AfterClose);
        }
        let before = self.partial_length;
        let room = (Header::MAX_LENGTH - before).min(bytes.len());
        self.partial[before..before + room].copy_from_slice(&bytes[..room]);
        let Some((header, length)) = Header::parse(&self.partial[..before + room])? else {
            self.partial_length = before + room;
            self.offset += room as u64;
            return Ok((room, None));
        };
        self.check(&header)?;
        let used = length - before;
        self.partial_length = 0;
        self.offset += used as u64;
        Ok((used, Some(header)))
    }

    fn check(&self, header: &Header) -> Result<(), Error> {
        let reserved = header.reserved & !self.rules.reserved;
        if reserved != 0 {
            return Err(Error::ReservedBits(reserved));
        }
        match (self.rules.sender, header.mask) {
            (Sender::Client, None) => return Err(Error::Unmasked),
            (Sender::Server, Some(_)) => return Err(Error::Masked),
            _ => {}
        }
        match header.opcode {
            Opcode::Continuation if !self.in_message => return Err(Error::NothingToContinue),
            Opcode::Text | Opcode::Binary if self.in_message => return Err(Error::MessageInsideMessage),
            _ => {}
        }
        if header.length > self.rules.max_frame {
            return Err(Error::FrameTooLong { length: header.length, max: self.rules.max_frame });
        }
        Ok(())
    }
}
