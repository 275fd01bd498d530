//! Durations as people write them: `300ms`, `5s`, `2m`, `1h`. For serde: `#[serde(with = "duration")]`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de};

/// What is right, for messages.
pub const UNITS: &str = "ms, s, m or h";

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number alone.
    #[error("the unit is missing")]
    NoUnit,
    /// Another unit.
    #[error("`{0}` is not a unit of time")]
    UnknownUnit(String),
    /// No number before the unit.
    #[error("this is not a duration")]
    NoNumber,
    /// More than fits.
    #[error("this duration is too long")]
    TooLong,
}

/// Reads one.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || fraction.contains('.') || (number.contains('.') && fraction.is_empty()) {
        return Err(DurationError::NoNumber);
    }
    let nanoseconds: u64 = match unit.trim() {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60 * 1_000_000_000,
        "h" => 3600 * 1_000_000_000,
        "" if number == "0" => 0,
        "" => return Err(DurationError::NoUnit),
        other => return Err(DurationError::UnknownUnit(other.to_owned())),
    };
    let whole: u64 = whole.parse().map_err(|_| DurationError::TooLong)?;
    let mut total = whole.checked_mul(nanoseconds).ok_or(DurationError::TooLong)?;
    let mut part = nanoseconds;
    for digit in fraction.bytes() {
        part /= 10;
        total = total.checked_add(part * u64::from(digit - b'0')).ok_or(DurationError::TooLong)?;
    }
    Ok(Duration::from_nanos(total))
}

/// Writes one, in the largest unit in which it is whole, so that [`parse`] reads the same back (to the millisecond).
pub fn format(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        0 => "0s".to_owned(),
        _ if milliseconds.is_multiple_of(3_600_000) => format!("{}h", milliseconds / 3_600_000),
        _ if milliseconds.is_multiple_of(60_000) => format!("{}m", milliseconds / 60_000),
        _ if milliseconds.is_multiple_of(1000) => format!("{}s", milliseconds / 1000),
        _ => format!("{milliseconds}ms"),
    }
}

/// For serde.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For serde.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

/// The same for durations that may be missing.
pub mod optional {
    use super::{Deserialize, Deserializer, Duration, Serializer, de, format, parse};

    /// For serde.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => serializer.serialize_some(&format(*duration)),
            None => serializer.serialize_none(),
        }
    }

    /// For serde.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse(&text).map_err(de::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    #[test]
    fn each_unit_is_understood() {
        assert_eq!(parse("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse("5 s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(parse("0.5h"), Ok(Duration::from_mins(30)));
        assert_eq!(parse("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        assert_eq!(parse("30"), Err(DurationError::NoUnit));
        assert_eq!(parse("5sec"), Err(DurationError::UnknownUnit("sec".to_owned())));
        for text in ["", "s", "-5s", "fast", "1.s", ".5s", "1.2.3s"] {
            assert_eq!(parse(text), Err(DurationError::NoNumber), "{text}");
        }
        assert_eq!(parse("99999999999999999999999h"), Err(DurationError::TooLong));
        assert_eq!(parse("18446744073h"), Err(DurationError::TooLong));
    }

    #[test]
    fn one_that_may_be_missing_is_read_as_it_was_written() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Maybe(#[serde(with = "optional")] Option<Duration>);

        for (duration, text) in [(None, "null"), (Some(Duration::from_millis(1500)), r#""1500ms""#)] {
            assert_eq!(serde_json::to_string(&Maybe(duration)).unwrap(), text);
            assert_eq!(serde_json::from_str::<Maybe>(text).unwrap(), Maybe(duration));
        }
        assert!(serde_json::from_str::<Maybe>(r#""soon""#).is_err());
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(milliseconds in 0u64..100_000_000_000) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = parse(&text);
        }
    }

    #[test]
    fn a_duration_is_written_in_the_largest_unit_in_which_it_is_whole() {
        let written =
            [0, 1, 1500, 90_000, 120_000, 5_400_000, 7_200_000].map(Duration::from_millis).map(format);
        assert_eq!(written, ["0s", "1ms", "1500ms", "90s", "2m", "90m", "2h"]);
    }
}
