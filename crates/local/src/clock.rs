//! The clocks of this crate: everything else takes time as an argument.

#![allow(clippy::disallowed_methods, reason = "this is the clock module that the others are to use")]

use jiff::{SignedDuration, Timestamp};
use segue_core::time::Time;
pub use segue_supervisor::clock::{boottime_ms, sleep};

/// The time since the machine booted, as the rules take it.
pub fn now() -> Time {
    Time::from_millis(boottime_ms())
}

/// The date and time, for people.
pub fn wall() -> Timestamp {
    Timestamp::now()
}

/// A point on the rules' clock on people's clock, as far apart from now.
pub fn wall_at(time: Time, now: Time) -> Timestamp {
    let ago = SignedDuration::try_from(now.since(time)).unwrap_or_default();
    let ahead = SignedDuration::try_from(time.since(now)).unwrap_or_default();
    let at = wall();
    at.checked_sub(ago).and_then(|at| at.checked_add(ahead)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_as_far_from_now_on_peoples_clock() {
        let at = |second: u64| Time::from_millis(second * 1000);
        let day = 86_400;
        let hour = SignedDuration::from_hours(1);
        for (time, ago) in [(day - 3600, hour), (day, SignedDuration::ZERO), (day + 3600, -hour)] {
            let before = wall();
            let told = wall_at(at(time), at(day));
            assert!(told >= before - ago && told <= wall() - ago, "{told}");
        }
    }

    #[test]
    fn each_clock_is_the_machines() {
        let before = boottime_ms();
        let looked = now().as_millis();
        let after = boottime_ms();
        assert!((before..=after).contains(&looked), "{before} {looked} {after}");
        let before = std::time::SystemTime::now();
        let wall = std::time::SystemTime::from(wall());
        assert!(before <= wall && wall <= std::time::SystemTime::now());
    }
}
