//! The one place where this crate reads a clock or waits: everything else is handed the time.
#![expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use segue_core::Time;

/// Now, in milliseconds since the machine booted, sleep included: what another process of this machine would say too.
pub(crate) fn now() -> Time {
    let time = clock_gettime(ClockId::Boottime);
    let milliseconds = i128::from(time.tv_sec) * 1000 + i128::from(time.tv_nsec) / 1_000_000;
    Time::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

/// A real wait; its caller says why.
pub(crate) fn sleep(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}

/// What `future` comes to, if it does so in time.
pub(crate) async fn within<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(duration, future).await.ok()
}
