//! A shape made ready to send: what all its requests share, and its connections.

use bytes::Bytes;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};

use crate::body::{Payload, Upload};
use crate::http1;
use crate::http2;
use crate::job::Job;
use crate::load::{Connections, Protocol, Shape};
use crate::target::Target;
use crate::websocket;

/// A source of requests: one shape in one sending thread.
pub(crate) struct Source {
    pub(crate) pattern: Bytes,
    connections: Connections,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    think: std::time::Duration,
    numbered: bool,
    http2: bool,
    pub(crate) kept: http1::Pool,
    pub(crate) streams: http2::Pool,
    pub(crate) sockets: websocket::Pool,
}

impl Source {
    pub(crate) fn new(shape: &Shape, target: &Target) -> Self {
        let http2 = shape.protocol == Protocol::Http2;
        let path =
            shape.path.as_ref().and_then(|path| path.parse().ok()).unwrap_or_else(|| target.path.clone());
        let mut uri = http::uri::Parts::default();
        uri.path_and_query = Some(path);
        let mut headers = shape.headers.clone();
        if http2 {
            uri.scheme = Some(if target.tls { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
            uri.authority = Some(target.authority.clone());
        } else if !headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(target.authority.as_str())
        {
            headers.insert(HOST, host);
        }
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(concat!("segue-probe/", env!("CARGO_PKG_VERSION"))));
        // A message must be long enough to carry its number.
        let least = if shape.protocol == Protocol::WebSocket { websocket::SHORTEST } else { 0 };
        Self {
            pattern: Payload::pattern(shape.body_size.max(least)),
            connections: shape.connections,
            method: shape.method.clone(),
            uri: Uri::from_parts(uri).unwrap_or_default(),
            headers,
            think: shape.think,
            numbered: shape.numbered,
            http2,
            kept: http1::Pool::new(shape.pool),
            streams: http2::Pool::new(shape.pool),
            sockets: websocket::Pool::new(shape.pool),
        }
    }

    /// Whether this request gets a new connection.
    pub(crate) fn fresh(&self, number: u64) -> bool {
        match self.connections {
            Connections::Kept => false,
            Connections::Fresh => true,
            Connections::Mixed => number % 2 == 1,
        }
    }

    pub(crate) fn request(&self, job: &Job) -> Request<Upload> {
        let upload =
            if job.payload.size() == 0 { Upload::empty() } else { Upload::new(&job.payload, self.think) };
        let mut request = Request::new(upload);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if job.fresh && !self.http2 {
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if self.numbered {
            request.headers_mut().insert("segue-request", HeaderValue::from(job.ticket.number()));
        }
        request
    }

    /// What lasts is to come to its end.
    pub(crate) fn finish(&self) {
        self.sockets.finish();
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(crate) fn think(&self) -> std::time::Duration {
        self.think
    }
}
