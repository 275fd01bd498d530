//! The one place where this crate reads a clock or sleeps: everything else takes time as an argument.

#![allow(clippy::disallowed_methods, reason = "this is the clock module that the others are to use")]

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since the machine booted, sleep included: comparable between processes and over their restarts.
pub fn boottime_ms() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let milliseconds = i128::from(time.tv_sec) * 1000 + i128::from(time.tv_nsec) / 1_000_000;
    u64::try_from(milliseconds).unwrap_or(0)
}

/// Waits without holding a thread; a paused tokio clock moves it.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Waits and holds the thread: for code that runs without a runtime.
pub fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_time_goes_forward() {
        let before = boottime_ms();
        pause(Duration::from_millis(2));
        assert!(before > 0);
        assert!(boottime_ms() > before);
    }

    #[test]
    fn boot_time_is_the_machines() {
        let boot = || {
            let time = clock_gettime(ClockId::Boottime);
            let (seconds, nanos) = (time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap());
            u64::try_from(Duration::new(seconds, nanos).as_millis()).unwrap()
        };
        let before = boot();
        let looked = boottime_ms();
        let after = boot();
        assert!((before..=after).contains(&looked), "{before} {looked} {after}");
    }

    #[tokio::test]
    async fn a_sleep_is_as_long_as_it_is_asked_to_be() {
        let before = boottime_ms();
        sleep(Duration::from_millis(20)).await;
        assert!(boottime_ms() - before >= 20);
    }
}
