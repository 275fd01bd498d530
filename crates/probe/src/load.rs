//! What to send: the target, the shapes of requests, and the bounds of patience.

use std::path::PathBuf;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, Method};

use crate::target::Target;

/// One run: shapes of requests, side by side, at one target.
#[derive(Debug, Clone)]
pub struct Load {
    /// Where to send.
    pub target: Target,
    /// What to send; each by its own schedule.
    pub shapes: Vec<Shape>,
    /// How long new requests are sent. What is in flight at the end is waited for.
    pub duration: Duration,
    /// How long a connection may take to open (TLS included).
    pub connect_timeout: Duration,
    /// How long a request may take, from the moment it is sent to the last byte of its answer
    /// ([`Shape::think`] comes on top).
    pub timeout: Duration,
    /// The answer's header that says which version answered.
    pub version_header: HeaderName,
    /// How many requests may wait at once. More would only measure this host: they are not sent, and the run
    /// is invalid.
    pub max_in_flight: usize,
    /// How many threads send. One is enough for tens of thousands of requests per second.
    pub threads: usize,
    /// How the target proves who it is.
    pub trust: Trust,
    /// Whether to keep every request's record in the report, not only those of drops.
    pub keep_records: bool,
}

impl Load {
    /// A load of nothing yet, with the usual bounds.
    pub fn new(target: Target, duration: Duration) -> Self {
        Self {
            target,
            shapes: Vec::new(),
            duration,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            version_header: HeaderName::from_static("segue-version"),
            max_in_flight: 20_000,
            threads: 1,
            trust: Trust::System,
            keep_records: false,
        }
    }

    pub(crate) fn check(&self) -> Result<(), LoadError> {
        if self.shapes.is_empty() {
            return Err(LoadError::NoShape);
        }
        if self.duration.is_zero() {
            return Err(LoadError::NoDuration);
        }
        if self.threads == 0 {
            return Err(LoadError::NoThreads);
        }
        if self.timeout.is_zero() || self.connect_timeout.is_zero() {
            return Err(LoadError::NoPatience);
        }
        if self.max_in_flight == 0 {
            return Err(LoadError::NoneInFlight);
        }
        self.shapes.iter().try_for_each(Shape::check)
    }
}

/// Whom to believe over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// The system's certificate authorities.
    System,
    /// The certificates of this PEM file.
    File(PathBuf),
    /// Anyone. For tests against self-signed certificates.
    Anyone,
}

/// One kind of request and its schedule.
#[derive(Debug, Clone)]
pub struct Shape {
    /// What reports call it.
    pub name: String,
    /// Requests per second (of a WebSocket: messages per second, over all its sockets).
    pub rate: f64,
    /// The method; [`Shape::new`] says GET.
    pub method: Method,
    /// Path and query; `None` is the target's own.
    pub path: Option<String>,
    /// Sent with every request. `host` and `content-length` are filled in where they are missing.
    pub headers: HeaderMap,
    /// How many bytes of body to send (of a WebSocket: per message).
    pub body_size: usize,
    /// By what to send it.
    pub protocol: Protocol,
    /// On what connections.
    pub connections: Connections,
    /// How many kept connections (or WebSockets) to hold at the least and take in turn. Requests that find none of
    /// them idle open more.
    pub pool: usize,
    /// How long the client takes over each request: a body's upload is spread over it; without a body, the reading
    /// of the answer is.
    pub think: Duration,
    /// What the answer's body must be. Its length is checked in any case.
    pub expect: Expect,
    /// Whether each request carries its number in a `segue-request` header.
    pub numbered: bool,
}

impl Shape {
    /// `rate` GET requests per second over kept HTTP/1.1 connections.
    pub fn new(name: impl Into<String>, rate: f64) -> Self {
        Self {
            name: name.into(),
            rate,
            method: Method::GET,
            path: None,
            headers: HeaderMap::new(),
            body_size: 0,
            protocol: Protocol::Http1,
            connections: Connections::Kept,
            pool: 10,
            think: Duration::ZERO,
            expect: Expect::Length,
            numbered: false,
        }
    }

    fn check(&self) -> Result<(), LoadError> {
        let shape = || self.name.clone();
        // Also true for a rate that is not a number.
        if !(self.rate > 0.0 && self.rate <= MAX_RATE) {
            return Err(LoadError::Rate { shape: shape(), rate: self.rate });
        }
        let wrong = |path: &&String| !path.starts_with('/') || path.parse::<PathAndQuery>().is_err();
        if let Some(path) = self.path.as_ref().filter(wrong) {
            return Err(LoadError::Path { shape: shape(), path: path.clone() });
        }
        if self.pool == 0 {
            return Err(LoadError::NoPool { shape: shape() });
        }
        if self.expect == Expect::Echo && self.body_size == 0 {
            return Err(LoadError::NothingToEcho { shape: shape() });
        }
        Ok(())
    }
}

/// More than this would only measure the clock.
const MAX_RATE: f64 = 1_000_000.0;

/// What carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, one request at a time on each connection.
    Http1,
    /// HTTP/2, many at once on each connection; without TLS by prior knowledge (h2c).
    Http2,
    /// Messages on WebSockets that the server echoes.
    WebSocket,
}

/// How a client treats its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// Keeps them open and uses them again.
    Kept,
    /// A new one for every request, with `Connection: close`.
    Fresh,
    /// By turns one and the other.
    Mixed,
}

/// What the body of an answer must be for the request to be ok.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// Any, as long as the answer says: `Content-Length` or the last chunk.
    Length,
    /// The bytes that were sent.
    Echo,
    /// Some body that contains this text.
    Contains(String),
}

/// What is wrong with a [`Load`].
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nothing to send.
    #[error("the load has no shape: there is nothing to send")]
    NoShape,
    /// No time to send in.
    #[error("the duration is 0: there is no time to send in")]
    NoDuration,
    /// Nobody to send.
    #[error("0 threads can send nothing: at least 1 is needed")]
    NoThreads,
    /// No time to answer in.
    #[error("a timeout of 0 would drop every request: more than 0 is needed, such as 30s")]
    NoPatience,
    /// No request may wait.
    #[error("with 0 requests in flight at once none can be sent: at least 1 is needed")]
    NoneInFlight,
    /// A rate that can't be kept.
    #[error(
        "{shape}: a rate of {rate} per second can't be kept: more than 0 and at most 1000000 is possible"
    )]
    Rate {
        /// The shape's name.
        shape: String,
        /// The rate.
        rate: f64,
    },
    /// A path that is none.
    #[error(
        "{shape}: {path:?} is no path: it must begin with '/', and what URLs can't hold is written as %XX"
    )]
    Path {
        /// The shape's name.
        shape: String,
        /// The path.
        path: String,
    },
    /// A pool of nothing.
    #[error("{shape}: a pool of 0 connections can carry nothing: at least 1 is needed")]
    NoPool {
        /// The shape's name.
        shape: String,
    },
    /// An echo of nothing.
    #[error("{shape}: an echo can only be checked where a body is sent: give it a size")]
    NothingToEcho {
        /// The shape's name.
        shape: String,
    },
}
