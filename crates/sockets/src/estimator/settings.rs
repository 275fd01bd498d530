//! What an estimator is told before it sees anything.

use std::time::Duration;

/// What an estimator is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The ports on which the application listens.
    pub ports: Vec<u16>,
    /// How long a connection may be silent before it counts as idle.
    pub idle_after: Duration,
    /// How long one request takes at most; `None`: as long as it likes.
    pub longest_request: Option<Duration>,
}
