//! Durations on the command line: the same words as in a spec.

use std::time::Duration;

use segue_supervisor::duration;

/// Reads `300ms`, `1.5s`, `5s`, `2m`, `1h`. For clap's `value_parser`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .map_err(|error| format!("{error}: write a number and a unit, as in 300ms, 5s, 2m or 1h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_understood() {
        assert_eq!(parse("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(parse("1h"), Ok(Duration::from_hours(1)));
    }

    #[test]
    fn anything_else_is_refused_with_what_would_be_right() {
        for text in ["", "5", "s", "-5s", "5sec", "1.2.3s", "99999999999999999999999h"] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("300ms, 5s, 2m"), "{error}");
        }
    }
}
