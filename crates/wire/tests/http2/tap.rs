//! A splice between a real h2 client and server: passes their bytes on and follows them, and can put frames in between.

use segue_wire::http2::{FrameHeader, FrameKind, FrameReader, Front2, PREFACE, Streams, goaway, ping};
use std::cell::RefCell;
use std::rc::Rc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf};
use tokio::task::{spawn_local, yield_now};

/// The payload of the pings that the splice asks with.
const OURS: [u8; 8] = *b"\0splice\0";

/// What the splice puts between the server's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Nothing,
    /// A ping wherever it may; its answers are kept from the server.
    Pings,
    /// The two steps of a polite close: the highest number, and after a round trip the last stream.
    Leave,
}

/// What the splice has seen.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) streams: Streams,
    pub(crate) put: Put,
    pub(crate) pings: usize,
    pub(crate) answered: usize,
    /// What a reader said is invalid, first.
    broken: Option<Vec<u8>>,
    /// Bytes passed on, either way.
    pub(crate) passed: usize,
    left: bool,
}

impl Seen {
    fn pass(&mut self, front: &Front2, piece: &[u8]) {
        self.passed += piece.len();
        if *front == Front2::Invalid {
            self.broken.get_or_insert_with(|| piece.to_vec());
        }
    }
}

pub(crate) type Tap = Rc<RefCell<Seen>>;

/// The ends for a client and a server, and what is seen of their bytes.
pub(crate) fn between(streams: Streams, put: Put) -> (DuplexStream, DuplexStream, Tap) {
    let (client, towards_client) = tokio::io::duplex(1 << 20);
    let (server, towards_server) = tokio::io::duplex(1 << 20);
    let (from_client, to_client) = tokio::io::split(towards_client);
    let (from_server, to_server) = tokio::io::split(towards_server);
    let tap = Rc::new(RefCell::new(Seen {
        streams,
        put,
        pings: 0,
        answered: 0,
        passed: 0,
        broken: None,
        left: false,
    }));
    spawn_local(client_side(from_client, to_server, Rc::clone(&tap)));
    spawn_local(server_side(from_server, to_client, Rc::clone(&tap)));
    (client, server, tap)
}

/// Waits until nothing moves any more.
pub(crate) async fn settle(tap: &Tap) {
    let (mut still, mut passed) = (0, 0);
    while still < 20 {
        yield_now().await;
        let now = tap.borrow().passed;
        still = if now == passed { still + 1 } else { 0 };
        passed = now;
    }
    assert_eq!(tap.borrow().broken, None, "a real peer never sends what is invalid");
}

/// Passes bytes on piece by piece, as `see` says: what is to be written for the piece.
async fn pump<R: AsyncRead, W: AsyncWrite>(
    mut from: ReadHalf<R>,
    mut to: WriteHalf<W>,
    mut reader: FrameReader,
    mut see: impl FnMut(&Front2, &[u8], &FrameReader) -> Vec<u8>,
) {
    let mut buffer = Vec::new();
    loop {
        let front = reader.front(&buffer);
        let length = match front {
            front if front == Front2::More || buffer.is_empty() => {
                if from.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                    let _ = to.shutdown().await;
                    return;
                }
                continue;
            }
            // Passed on, so that no peer waits for it; `settle` tells.
            Front2::More | Front2::Invalid => buffer.len(),
            Front2::Preface => PREFACE.len(),
            Front2::Frame(_) => FrameHeader::LENGTH,
            Front2::Payload { length, .. } => length,
        };
        let piece: Vec<u8> = buffer.drain(..length).collect();
        if to.write_all(&see(&front, &piece, &reader)).await.is_err() {
            return;
        }
    }
}

async fn client_side(from: ReadHalf<DuplexStream>, to: WriteHalf<DuplexStream>, tap: Tap) {
    let mut swallows = false;
    pump(from, to, FrameReader::client(), |front, piece, _| {
        let mut seen = tap.borrow_mut();
        seen.pass(front, piece);
        seen.streams.client_sent(front);
        match front {
            Front2::Frame(header) if header.kind == (FrameKind::Ping { payload: OURS }) && header.ack() => {
                seen.answered += 1;
                swallows = true;
                Vec::new()
            }
            Front2::Payload { ends, .. } if swallows => {
                swallows = !ends;
                Vec::new()
            }
            _ => piece.to_vec(),
        }
    })
    .await;
}

async fn server_side(from: ReadHalf<DuplexStream>, to: WriteHalf<DuplexStream>, tap: Tap) {
    pump(from, to, FrameReader::server(), |front, piece, reader| {
        let mut seen = tap.borrow_mut();
        seen.pass(front, piece);
        seen.streams.server_sent(front);
        let mut out = piece.to_vec();
        if !reader.may_insert() {
            return out;
        }
        match seen.put {
            Put::Pings => {
                out.extend_from_slice(&ping(OURS, false));
                seen.pings += 1;
            }
            Put::Leave if seen.pings == 0 => {
                out.extend_from_slice(&goaway(u32::MAX, 0));
                out.extend_from_slice(&ping(OURS, false));
                seen.pings += 1;
            }
            Put::Leave if seen.answered == 1 && !seen.left => {
                out.extend_from_slice(&goaway(seen.streams.last_client_stream(), 0));
                seen.left = true;
            }
            Put::Leave | Put::Nothing => {}
        }
        out
    })
    .await;
}
