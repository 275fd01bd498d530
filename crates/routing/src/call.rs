//! What a router asks to be carried, and what comes back.

use http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use std::path::PathBuf;
use std::time::Duration;

/// A call's number, of the router that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A request and how long its answer is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its number.
    pub id: CallId,
    /// What is asked.
    pub request: Request,
    /// From the first byte sent to the last one read; then it has failed.
    pub within: Duration,
    /// How long the answer's body may be, in bytes; a longer one is a failure.
    pub most: usize,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Uri,
    /// The headers, beside those that HTTP itself needs.
    pub headers: Vec<(HeaderName, Value)>,
    /// The body.
    pub body: Option<Value>,
}

/// What is sent, where it may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Words that anybody may read.
    Text(String),
    /// Words, and then a secret.
    Secret {
        /// What stands before it, such as `Bearer `.
        before: String,
        /// Where it is.
        secret: Secret,
    },
}

/// Where a secret is. It is read when it is sent, and never kept: not in a plan, a log or a router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// In a file, without the line's end after it.
    File(PathBuf),
    /// In a variable of the environment.
    Variable(String),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why there is no answer. Whether the other side has acted is not known, but for [`Failure::NotSent`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It was not sent: a wrong URL, a secret that can't be read. Trying again helps once that is mended.
    NotSent(String),
    /// The other side could not be reached, broke off, or answered more than it may.
    Broke(String),
    /// It took too long.
    TooLong(Duration),
}

impl std::error::Error for Failure {}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotSent(why) => write!(f, "not sent: {why}"),
            Self::Broke(why) => write!(f, "{why}"),
            Self::TooLong(within) => write!(f, "no answer within {within:?}"),
        }
    }
}
