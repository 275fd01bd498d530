//! The one place of this crate that reads a clock or sleeps.

use std::time::{Duration, Instant};

#[expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]
pub(crate) fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// The same for a task.
#[expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
