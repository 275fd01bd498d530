//! One request and its answer on one link, both directions driven by whoever polls.

use std::io;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};

use super::answer::AnswerHead;
use super::body::{Decoded, Framing};
use super::buffers;
use super::failure::Failure;
use super::link::Link;
use super::upload::{Upload, UploadError};
use crate::downstream::{Room, Stream};
use crate::hop;
use crate::instance::{Claim, Instance};
use crate::operation::{Operation, Phase};
use crate::verdict::Verdict;

/// How long before the instance's own `Keep-Alive: timeout` its connection is no longer used.
const KEEP_ALIVE_MARGIN: u64 = 500;

/// A request under way on an instance. It holds the claim until the last byte of the answer was handed over.
#[derive(Debug)]
pub(crate) struct Exchange {
    link: Option<Link>,
    claim: Option<Claim>,
    input: BytesMut,
    upload: Upload,
    framing: Framing,
    /// Whether the link may carry another request once this is over.
    keep: bool,
}

impl Exchange {
    pub(crate) fn new(claim: Claim, link: Link, upload: Upload) -> Exchange {
        Exchange {
            link: Some(link),
            claim: Some(claim),
            input: BytesMut::new(),
            upload,
            framing: Framing::UntilClose,
            keep: true,
        }
    }

    /// The instance that has the request.
    pub(crate) fn instance(&self) -> Option<&Instance> {
        self.claim.as_ref().map(|claim| &**claim.instance())
    }

    /// Whether all of the request has left.
    pub(crate) fn sent(&self) -> bool {
        self.upload.finished()
    }

    /// Counts a failure of the instance.
    pub(crate) fn failed(&self) {
        if let Some(claim) = &self.claim {
            claim.instance().failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes back the request if nothing of it has left.
    pub(crate) fn into_unsent(mut self) -> Option<Upload> {
        self.claim = None;
        if !self.upload.unsent() {
            return None;
        }
        let nothing = Upload::new(Vec::new(), None, super::UploadFraming::Length, None);
        Some(std::mem::replace(&mut self.upload, nothing))
    }

    /// The head of the answer, its headers in `headers`. Answers like 100 and 103 are not it.
    pub(crate) fn poll_answer(
        &mut self,
        context: &mut Context<'_>,
        operation: &Operation,
        stream: Option<&Stream>,
        headers: &mut HeaderMap,
        to_head_request: bool,
    ) -> Poll<Result<AnswerHead, Failure>> {
        loop {
            let sending = self.poll_upload(context, operation)?;
            // The head is wanted in any case; the front of the body may come with it.
            let limit = stream.map_or(usize::MAX, |stream| stream.room().unwrap_or(Room::Little).limit());
            let Some(link) = &mut self.link else { return Poll::Ready(Err(Failure::Malformed)) };
            let filled = match link.poll_fill(context, &mut self.input, limit) {
                Poll::Ready(filled) => filled,
                Poll::Pending => {
                    let waiting = if sending.is_pending() && self.upload.waits_for_client() {
                        Phase::ClientBody
                    } else {
                        Phase::Answer
                    };
                    operation.wait_for(waiting);
                    return match operation.poll_verdict(context) {
                        verdict @ (Verdict::Cut | Verdict::BodyTimeout | Verdict::AnswerTimeout) => {
                            Poll::Ready(Err(Failure::Judged(verdict)))
                        }
                        _ => Poll::Pending,
                    };
                }
            };
            match filled {
                Ok(0) => return Poll::Ready(Err(self.ended(io::ErrorKind::UnexpectedEof.into()))),
                Err(error) => return Poll::Ready(Err(self.ended(error))),
                Ok(_) => {}
            }
            while let Some(head) = AnswerHead::parse(&mut self.input, headers, to_head_request)
                .map_err(|_| Failure::Malformed)?
            {
                if head.status == StatusCode::CONTINUE {
                    self.upload.release();
                } else if head.status == StatusCode::SWITCHING_PROTOCOLS || !head.status.is_informational() {
                    self.accept(&head);
                    return Poll::Ready(Ok(head));
                }
            }
        }
    }

    /// The socket and what was read of the new protocol, after a 101.
    pub(crate) fn into_upgraded(mut self) -> Option<(Link, Bytes, Claim)> {
        let read = self.input.split().freeze();
        Some((self.link.take()?, read, self.claim.take()?))
    }

    /// Ends the exchange if the answer has no body.
    pub(crate) fn settle(&mut self) {
        if self.is_over() {
            self.finish();
        }
    }

    /// The next part of the answer's body.
    pub(crate) fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        operation: &Operation,
        stream: Option<&Stream>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        loop {
            if operation.verdict() == Verdict::Cut {
                return Poll::Ready(Some(Err(Failure::Judged(Verdict::Cut))));
            }
            if !self.upload.finished() {
                let _ = self.poll_upload(context, operation)?;
            }
            match self.framing.decode(&mut self.input) {
                Ok(Decoded::End) => {
                    self.finish();
                    return Poll::Ready(None);
                }
                Ok(Decoded::Data(data)) => {
                    operation.enter(Phase::Client);
                    if self.framing == Framing::Done {
                        self.finish();
                    }
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Ok(Decoded::Trailers(mut trailers)) => {
                    self.finish();
                    hop::keep_trailers(&mut trailers);
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                Ok(Decoded::More) => {}
                Err(_) => return Poll::Ready(Some(Err(self.broke_off(Failure::Malformed)))),
            }
            let limit = match stream.map_or(Poll::Ready(Room::Much), |stream| stream.poll_room(context)) {
                Poll::Ready(room) => room.limit(),
                Poll::Pending => {
                    operation.wait_for(Phase::Room);
                    return wait_on(operation, context);
                }
            };
            let Some(link) = &mut self.link else { return Poll::Ready(None) };
            match link.poll_fill(context, &mut self.input, limit) {
                Poll::Pending => {
                    // A stream that rests needs no buffer.
                    if self.input.is_empty() {
                        buffers::give_back(&mut self.input);
                    }
                    operation.wait_for(Phase::AnswerBody);
                    return wait_on(operation, context);
                }
                Poll::Ready(Ok(0)) if self.framing == Framing::UntilClose => self.framing = Framing::Done,
                Poll::Ready(Ok(0)) => {
                    let error = io::ErrorKind::UnexpectedEof.into();
                    return Poll::Ready(Some(Err(self.broke_off(Failure::Closed(error)))));
                }
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Some(Err(self.broke_off(Failure::Closed(error)))));
                }
                Poll::Ready(Ok(_)) => {}
            }
        }
    }

    /// How much was read and is not handed over.
    pub(crate) fn unread(&self) -> usize {
        self.input.len()
    }

    /// Whether all of the answer was handed over.
    pub(crate) fn is_over(&self) -> bool {
        self.framing == Framing::Done
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Length(left) => SizeHint::with_exact(left),
            Framing::Done => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }

    fn poll_upload(&mut self, context: &mut Context<'_>, operation: &Operation) -> Poll<Result<(), Failure>> {
        let Some(link) = &mut self.link else { return Poll::Ready(Ok(())) };
        if self.upload.finished() {
            return Poll::Ready(Ok(()));
        }
        let before = self.upload.written();
        let polled = self.upload.poll(context, link);
        if self.upload.written() > before {
            operation.progressed();
        }
        match ready!(polled) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(UploadError::Client) => Poll::Ready(Err(Failure::ClientBody)),
            Err(UploadError::Instance(error)) if self.upload.unsent() => {
                Poll::Ready(Err(Failure::Unsent(error)))
            }
            // An instance may answer (413, 401) and close without reading all: its answer is still wanted.
            Err(UploadError::Instance(_)) => {
                self.keep = false;
                self.upload.give_up();
                Poll::Ready(Ok(()))
            }
        }
    }

    fn accept(&mut self, head: &AnswerHead) {
        self.framing = head.framing;
        self.keep &= head.keep;
        if let (Some(link), Some(timeout)) = (&mut self.link, head.keep_alive) {
            link.idle_limit = link.idle_limit.min(timeout.saturating_sub(KEEP_ALIVE_MARGIN));
        }
    }

    /// The answer is complete: the claim is given back, and the link kept if it is clean.
    fn finish(&mut self) {
        self.framing = Framing::Done;
        let clean = self.keep && self.upload.finished() && self.input.is_empty();
        if let (Some(link), Some(claim)) = (self.link.take(), &self.claim)
            && clean
        {
            claim.instance().keep_idle(link);
        }
        self.claim = None;
        buffers::give_back(&mut self.input);
    }

    fn ended(&self, error: io::Error) -> Failure {
        if self.upload.unsent() { Failure::Unsent(error) } else { Failure::Closed(error) }
    }

    fn broke_off(&self, failure: Failure) -> Failure {
        self.failed();
        failure
    }
}

/// Pending, unless the operation was cut.
fn wait_on<T>(operation: &Operation, context: &Context<'_>) -> Poll<Option<Result<T, Failure>>> {
    match operation.poll_verdict(context) {
        Verdict::Cut => Poll::Ready(Some(Err(Failure::Judged(Verdict::Cut)))),
        _ => Poll::Pending,
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        buffers::give_back(&mut self.input);
    }
}
