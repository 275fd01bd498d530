//! What can become of a request: ok, or exactly one kind of drop.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Why a request was dropped. The name that people and JSON see is [`Kind::name`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `refused`: nothing listens at the address.
    Refused,
    /// `unreachable`: the network has no way to the address, or the host does not answer on it.
    Unreachable,
    /// `connect-timeout`: the connection did not open in time.
    ConnectTimeout,
    /// `tls`: the connection opened, the TLS handshake failed.
    Tls,
    /// `write-error`: the connection failed before the request was written whole, and nothing had been answered.
    WriteError,
    /// `reset-before-first-byte`: reset after the request was written, before the first byte of the answer.
    ResetBeforeFirstByte,
    /// `reset-after-first-byte`: reset within the answer.
    ResetAfterFirstByte,
    /// `closed-without-answer`: the connection ended in an orderly way, with not one byte of the answer.
    ClosedWithoutAnswer,
    /// `truncated`: the connection ended in an orderly way within the answer.
    Truncated,
    /// `response-timeout`: the answer did not come, or did not end, in time.
    ResponseTimeout,
    /// `http-500`, `http-502`, …: any status from 500 on, by its code.
    Status(u16),
    /// `wrong-body`: the answer's body is not the one that was to come.
    WrongBody,
    /// `protocol-error`: what came is not HTTP (or WebSocket).
    ProtocolError,
    /// `goaway`: an HTTP/2 server went away without taking the request to its end.
    GoAway,
    /// `refused-stream`: an HTTP/2 server refused the stream.
    RefusedStream,
    /// `stream-reset`: an HTTP/2 server reset the stream for another reason.
    StreamReset,
    /// `websocket-refused`: the upgrade was answered by another status than 101 (and less than 500).
    WebSocketRefused,
    /// `websocket-no-close`: a WebSocket ended without a close frame.
    WebSocketNoClose,
    /// `websocket-lost`: a message was sent on a WebSocket that ended before it was echoed.
    WebSocketLost,
}

impl Kind {
    /// Whether the name alone leaves open what went wrong.
    fn needs_a_cause(self) -> bool {
        matches!(self, Self::Tls | Self::ProtocolError | Self::Unreachable)
    }

    /// The name in JSON, tables and plots.
    pub fn name(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect-timeout",
            Self::Tls => "tls",
            Self::WriteError => "write-error",
            Self::ResetBeforeFirstByte => "reset-before-first-byte",
            Self::ResetAfterFirstByte => "reset-after-first-byte",
            Self::ClosedWithoutAnswer => "closed-without-answer",
            Self::Truncated => "truncated",
            Self::ResponseTimeout => "response-timeout",
            Self::Status(code) => return write!(f, "http-{code}"),
            Self::WrongBody => "wrong-body",
            Self::ProtocolError => "protocol-error",
            Self::GoAway => "goaway",
            Self::RefusedStream => "refused-stream",
            Self::StreamReset => "stream-reset",
            Self::WebSocketRefused => "websocket-refused",
            Self::WebSocketNoClose => "websocket-no-close",
            Self::WebSocketLost => "websocket-lost",
        })
    }
}

/// Why a planned request never left: the probe's own fault, which makes the run invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unsent {
    /// `too-many-in-flight`: as many as [`Load::max_in_flight`](crate::Load::max_in_flight) were waiting.
    TooManyInFlight,
    /// `no-file-descriptor`: this process may open no more connections.
    NoFileDescriptor,
    /// `no-local-port`: this host has no free port left for a connection to that address.
    NoLocalPort,
}

impl fmt::Display for Unsent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyInFlight => "too-many-in-flight",
            Self::NoFileDescriptor => "no-file-descriptor",
            Self::NoLocalPort => "no-local-port",
        })
    }
}

/// How one planned request ended. There is no other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Answered whole, in time, with a status below 500 and the body that was to come.
    Ok,
    /// Sent and failed.
    Dropped(Kind),
    /// Never sent.
    Unsent(Unsent),
}

/// A fate, and what brought it about where that is not said by its name.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) fate: Fate,
    pub(crate) cause: Option<Arc<str>>,
}

impl Outcome {
    /// A drop that this error stands for.
    pub(crate) fn of(kind: Kind, error: &dyn Error) -> Self {
        let cause = kind.needs_a_cause().then(|| chain(error).into());
        Self { fate: Fate::Dropped(kind), cause }
    }

    /// A drop for a reason that no error speaks of.
    pub(crate) fn because(kind: Kind, cause: &str) -> Self {
        Self { fate: Fate::Dropped(kind), cause: Some(cause.into()) }
    }
}

impl From<Fate> for Outcome {
    fn from(fate: Fate) -> Self {
        Self { fate, cause: None }
    }
}

impl From<Kind> for Outcome {
    fn from(kind: Kind) -> Self {
        Fate::Dropped(kind).into()
    }
}

/// An error with those behind it, each told once.
fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
        next = error.source();
    }
    told
}
