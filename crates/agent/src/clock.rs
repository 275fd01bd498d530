//! The one place where the agent reads a clock or waits: everything else takes time as an argument.

#![allow(clippy::disallowed_methods, reason = "this is the clock module that the others are to use")]

use rustix::time::{ClockId, clock_gettime};
use segue_core::Time;
use std::time::Duration;

/// Milliseconds since the machine booted, sleep included: the same for every process of the node, so that a hook can
/// take over a drain that its agent began.
pub(crate) fn now() -> Time {
    let time = clock_gettime(ClockId::Boottime);
    let milliseconds = i128::from(time.tv_sec) * 1000 + i128::from(time.tv_nsec) / 1_000_000;
    Time::from_millis(u64::try_from(milliseconds).unwrap_or(0))
}

/// The date and time of a point on that clock, for people.
pub(crate) fn wall(time: Time) -> jiff::Timestamp {
    let (now, date) = (now(), jiff::Timestamp::now());
    let ahead = i128::from(time.as_millis()) - i128::from(now.as_millis());
    let ahead = jiff::SignedDuration::from_millis(i64::try_from(ahead).unwrap_or(0));
    date.checked_add(ahead).unwrap_or(date)
}

/// The date and time now, for people.
pub(crate) fn date() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Waits, in a task.
pub(crate) async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits, in a thread of its own.
pub(crate) fn block(duration: Duration) {
    std::thread::sleep(duration);
}

/// Waits until that point.
pub(crate) async fn sleep_until(time: Time) {
    sleep(time - now()).await;
}

/// Runs work for so long at most; `None` if it was not done by then.
pub(crate) async fn at_most<T>(duration: Duration, work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(duration, work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_of_time_has_its_date_before_now_and_after() {
        let minute = Duration::from_mins(1);
        let (before, now_date) = (date(), now());
        for (time, ahead) in
            [(now_date, 0), (now_date + minute, 60), (Time::from_millis(now_date.as_millis() - 60_000), -60)]
        {
            let expected = before + jiff::SignedDuration::from_secs(ahead);
            let off = wall(time).duration_since(expected).abs();
            assert!(off < jiff::SignedDuration::from_secs(30), "{ahead} s: {off:?}");
        }
    }
}
