//! Sending a request to an instance: its head, then its body as the client sends it.

use std::io::{self, IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::buffers;
use super::link::Link;
use crate::clock;
use crate::hop;

/// How the instance is told where the request's body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadFraming {
    /// By `Content-Length`, which the server side holds the client to.
    Length,
    /// By chunks.
    Chunked,
}

/// A request on its way out. At most one chunk is held; it is passed on without being copied.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The request's head, later the framing before a chunk.
    head: Vec<u8>,
    head_sent: usize,
    data: Bytes,
    tail: &'static [u8],
    body: Option<Incoming>,
    framing: UploadFraming,
    /// While this is there, the body waits for the instance's 100.
    hold: Option<Pin<Box<Sleep>>>,
    /// Bytes that have left. While it is 0, the request may go to another instance.
    written: u64,
}

/// Why a request could not be sent in full.
#[derive(Debug)]
pub(super) enum UploadError {
    /// The client's body broke off.
    Client,
    /// The instance does not take it.
    Instance(io::Error),
}

impl Upload {
    pub(crate) fn new(
        head: Vec<u8>,
        body: Option<Incoming>,
        framing: UploadFraming,
        hold: Option<Duration>,
    ) -> Upload {
        let hold = hold.filter(|_| body.is_some()).map(|limit| Box::pin(clock::sleep(limit)));
        Upload { head, head_sent: 0, data: Bytes::new(), tail: b"", body, framing, hold, written: 0 }
    }

    /// Whether nothing of the request has left.
    pub(super) fn unsent(&self) -> bool {
        self.written == 0
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Whether all of the request has left.
    pub(super) fn finished(&self) -> bool {
        self.body.is_none() && !self.queued()
    }

    /// Whether all that is missing is the client's.
    pub(super) fn waits_for_client(&self) -> bool {
        self.body.is_some() && self.hold.is_none() && !self.queued()
    }

    /// The instance said 100: the body may go.
    pub(super) fn release(&mut self) {
        self.hold = None;
    }

    /// The instance takes no more: the rest is not sent.
    pub(super) fn give_up(&mut self) {
        self.body = None;
        self.head.clear();
        self.head_sent = 0;
        self.data = Bytes::new();
        self.tail = b"";
    }

    /// Sends what there is; ready when all has left.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        link: &mut Link,
    ) -> Poll<Result<(), UploadError>> {
        // A body that is there already leaves with the head in one write.
        if self.written == 0 && self.data.is_empty() && self.body.is_some() && !self.held(context) {
            let _ = self.poll_body(context)?;
        }
        loop {
            while self.queued() {
                let written = ready!(self.poll_queue(context, link)).map_err(UploadError::Instance)?;
                if written == 0 {
                    return Poll::Ready(Err(UploadError::Instance(io::ErrorKind::WriteZero.into())));
                }
                self.advance(written);
            }
            self.head.clear();
            self.head_sent = 0;
            if self.body.is_none() {
                buffers::give_back_scratch(&mut self.head);
                return Poll::Ready(Ok(()));
            }
            if self.held(context) {
                return Poll::Pending;
            }
            ready!(self.poll_body(context)?);
        }
    }

    fn queued(&self) -> bool {
        self.head_sent < self.head.len() || !self.data.is_empty() || !self.tail.is_empty()
    }

    fn held(&mut self, context: &mut Context<'_>) -> bool {
        let Some(hold) = &mut self.hold else { return false };
        let waits = hold.as_mut().poll(context).is_pending();
        if !waits {
            self.hold = None;
        }
        waits
    }

    /// Queues the next part of the body behind what is queued as the head.
    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
        match ready!(Pin::new(&mut *body).poll_frame(context)) {
            None => self.end(None),
            Some(Err(_)) => return Poll::Ready(Err(UploadError::Client)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    let last = body.is_end_stream();
                    self.queue(data, last);
                }
                Err(frame) => self.end(frame.into_trailers().ok()),
            },
        }
        Poll::Ready(Ok(()))
    }

    fn queue(&mut self, data: Bytes, last: bool) {
        if self.framing == UploadFraming::Chunked && !data.is_empty() {
            // Writing to a vector does not fail.
            let _ = write!(self.head, "{:x}\r\n", data.len());
            self.tail = if last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
        } else if self.framing == UploadFraming::Chunked && last {
            self.tail = b"0\r\n\r\n";
        }
        self.data = data;
        if last {
            self.body = None;
        }
    }

    fn end(&mut self, trailers: Option<http::HeaderMap>) {
        self.body = None;
        if self.framing == UploadFraming::Length {
            return;
        }
        match trailers {
            None => self.tail = b"0\r\n\r\n",
            Some(mut trailers) => {
                hop::keep_trailers(&mut trailers);
                self.head.extend_from_slice(b"0\r\n");
                for (name, value) in &trailers {
                    put_header(&mut self.head, name.as_str(), value.as_bytes());
                }
                self.tail = b"\r\n";
            }
        }
    }

    fn poll_queue(&self, context: &mut Context<'_>, link: &mut Link) -> Poll<io::Result<usize>> {
        let head = &self.head[self.head_sent..];
        if self.data.is_empty() && self.tail.is_empty() {
            return link.poll_write(context, &[IoSlice::new(head)]);
        }
        let slices = [IoSlice::new(head), IoSlice::new(&self.data), IoSlice::new(self.tail)];
        link.poll_write(context, &slices)
    }

    fn advance(&mut self, written: usize) {
        self.written += written as u64;
        let of_head = written.min(self.head.len() - self.head_sent);
        self.head_sent += of_head;
        let of_data = (written - of_head).min(self.data.len());
        self.data.advance(of_data);
        self.tail = &self.tail[written - of_head - of_data..];
    }
}

/// One header line.
pub(crate) fn put_header(head: &mut Vec<u8>, name: &str, value: &[u8]) {
    head.extend_from_slice(name.as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

#[cfg(test)]
#[path = "upload_tests.rs"]
mod tests;
