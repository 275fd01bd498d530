//! The one place of this crate that reads a clock or sleeps.

use std::time::Duration;

/// Now, as people read it.
pub(crate) fn wall() -> jiff::Zoned {
    jiff::Zoned::now()
}

/// Waits that long.
#[expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]
pub(crate) async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}
