//! One direction of a connection: bytes that were read, how far they are understood, and what is to be written.
//!
//! ```text
//!   to be written                     not understood yet
//!   extra ── then ── buffer[from..mark]   buffer[mark..to]   room
//! ```
//! Bytes are written as they were read and from where they were read to. Only where something is put in, left out or
//! changed does what stands before it move to `extra`, so that the order stays.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use crate::buffer::{self, Pool};

/// One direction of a connection.
#[derive(Debug, Default)]
pub(crate) struct HalfConnection {
    /// Empty while there is nothing in it.
    buffer: Vec<u8>,
    from: usize,
    mark: usize,
    to: usize,
    extra: Vec<u8>,
    written: usize,
    /// The sender has ended; what it sent may still be here.
    pub(crate) ended: bool,
    /// Nothing more will be written.
    pub(crate) finished: bool,
}

impl HalfConnection {
    /// What was read and is not understood yet.
    pub(crate) fn input(&self) -> &[u8] {
        &self.buffer[self.mark..self.to]
    }

    pub(crate) fn has_input(&self) -> bool {
        self.mark < self.to
    }

    pub(crate) fn has_output(&self) -> bool {
        self.from < self.mark || !self.extra.is_empty()
    }

    /// Lets the next `length` bytes of the input go as they are.
    pub(crate) fn pass(&mut self, length: usize) {
        self.mark += length;
        debug_assert!(self.mark <= self.to, "more passed than there is");
    }

    pub(crate) fn pass_all(&mut self) {
        self.mark = self.to;
    }

    /// Takes the next `length` bytes of the input out.
    pub(crate) fn skip(&mut self, length: usize) {
        self.divert();
        self.from += length;
        self.mark = self.from;
        debug_assert!(self.mark <= self.to, "more taken out than there is");
    }

    pub(crate) fn skip_all(&mut self) {
        self.skip(self.to - self.mark);
    }

    /// Overwrites bytes of the input, `at` behind its front.
    pub(crate) fn change(&mut self, at: usize, bytes: &[u8]) {
        let start = self.mark + at;
        self.buffer[start..start + bytes.len()].copy_from_slice(bytes);
    }

    /// Writes something at this place: behind what has passed, before the input. `write` is shown the input.
    pub(crate) fn put(&mut self, write: impl FnOnce(&[u8], &mut Vec<u8>)) {
        self.divert();
        write(&self.buffer[self.mark..self.to], &mut self.extra);
    }

    fn divert(&mut self) {
        self.extra.extend_from_slice(&self.buffer[self.from..self.mark]);
        self.from = self.mark;
    }

    /// Writes some of what is to be written, at once: how many bytes.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        to: &mut TcpStream,
    ) -> Poll<io::Result<usize>> {
        let is_extra = self.written < self.extra.len();
        let piece = if is_extra { &self.extra[self.written..] } else { &self.buffer[self.from..self.mark] };
        let length = ready!(Pin::new(to).poll_write(context, piece))?;
        *(if is_extra { &mut self.written } else { &mut self.from }) += length;
        if self.written == self.extra.len() {
            (self.extra, self.written) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(length))
    }

    /// Writes what is to be written.
    pub(crate) fn poll_flush(
        &mut self,
        context: &mut Context<'_>,
        to: &mut TcpStream,
    ) -> Poll<io::Result<()>> {
        while self.has_output() {
            ready!(self.poll_write(context, to))?;
        }
        Poll::Ready(Ok(()))
    }

    /// What is to be written, if that is one piece of at most `limit` bytes.
    pub(crate) fn output(&self, limit: usize) -> Option<&[u8]> {
        let (extra, rest) = (&self.extra[self.written..], &self.buffer[self.from..self.mark]);
        let (([], whole) | (whole, [])) = (extra, rest) else { return None };
        (whole.len() <= limit).then_some(whole)
    }

    /// Writes these once more, before everything else that is to be written.
    pub(crate) fn put_back(&mut self, bytes: Vec<u8>) {
        let rest = std::mem::replace(&mut self.extra, bytes);
        self.extra.extend_from_slice(&rest[self.written..]);
        self.written = 0;
    }

    /// Reads more, behind the input: how many bytes, 0 if the sender has ended. Everything that may pass must have been
    /// written. The input never grows above `limit`; where it has come to that, something else must happen first.
    pub(crate) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        from: &mut TcpStream,
        pool: &Pool,
        limit: usize,
    ) -> Poll<io::Result<usize>> {
        debug_assert!(!self.has_output(), "one buffer ahead is enough");
        if !self.has_input() {
            (self.from, self.mark, self.to) = (0, 0, 0);
            if !from.poll_read_ready(context)?.is_ready() {
                self.release(pool);
                return Poll::Pending;
            }
        }
        if !self.make_room(pool, limit) {
            return Poll::Pending;
        }
        let mut room = ReadBuf::new(&mut self.buffer[self.to..]);
        match Pin::new(from).poll_read(context, &mut room) {
            Poll::Ready(Ok(())) => {
                let read = room.filled().len();
                self.to += read;
                self.ended = read == 0;
                Poll::Ready(Ok(read))
            }
            nothing => {
                if !self.has_input() {
                    self.release(pool);
                }
                nothing.map(|result| result.map(|()| 0))
            }
        }
    }

    /// Gives the buffer back, and forgets what is in it.
    pub(crate) fn release(&mut self, pool: &Pool) {
        (self.from, self.mark, self.to) = (0, 0, 0);
        if !self.buffer.is_empty() {
            pool.give(std::mem::take(&mut self.buffer));
        }
    }

    fn make_room(&mut self, pool: &Pool, limit: usize) -> bool {
        if self.buffer.is_empty() {
            self.buffer = pool.take();
        }
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        (self.from, self.mark) = (0, 0);
        if self.to == self.buffer.len() {
            // The limit may have become smaller than what is here.
            self.buffer.resize(limit.min(self.to + buffer::SIZE).max(self.to), 0);
        }
        self.to < self.buffer.len()
    }
}

#[cfg(test)]
mod tests;
