//! HTTP/1 messages (RFC 9112) for a splice that passes their bytes on as they are, without I/O.
//!
//! ```text
//!   bytes of one direction
//!   ├──── head ────┤├────────── body ──────────┤├──── head ────┤…
//!   │ POST / …     ││ 5␍␊hello␍␊ 0␍␊ ␍␊        ││ GET / …      │
//!   Head{length}     Body{length, ends: true}    Head{length}
//! ```
//!
//! The caller keeps the buffer, asks a reader what stands at its front, passes exactly that many bytes on, drops
//! them from the buffer and asks again. In between a buffer only grows at its end. The readers keep a few numbers,
//! never a byte.
//!
//! What two programs could read in two ways is [`Front::Opaque`]: two lengths, a length beside a transfer coding, folded
//! lines, a line that ends in a bare LF, and so on. Nothing is guessed; such a connection is passed on as bytes.
//!
//! What the caller has to know of both directions:
//! - An answer's body depends on the request, so [`AnswerReader::front`] is told the oldest request without an answer.
//!   Once the requests are opaque and all known ones are answered, the answers can't be understood either.
//! - Bytes behind a request that may change the protocol (`upgrade`, [`RequestKind::Connect`]) are kept back until its
//!   answer is there: only that says what they are.
//! - A final answer to a request that expects a 100, seen before the first byte of its body, leaves open whether the body
//!   will come: [`RequestReader::give_up`].

mod answer;
mod body;
mod chunked;
mod close;
mod field;
mod head;
mod request;
mod taken;

pub use answer::{AnswerHead, AnswerReader, Switch};
pub use chunked::Chunked;
pub use close::announce_close;
pub use request::{RequestHead, RequestKind, RequestReader};
pub use taken::Taken;

/// The longest head that is understood, in bytes. Most servers accept 8 to 32 KiB.
pub const MAX_HEAD: usize = 64 * 1024;

/// What stands at the front of a buffer. The caller takes exactly `length` bytes out of it before it asks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Front<H> {
    /// More bytes are needed to tell.
    More,
    /// `length` bytes between two messages that belong to none: the empty lines that some clients send behind a body.
    Blank {
        /// How many bytes.
        length: usize,
    },
    /// A whole head: its first line, its fields and the empty line.
    Head {
        /// How many bytes.
        length: usize,
        /// What it says.
        head: H,
    },
    /// Bytes of a body, with the chunks' own lines and the trailers.
    Body {
        /// How many bytes; never 0.
        length: usize,
        /// Whether the message ends with them.
        ends: bool,
    },
    /// Not understood, or open to more than one reading. From here on the bytes may only be passed on. It stays so.
    Opaque,
}

/// Where a reader stands.
#[derive(Debug, Clone)]
enum State {
    /// Before or inside a head of which `looked` bytes have been looked at.
    Head { looked: usize },
    /// Inside a body.
    Body { body: body::Body, last: bool },
    /// Behind the last message that could be followed.
    Opaque,
}

impl State {
    const START: Self = Self::Head { looked: 0 };

    /// The state behind a message; `last`: it said that none follows.
    const fn behind(last: bool) -> Self {
        if last { Self::Opaque } else { Self::START }
    }

    /// The state behind a head.
    fn after_head(body: body::Body, last: bool) -> Self {
        if body.is_empty() { Self::behind(last) } else { Self::Body { body, last } }
    }

    /// What stands at the front of a buffer that begins inside a body.
    fn pass<H>(&mut self, buffer: &[u8]) -> Front<H> {
        let Self::Body { body, last } = self else { return Front::Opaque };
        let last = *last;
        match body.take(buffer) {
            Some(Taken { length: 0, .. }) => Front::More,
            Some(Taken { length, ends }) => {
                if ends {
                    *self = Self::behind(last);
                }
                Front::Body { length, ends }
            }
            None => {
                *self = Self::Opaque;
                Front::Opaque
            }
        }
    }
}
