//! An answer over a connection that other requests share.

use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use hyper::body::Incoming;

use super::failure::Failure;
use super::shared_link::without_forbidden_trailers;
use crate::downstream::Stream;
use crate::instance::Claim;
use crate::operation::{Operation, Phase};
use crate::verdict::Verdict;

/// The body of an answer that came over a shared connection; it holds the claim to its end.
#[derive(Debug)]
pub(crate) struct Multiplexed {
    body: Incoming,
    claim: Option<Claim>,
}

impl Multiplexed {
    pub(crate) fn new(body: Incoming, claim: Claim) -> Multiplexed {
        let claim = Some(claim).filter(|_| !body.is_end_stream());
        Multiplexed { body, claim }
    }

    pub(crate) fn poll_body(
        &mut self,
        context: &mut Context<'_>,
        operation: &Operation,
        stream: Option<&Stream>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if operation.poll_verdict(context) == Verdict::Cut {
            return Poll::Ready(Some(Err(Failure::Judged(Verdict::Cut))));
        }
        if stream.is_some_and(|stream| stream.poll_room(context).is_pending()) {
            operation.wait_for(Phase::Room);
            return Poll::Pending;
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending => {
                operation.wait_for(Phase::AnswerBody);
                Poll::Pending
            }
            Poll::Ready(None) => {
                self.claim = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Ok(frame))) => {
                operation.enter(Phase::Client);
                if self.is_over() {
                    self.claim = None;
                }
                Poll::Ready(Some(Ok(without_forbidden_trailers(frame))))
            }
            Poll::Ready(Some(Err(error))) => {
                if let Some(claim) = &self.claim {
                    claim.instance().failed.fetch_add(1, Ordering::Relaxed);
                }
                Poll::Ready(Some(Err(Failure::Closed(std::io::Error::other(error)))))
            }
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.body.is_end_stream()
    }
}
