//! The connection to the application, and what has to be known to go on with another.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use segue_core::Time;
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::clock;
use crate::upstream::Application;

/// The connection to the application.
pub(super) enum Upstream {
    /// There is one.
    Open(TcpStream),
    /// The application closed it; the next request makes a new one.
    Resting,
    /// A new one is being made: for a request, or to see whether the application still listens.
    Connecting(Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>),
    /// There is none any more.
    Closed,
}

/// What has to be known to go on with another connection to the application.
pub(super) struct Renewal {
    pub(super) to: Arc<Application>,
    pub(super) is_last: bool,
    /// What is to be written begins a request, and nothing of it has been written.
    pub(super) is_untouched: bool,
    /// What has been written of the request under way, if that was one piece and nothing of its answer has come.
    pub(super) written: Vec<u8>,
    /// How many requests are in that.
    pub(super) requests: u64,
    /// When the last answer on this connection ended.
    pub(super) answered: Option<Time>,
    pub(super) attempts: u8,
    pub(super) looked: u8,
    pub(super) timer: Option<Pin<Box<Sleep>>>,
}

impl Renewal {
    pub(super) fn new(to: Arc<Application>) -> Self {
        Self {
            to,
            is_last: false,
            is_untouched: false,
            written: Vec::new(),
            requests: 0,
            answered: None,
            attempts: 0,
            looked: 0,
            timer: None,
        }
    }

    /// This connection is the last one: what was said on it can't be said again on another.
    pub(super) fn give_up(&mut self) {
        self.is_last = true;
        self.written = Vec::new();
    }

    /// The application has said something: it has taken what was written.
    pub(super) fn is_answered(&mut self) {
        self.attempts = 0;
        self.written = Vec::new();
    }

    /// The application has answered a request of HTTP/1 whole.
    pub(super) fn has_whole_answer(&mut self) {
        self.answered = Some(clock::now());
        self.to.speaks_http1();
    }

    /// For how long the application has had nothing to do on this connection, if it did something before.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.answered.map(|answered| clock::now().since(answered))
    }
}
