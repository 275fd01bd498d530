//! The one place of this crate that reads a clock or sleeps.

use std::time::{Duration, Instant};

/// Now, on the clock that only moves forward.
#[expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits that long.
#[expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]
pub(crate) async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}
