//! HTTP/2 (RFC 9113) at frame level, for a splice that passes the bytes on as they are, without I/O.
//!
//! ```text
//!   client ─▶  PRI * HTTP/2.0…  │ SETTINGS │ HEADERS(1) │ DATA(1) │…   FrameReader::client()
//!   server ─▶  SETTINGS │ HEADERS(1) CONTINUATION(1) │ DATA(1, END_STREAM) │…   FrameReader::server()
//!                       ▲                            ▲ only here may a splice put a frame of its own
//! ```
//!
//! The caller keeps the buffer, asks a [`FrameReader`] what stands at its front, takes exactly that out and asks again;
//! it hands what it was told to [`Streams`], which counts the requests under way. Header blocks are never decoded
//! (that needs the whole connection's HPACK state): methods and paths stay unknown.

mod frame;
mod reader;
mod streams;

pub use frame::{FrameHeader, FrameKind, goaway, ping};
pub use reader::{FrameReader, Front2};
pub use streams::{Change, Streams};

/// What a client sends first.
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
