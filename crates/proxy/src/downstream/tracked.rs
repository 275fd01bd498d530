//! A client's byte stream (plain or TLS) that keeps the connection's [`Operation`] up to date.
//!
//! It sees three things that hyper does not tell: that a client began to send a head (by its [`Intake`], where the
//! client speaks HTTP/1), that a client takes no more bytes, and that the last byte of an answer has left. It also gives hyper's own error answers their
//! `segue-reason`: those are written although no request was handed over.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frames::Frames;
use super::intake::Intake;
use super::session::Session;
use crate::operation::{Operation, Phase};
use crate::reason::{self, Reason};
use crate::stats::Counters;

/// See the module.
#[derive(Debug)]
pub(crate) struct Tracked<S> {
    inner: S,
    reads: Reads,
    /// An error answer of hyper's, with its reason put in, still to be written.
    amended: Bytes,
    operation: Arc<Operation>,
    counters: Arc<Counters>,
}

/// How the client's bytes are read.
#[derive(Debug)]
pub(super) enum Reads {
    /// Request by request.
    Http1(Intake),
    /// As they come, behind those that were read to find out the protocol.
    Http2 { prefix: Bytes, frames: Frames, session: Arc<Session> },
}

impl<S> Tracked<S> {
    pub(super) fn new(
        inner: S,
        reads: Reads,
        operation: Arc<Operation>,
        counters: Arc<Counters>,
    ) -> Tracked<S> {
        Tracked { inner, reads, amended: Bytes::new(), operation, counters }
    }

    /// The stream itself and what was read of it. No request may be under way on it.
    pub(super) fn into_parts(self) -> (S, Reads) {
        (self.inner, self.reads)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tracked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let polled = match &mut this.reads {
            Reads::Http1(intake) => intake.poll_read(&mut this.inner, context, buffer),
            Reads::Http2 { prefix, .. } if !prefix.is_empty() => {
                let here = prefix.len().min(buffer.remaining());
                buffer.put_slice(&prefix.split_to(here));
                Poll::Ready(Ok(()))
            }
            Reads::Http2 { .. } => Pin::new(&mut this.inner).poll_read(context, buffer),
        };
        let came = buffer.filled().len() > before;
        if let Reads::Http2 { frames, session, .. } = &mut this.reads {
            frames.follow(&buffer.filled()[before..], session).map_err(io::Error::other)?;
            this.operation.in_head(frames.in_head());
        }
        match this.operation.phase() {
            Phase::Idle | Phase::Parked if came || this.has_begun() => this.operation.enter(Phase::Head),
            // It was an empty line between two requests.
            Phase::Head if polled.is_pending() && this.is_between_requests() => {
                this.operation.enter(Phase::Idle);
            }
            Phase::ClientBody if came => this.operation.progressed(),
            _ => {}
        }
        polled
    }
}

impl<S> Tracked<S> {
    /// Whether something of the next request is here.
    fn has_begun(&self) -> bool {
        matches!(&self.reads, Reads::Http1(intake) if intake.has_begun())
    }

    fn is_between_requests(&self) -> bool {
        matches!(&self.reads, Reads::Http1(intake) if intake.is_before_head() && !intake.has_begun())
    }

    /// Whether hyper writes although no request was handed over: then it is its own error answer.
    fn amends(&self) -> bool {
        self.operation.is_idle() || self.operation.phase() == Phase::Head
    }

    fn wrote(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &polled {
            Poll::Pending => self.operation.blocked(),
            Poll::Ready(_) => {
                self.operation.unblocked();
                // A client that takes its answer slowly, but takes it. For those of HTTP/2 their pieces tell.
                if !self.operation.phase().is_http2() {
                    self.operation.progressed();
                }
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tracked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.amends()
            && let Some((amended, reason)) = amend(bytes)
        {
            self.counters.count(reason);
            self.amended = amended;
            self.operation.enter(Phase::Flush);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.as_mut().poll_amended(context))?;
        let polled = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.wrote(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.amends() {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(context, first.map_or(&[], |slice| slice));
        }
        let polled = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.wrote(polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_amended(context))?;
        ready!(Pin::new(&mut self.inner).poll_flush(context))?;
        if self.operation.phase() == Phase::Flush {
            self.operation.enter(match &self.reads {
                // It has no head and no idle moment any more; the upgraded connection is an operation of its own.
                Reads::Http1(intake) if intake.is_upgraded() => Phase::HandedOver,
                Reads::Http1(intake) if intake.has_begun() => Phase::Head,
                _ => Phase::Idle,
            });
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_amended(context))?;
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

impl<S: AsyncWrite + Unpin> Tracked<S> {
    fn poll_amended(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.amended.is_empty() {
            let this = &mut *self;
            let written = ready!(Pin::new(&mut this.inner).poll_write(context, &this.amended))?;
            this.amended.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

/// An error answer of hyper's with `segue-reason` behind its status line.
fn amend(bytes: &[u8]) -> Option<(Bytes, Reason)> {
    let reason = match bytes.strip_prefix(b"HTTP/1.1 ").or(bytes.strip_prefix(b"HTTP/1.0 "))?.get(..3)? {
        b"431" => Reason::HeaderTooLarge,
        b"414" => Reason::TargetTooLong,
        b"400" => Reason::BadRequest,
        _ => return None,
    };
    let line_end = bytes.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let (line, rest) = bytes.split_at(line_end);
    let field = format!("{}: {}\r\n", reason::HEADER, reason.as_str());
    Some((Bytes::from([line, field.as_bytes(), rest].concat()), reason))
}

#[cfg(test)]
#[path = "tracked_tests.rs"]
mod tests;
