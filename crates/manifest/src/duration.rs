//! How durations are written for people.

use std::time::Duration;

/// As a user would write it: `300ms`, `1.5s`, `62s`.
pub(crate) fn words(duration: Duration) -> String {
    let millis = duration.as_millis();
    match (millis / 1000, millis % 1000) {
        (0, 0) => "0s".to_owned(),
        (seconds, 0) => format!("{seconds}s"),
        (0, millis) => format!("{millis}ms"),
        (seconds, millis) => format!("{seconds}.{}s", format!("{millis:03}").trim_end_matches('0')),
    }
}

/// In whole seconds, as Kubernetes' fields are; rounded up.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_reads_as_a_user_would_write_it() {
        let written = [0, 300, 1500, 1050, 62_000].map(|millis| words(Duration::from_millis(millis)));
        assert_eq!(written, ["0s", "300ms", "1.5s", "1.05s", "62s"]);
    }

    #[test]
    fn seconds_are_rounded_up() {
        assert_eq!([0, 1, 1000, 1001].map(|millis| seconds(Duration::from_millis(millis))), [0, 1, 1, 2]);
    }
}
