//! What an HTTP/1 client sends, seen before hyper reads it.
//!
//! ```text
//!  socket ──► held: half a head, or what is behind the request under way ──► hyper: one request at a time
//! ```
//!
//! A head goes on only once it is whole, and nothing behind a request goes on before hyper asks for the next one. So
//! hyper never holds a part of a request while its connection counts as idle: it can be put to rest or closed at any
//! moment between two requests, and what came of the next one is still here.
//!
//! On the way it finds out what hyper does not tell: that a head has begun, that a request names a transfer coding
//! beside `chunked` or a length beside it, and how much room its fields need.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use segue_wire::http1::{Chunked, Taken};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::head::{Body, Head, Parsed};
use super::notes::Notes;

/// Up to here every piece of a head is looked at, so that what is no HTTP is noticed at once.
const EAGER: usize = 4 * 1024;

/// What a read makes room for when half a head is there already.
const ROOM: usize = 4 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Intake {
    /// Read, but not gone on.
    held: BytesMut,
    /// So many bytes at the front of `held` may go on.
    ready: usize,
    /// So many bytes of `held` have been looked at in vain.
    looked: usize,
    place: Place,
    /// The largest head.
    limit: usize,
    /// How many fields hyper has room for.
    fields: usize,
    notes: Arc<Notes>,
}

/// Where in the client's bytes it is.
#[derive(Debug)]
enum Place {
    /// Before or in a head.
    Head,
    /// In a body that has so many bytes left.
    Length(u64),
    /// In a body of chunks.
    Chunked(Chunked),
    /// Where hyper decides alone: behind what it will refuse, and in an upgraded connection.
    Rest,
}

impl Intake {
    pub(super) fn new(limit: usize, fields: usize, notes: Arc<Notes>) -> Intake {
        Intake { held: BytesMut::new(), ready: 0, looked: 0, place: Place::Head, limit, fields, notes }
    }

    /// Bytes that belong before those that are here.
    pub(super) fn put_back(&mut self, bytes: &Bytes) {
        if !bytes.is_empty() {
            let behind = std::mem::take(&mut self.held);
            self.held.extend_from_slice(bytes);
            self.held.extend_from_slice(&behind);
            self.looked = 0;
        }
    }

    /// hyper has room for so many fields from now on.
    pub(super) fn has_room_for(&mut self, fields: usize) {
        self.fields = fields;
        self.looked = 0;
    }

    /// Whether something of a request is here.
    pub(super) fn has_begun(&self) -> bool {
        self.held.iter().any(|byte| !is_blank(*byte))
    }

    /// Whether what comes next is another protocol's.
    pub(super) fn is_upgraded(&self) -> bool {
        self.notes.is_upgraded()
    }

    /// Whether what comes next is a head.
    pub(super) fn is_before_head(&self) -> bool {
        matches!(self.place, Place::Head)
    }

    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.notes.is_upgraded() && !matches!(self.place, Place::Rest) {
            self.place = Place::Rest;
            self.looked = 0;
        }
        loop {
            if self.ready == 0 && self.held.len() > self.looked {
                self.look_at_held();
            }
            if self.ready > 0 {
                let here = self.ready.min(buffer.remaining());
                buffer.put_slice(&self.held[..here]);
                self.held.advance(here);
                self.ready -= here;
                return Poll::Ready(Ok(()));
            }
            if self.notes.wants_more_fields() {
                return Poll::Pending;
            }
            if self.held.is_empty() {
                self.held = BytesMut::new();
                let before = buffer.filled().len();
                ready!(Pin::new(&mut *stream).poll_read(context, buffer))?;
                let here = before + self.pass(&buffer.filled()[before..]);
                self.held.extend_from_slice(&buffer.filled()[here..]);
                let is_end = buffer.filled().len() == before;
                buffer.set_filled(here);
                if here > before || is_end {
                    return Poll::Ready(Ok(()));
                }
                self.looked = self.held.len();
                self.skip_blanks();
            } else {
                self.held.reserve(ROOM);
                if ready!(pin!(stream.read_buf(&mut self.held)).poll(context))? == 0 {
                    // Half a head, and no more comes: hyper says so.
                    self.place = Place::Rest;
                    self.looked = 0;
                }
            }
        }
    }

    fn look_at_held(&mut self) {
        self.skip_blanks();
        let held = std::mem::take(&mut self.held);
        self.ready = self.pass(&held);
        self.looked = if self.ready == 0 { held.len() } else { 0 };
        self.held = held;
    }

    /// Empty lines before a head begin none.
    fn skip_blanks(&mut self) {
        if self.is_before_head() {
            let blanks = self.held.iter().take_while(|byte| is_blank(**byte)).count();
            self.held.advance(blanks);
            self.looked = self.looked.saturating_sub(blanks);
        }
    }

    /// How many of these bytes may go on: at most what is left of one request.
    fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut passed = 0;
        while passed < bytes.len() {
            let more = self.step(&bytes[passed..]);
            passed += more;
            if more == 0 || self.is_before_head() {
                break;
            }
        }
        passed
    }

    fn step(&mut self, bytes: &[u8]) -> usize {
        let Taken { length, ends } = match &mut self.place {
            Place::Rest => return bytes.len(),
            Place::Head => return self.head(bytes),
            Place::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= here as u64;
                Taken { length: here, ends: *left == 0 }
            }
            Place::Chunked(chunks) => {
                let Some(taken) = chunks.take(bytes) else { return self.give_up(bytes) };
                taken
            }
        };
        if ends {
            self.place = Place::Head;
        }
        length
    }

    fn head(&mut self, bytes: &[u8]) -> usize {
        let new = &bytes[self.looked.saturating_sub(3).min(bytes.len())..];
        if bytes.len() > EAGER && self.looked > 0 && !has_empty_line(new) && bytes.len() < self.limit {
            return 0;
        }
        match Head::parse(bytes) {
            Parsed::Whole(head) if head.fields > self.fields => {
                self.notes.want_fields(head.fields);
                0
            }
            Parsed::Whole(head) => {
                self.notes.refuse(head.refusal);
                self.place = match head.body {
                    Body::Length(0) => Place::Head,
                    Body::Length(length) => Place::Length(length),
                    Body::Chunked => Place::Chunked(Chunked::new()),
                };
                head.length
            }
            Parsed::Half if bytes.len() < self.limit => 0,
            Parsed::Half | Parsed::Malformed => self.give_up(bytes),
        }
    }

    /// hyper refuses it, or the request under way is the last one whose end is sure.
    fn give_up(&mut self, bytes: &[u8]) -> usize {
        self.notes.is_last();
        self.place = Place::Rest;
        bytes.len()
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn has_empty_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
