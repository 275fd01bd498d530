//! The 2 to 14 bytes before every frame's payload.

use super::{Error, mask};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation,
    /// The first (or only) fragment of a text message.
    Text,
    /// The first (or only) fragment of a binary message.
    Binary,
    /// The sender's last frame.
    Close,
    /// To be answered by a pong with the same payload.
    Ping,
    /// The answer to a ping.
    Pong,
}

impl Opcode {
    /// The four bits on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    /// The opcode of these four bits, if the standard defines one.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    /// Close, ping and pong may come between the fragments of a message.
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last fragment of its message.
    pub fin: bool,
    /// The three reserved bits (`0b100` is the first, which permessage-deflate uses).
    pub reserved: u8,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key, on frames of a client.
    pub mask: Option<[u8; 4]>,
    /// How many bytes of payload follow.
    pub length: u64,
}

impl Header {
    /// The longest header there is.
    pub const MAX_LENGTH: usize = 14;

    /// Reads a header from the front of `bytes`: the header and how long it is, or `None` if more bytes are needed.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Error> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let opcode = Opcode::from_bits(first & 0x0f).ok_or(Error::ReservedOpcode(first & 0x0f))?;
        let fin = first & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(Error::FragmentedControl);
        }
        let (length, extended) = match second & 0x7f {
            126 => {
                let Some(bytes) = rest.first_chunk::<2>() else { return Ok(None) };
                (u64::from(u16::from_be_bytes(*bytes)), 2)
            }
            127 => {
                let Some(bytes) = rest.first_chunk::<8>() else { return Ok(None) };
                (u64::from_be_bytes(*bytes), 8)
            }
            short => (u64::from(short), 0),
        };
        let shortest = match extended {
            0 => true,
            2 => length > 125,
            _ => length > u64::from(u16::MAX) && length >> 63 == 0,
        };
        if !shortest {
            return Err(Error::LengthForm(length));
        }
        if opcode.is_control() && length > 125 {
            return Err(Error::ControlTooLong(length));
        }
        let (mask, masked) = if second & 0x80 == 0 {
            (None, 0)
        } else {
            let Some(key) = rest.get(extended..).and_then(<[u8]>::first_chunk::<4>) else { return Ok(None) };
            (Some(*key), 4)
        };
        let header = Self { fin, reserved: (first >> 4) & 0b111, opcode, mask, length };
        Ok(Some((header, 2 + extended + masked)))
    }

    /// Writes the header to the end of `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.fin) << 7 | (self.reserved & 0b111) << 4 | self.opcode.bits());
        let masked = u8::from(self.mask.is_some()) << 7;
        match self.length {
            length @ 0..=125 => out.push(masked | u8::try_from(length).unwrap_or_default()),
            length => {
                if let Ok(length) = u16::try_from(length) {
                    out.push(masked | 0x7e);
                    out.extend_from_slice(&length.to_be_bytes());
                } else {
                    out.push(masked | 0x7f);
                    out.extend_from_slice(&length.to_be_bytes());
                }
            }
        }
        if let Some(key) = self.mask {
            out.extend_from_slice(&key);
        }
    }
}

/// Writes one whole, unfragmented frame to the end of `out`; with a `key`, as a client must, masked by it.
pub fn encode(opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let header = Header { fin: true, reserved: 0, opcode, mask: key, length: payload.len() as u64 };
    out.reserve(Header::MAX_LENGTH + payload.len());
    header.encode(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = key {
        mask(key, 0, &mut out[start..]);
    }
}
