//! What can be set, with defaults that are right for one machine.

use std::time::Duration;

use crate::tls::Tls;

/// How a [`crate::Proxy`] treats its clients.
#[derive(Debug, Clone)]
pub struct Config {
    /// Sizes, counts and times past which the proxy gives its own answer.
    pub limits: Limits,
    /// With a certificate, every connection is TLS (ALPN chooses HTTP/2 or HTTP/1.1).
    pub tls: Option<Tls>,
    /// A WebSocket of a withdrawn instance is told 1001 this long after the withdrawal.
    pub websocket_grace: Duration,
    /// Every answer of an instance gets `segue-version`, unless the instance set it.
    pub version_header: bool,
    /// Keep the `X-Forwarded-*` that came in and add to them: only right behind another proxy.
    pub trust_forwarded: bool,
    /// Worker threads; `None` is one per processor.
    pub workers: Option<usize>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            limits: Limits::default(),
            tls: None,
            websocket_grace: Duration::ZERO,
            version_header: false,
            trust_forwarded: false,
            workers: None,
        }
    }
}

/// Sizes, counts and times past which the proxy gives its own answer or ends a connection.
#[derive(Debug, Clone)]
pub struct Limits {
    /// `headerSize`: bytes of a request's head; above, 431.
    pub header_bytes: usize,
    /// `maxConnections`: client connections at once; above, 503.
    pub connections: usize,
    /// `connectTimeout`: how long connecting to an instance may take; above, 504.
    pub connect: Duration,
    /// `headerTimeout`: how long a client may take over a request's head once it began; above, the connection ends.
    pub head: Duration,
    /// `bodyTimeout`: how long a client may send nothing of its body (408), or read nothing of its answer (cut).
    pub body: Duration,
    /// `answerTimeout`: how long an instance may take to begin its answer; above, 504. `None`: as long as it likes.
    pub answer: Option<Duration>,
    /// `idleTimeout`: how long a client connection may be idle between requests. (`upstreamIdleTimeout` is
    /// [`PoolConfig::idle`].)
    pub idle: Duration,
    /// Bytes of answers that all HTTP/2 clients together may leave untaken. One of them may leave a mebibyte, and each
    /// one piece (at most 72 KiB) whatever the others leave.
    pub answer_buffers: usize,
    /// How long `Expect: 100-continue` holds a body back when the instance says nothing.
    pub expect: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_bytes: 64 * 1024,
            connections: 10_000,
            connect: Duration::from_secs(2),
            head: Duration::from_secs(30),
            body: Duration::from_mins(1),
            answer: None,
            idle: Duration::from_secs(75),
            answer_buffers: 256 * 1024 * 1024,
            expect: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// How many clients beyond [`Limits::connections`] are kept for a moment, until a place is free or they have their
    /// 503. Each takes a file descriptor.
    pub fn waiting(&self) -> usize {
        (self.connections / 8).clamp(16, 256)
    }
}

/// How a [`crate::Pool`] keeps connections to its instances.
#[derive(Debug, Clone)]
pub struct PoolConfig {
    /// `upstreamIdleTimeout`: an upstream connection idle for longer is not used again (less where the instance's own
    /// `Keep-Alive: timeout` says so). Below the 2 s of gunicorn and the 5 s of Node and uvicorn.
    pub idle: Duration,
    /// Idle connections kept per instance.
    pub idle_connections: usize,
    /// What the instances speak.
    pub protocol: Protocol,
}

/// What the instances of a pool speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/1.1, and what it is upgraded to.
    #[default]
    Http1,
    /// HTTP/2 without TLS, with prior knowledge (h2c): what gRPC servers speak.
    Http2,
}

impl Default for PoolConfig {
    fn default() -> PoolConfig {
        PoolConfig { idle: Duration::from_millis(1500), idle_connections: 256, protocol: Protocol::Http1 }
    }
}
