//! A connection on its way out.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Sleep;

use crate::clock;

/// A connection that is being closed.
#[derive(Debug)]
pub(crate) struct Closing {
    /// The application ended it, not the guard: what the client still says is for the application.
    pub(super) is_mirrored: bool,
    pub(super) timer: Pin<Box<Sleep>>,
}

impl Closing {
    pub(super) fn new(is_mirrored: bool, within: Duration) -> Self {
        Self { is_mirrored, timer: Box::pin(clock::sleep(within)) }
    }
}
