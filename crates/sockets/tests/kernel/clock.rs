//! The one place where these tests read a clock or wait.

use rustix::time::{ClockId, clock_gettime};
use segue_core::Time;
use std::time::Duration;

/// Milliseconds since boot, as an agent's clock has them.
pub(crate) fn now() -> Time {
    let time = clock_gettime(ClockId::Boottime);
    Time::from_millis(u64::try_from(time.tv_sec * 1000 + time.tv_nsec / 1_000_000).unwrap())
}

/// Gives the kernel a moment.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(10));
}
