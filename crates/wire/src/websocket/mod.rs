//! WebSocket frames and messages (RFC 6455), without I/O.
//!
//! ```text
//!   bytes of one direction
//!   ├── header ──┬── payload ──┤├ header ┬ payload ┤├ header ┬ payload ┤
//!   │ fin=0 text │   "hel"     ││  ping  │         ││ fin=1  │  "lo"   │
//!   ╰────────────── one message, with a control frame between its fragments ──────────────╯
//!                                                                      boundary ─────────▲
//! ```
//!
//! - [`Tracker`] looks on: it finds where frames end and where the stream is *between two messages*, the
//!   only place where a splice may put a frame of its own.
//! - [`Decoder`] takes part: it gives the messages, unmasked and put together.
//! - [`Header`], [`encode`], [`Close`] and [`accept_key`] are what is needed to speak.

mod close;
mod decoder;
mod error;
mod handshake;
mod header;
mod mask;
mod tracker;

pub use close::{Close, code};
pub use decoder::{Decoder, Message};
pub use error::Error;
pub use handshake::{accept_key, request_key};
pub use header::{Header, Opcode, encode};
pub use mask::mask;
pub use tracker::{Event, Rules, Sender, Step, Tracker};
