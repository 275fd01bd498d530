//! One frame's header, and the two frames that a splice writes.

/// What a frame is, with what a splice has to know of its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A part of a body.
    Data,
    /// Begins a header block.
    Headers,
    /// Deprecated by the standard, still sent.
    Priority,
    /// Ends a stream, both ways.
    ResetStream,
    /// The sender's settings, or the acknowledgement of its peer's.
    Settings,
    /// Announces a stream that the server begins, with its header block.
    PushPromise {
        /// The stream that it announces.
        promised: u32,
    },
    /// To be answered by the same with [`FrameHeader::ack`].
    Ping {
        /// What the answer repeats.
        payload: [u8; 8],
    },
    /// No later stream than this one is taken.
    GoAway {
        /// The last stream that is, or may still be, worked on.
        last_stream: u32,
    },
    /// Allows more bytes of bodies.
    WindowUpdate,
    /// Continues a header block.
    Continuation,
    /// A type that the standard tells everyone to ignore.
    Other(u8),
}

/// The nine bytes before every frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// How many bytes of payload follow, less than 2²⁴.
    pub length: u32,
    /// What the frame is.
    pub kind: FrameKind,
    /// Flags; what they mean depends on the kind.
    pub flags: u8,
    /// The stream, 0 for the connection itself.
    pub stream: u32,
}

/// `END_STREAM`, and `ACK`.
const FIRST_FLAG: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;

impl FrameHeader {
    /// How many bytes a header has.
    pub const LENGTH: usize = 9;

    /// The sender's side of the stream ends with this frame (and the continuations of its header block).
    pub const fn ends_stream(&self) -> bool {
        matches!(self.kind, FrameKind::Data | FrameKind::Headers) && self.flags & FIRST_FLAG != 0
    }

    /// A header block is left open: continuations of it follow, and nothing else may.
    pub const fn continues(&self) -> bool {
        matches!(self.kind, FrameKind::Headers | FrameKind::PushPromise { .. } | FrameKind::Continuation)
            && self.flags & END_HEADERS == 0
    }

    /// It acknowledges settings or a ping.
    pub const fn ack(&self) -> bool {
        matches!(self.kind, FrameKind::Settings | FrameKind::Ping { .. }) && self.flags & FIRST_FLAG != 0
    }

    /// Reads a header from the front of `bytes`: `Ok(None)` if more bytes are needed, `Err` if it breaks the standard.
    /// Where a kind has something of the payload, that must be there too.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Broken> {
        let Some((header, payload)) = bytes.split_first_chunk::<{ Self::LENGTH }>() else { return Ok(None) };
        let [l0, l1, l2, kind, flags, stream @ ..] = *header;
        let length = u32::from_be_bytes([0, l0, l1, l2]);
        let stream = number(stream);
        let fits = match kind {
            0x2 => length == 5,
            0x3 | 0x8 => length == 4,
            0x4 if flags & FIRST_FLAG != 0 => length == 0,
            0x4 => length.is_multiple_of(6),
            0x5 => length >= if flags & PADDED == 0 { 4 } else { 5 },
            0x6 => length == 8,
            0x7 => length >= 8,
            _ => true,
        };
        let placed = match kind {
            // A continuation has the stream of its header block.
            0x0..=0x3 | 0x5 => stream != 0,
            0x4 | 0x6 | 0x7 => stream == 0,
            _ => true,
        };
        if !fits || !placed {
            return Err(Broken);
        }
        let kind = match kind {
            0x0 => FrameKind::Data,
            0x1 => FrameKind::Headers,
            0x2 => FrameKind::Priority,
            0x3 => FrameKind::ResetStream,
            0x4 => FrameKind::Settings,
            0x5 => {
                let promised = payload.get(usize::from(flags & PADDED != 0)..).and_then(<[u8]>::first_chunk);
                let Some(promised) = promised else { return Ok(None) };
                FrameKind::PushPromise { promised: number(*promised) }
            }
            0x6 => {
                let Some(payload) = payload.first_chunk() else { return Ok(None) };
                FrameKind::Ping { payload: *payload }
            }
            0x7 => {
                let Some(last_stream) = payload.first_chunk() else { return Ok(None) };
                FrameKind::GoAway { last_stream: number(*last_stream) }
            }
            0x8 => FrameKind::WindowUpdate,
            0x9 => FrameKind::Continuation,
            other => FrameKind::Other(other),
        };
        Ok(Some(Self { length, kind, flags, stream }))
    }
}

/// A header that breaks the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// A stream's number: 31 bits, the first is reserved and ignored.
fn number(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes) & LAST_STREAM
}

const LAST_STREAM: u32 = 0x7fff_ffff;

/// A whole `GOAWAY` frame: no stream later than `last_stream` is taken. `code` is 0 for no error.
/// A server that means to leave first says the highest number there is, `0x7fff_ffff`.
pub fn goaway(last_stream: u32, code: u32) -> [u8; 17] {
    let mut frame = [0; 17];
    frame[..FrameHeader::LENGTH].copy_from_slice(&[0, 0, 8, 0x7, 0, 0, 0, 0, 0]);
    frame[9..13].copy_from_slice(&(last_stream & LAST_STREAM).to_be_bytes());
    frame[13..].copy_from_slice(&code.to_be_bytes());
    frame
}

/// A whole `PING` frame, or with `ack` the answer to one.
pub fn ping(payload: [u8; 8], ack: bool) -> [u8; 17] {
    let mut frame = [0; 17];
    frame[..FrameHeader::LENGTH].copy_from_slice(&[0, 0, 8, 0x6, u8::from(ack), 0, 0, 0, 0]);
    frame[FrameHeader::LENGTH..].copy_from_slice(&payload);
    frame
}
