//! A connection to an instance that speaks HTTP/2: all requests of a worker share it.
//!
//! Here hyper's client does the work, in a task of its own: frames of many requests are woven into one connection,
//! so there is no one request's task that could drive it.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::failure::Failure;
use super::link::Link;
use crate::hop;

/// Larger heads of answers are refused.
const HEAD_MAX: u32 = 64 * 1024;

/// A handle to an HTTP/2 connection; the connection closes once all handles and requests are gone.
#[derive(Debug, Clone)]
pub(crate) struct SharedLink {
    sender: SendRequest<UploadBody>,
    worker: u64,
}

impl SharedLink {
    /// Speaks HTTP/2 over a new connection.
    pub(crate) async fn over(link: Link) -> hyper::Result<SharedLink> {
        let worker = link.worker();
        let (sender, connection) = Builder::new(TokioExecutor::new())
            // Many answers that no client takes leave room for others on the same connection.
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(16 * 1024 * 1024)
            .max_header_list_size(HEAD_MAX)
            .handshake(TokioIo::new(link.into_stream()))
            .await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "HTTP/2 connection to an instance");
            }
        });
        Ok(SharedLink { sender, worker })
    }

    pub(crate) fn worker(&self) -> u64 {
        self.worker
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// Sends a request; gives it back if nothing of it has left.
    pub(crate) async fn send(
        &mut self,
        request: Request<UploadBody>,
    ) -> Result<http::Response<Incoming>, (Failure, Option<Request<UploadBody>>)> {
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let request = error.take_message();
            let error = error.into_error();
            let broke_off = error.is_user();
            let error = std::io::Error::other(error);
            let failure = match &request {
                Some(_) => Failure::Unsent(error),
                None if broke_off => Failure::ClientBody,
                None => Failure::Closed(error),
            };
            (failure, request)
        })
    }
}

/// A request's body, or none.
#[derive(Debug)]
pub(crate) struct UploadBody(pub(crate) Option<Incoming>);

impl Body for UploadBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context).map_ok(without_forbidden_trailers),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

pub(super) fn without_forbidden_trailers(mut frame: Frame<Bytes>) -> Frame<Bytes> {
    if let Some(trailers) = frame.trailers_mut() {
        hop::keep_trailers(trailers);
    }
    frame
}
