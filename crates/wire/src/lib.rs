//! Framing without I/O: where messages and frames end, and how a polite close is said.
//!
//! Nothing here reads a socket or a clock. Callers hand in the bytes that they have, in whatever slices
//! these came, and are told what the bytes mean. So the same code serves a client, a server and a splice
//! that only looks on, and every case of it can be tried in a test.

pub mod http1;
pub mod http2;
pub mod websocket;
