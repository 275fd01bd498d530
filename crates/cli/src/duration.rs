//! Durations as people write them on the command line: `300ms`, `5s`, `2m`, `1h`.

use std::time::Duration;

/// Reads `300ms`, `1.5s`, `5s`, `2m`, `1h`. For clap's `value_parser`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration: write a number and a unit, as in 300ms, 5s, 2m or 1h");
    let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds_per_unit = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(number * seconds_per_unit).map_err(|_| wrong())
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
        for text in ["", "5", "s", "5 s", "-5s", "5sec", "1.2.3s", "99999999999999999999999h"] {
            let error = parse(text).expect_err(text);
            assert!(error.contains("300ms, 5s, 2m"), "{error}");
        }
    }
}
