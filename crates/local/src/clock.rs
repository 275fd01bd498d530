//! The clocks of this crate: everything else takes time as an argument.

#![allow(clippy::disallowed_methods, reason = "this is the clock module that the others are to use")]

use segue_core::time::Time;
pub use segue_supervisor::clock::{boottime_ms, sleep};

/// The time since the machine booted, as the rules take it.
pub fn now() -> Time {
    Time::from_millis(boottime_ms())
}

/// The date and time, for people.
pub fn wall() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

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
