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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel says that the machine is up for, in hundredths of a second.
    fn uptime() -> u64 {
        let said = std::fs::read_to_string("/proc/uptime").unwrap();
        said.split(' ').next().unwrap().replace('.', "").parse().unwrap()
    }

    #[test]
    fn the_time_is_how_long_the_machine_is_up() {
        for _ in 0..100 {
            let (before, now, after) = (uptime(), super::now().as_millis(), uptime());
            assert!((before..=after).contains(&(now / 10)), "{before} {now} {after}");
        }
    }

    #[tokio::test]
    async fn what_comes_in_time_is_taken_and_the_rest_is_not_waited_for() {
        assert_eq!(within(Duration::from_mins(1), async { 7 }).await, Some(7));
        assert_eq!(within(Duration::ZERO, std::future::pending::<()>()).await, None);
    }
}
