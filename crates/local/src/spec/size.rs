//! Amounts of bytes as people write them: `64KiB`, `10MiB`.

/// What is right, for messages.
pub const UNITS: &str = "B, KiB, MiB or GiB";

const TABLE: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Why a text is no amount of bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// A number alone.
    #[error("the unit is missing")]
    NoUnit,
    /// Another unit.
    #[error("`{0}` is not a unit of size")]
    UnknownUnit(String),
    /// No whole number before the unit.
    #[error("this is not a size")]
    NoNumber,
    /// More than fits.
    #[error("this size is too large")]
    TooLarge,
}

/// Reads one.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (&text[..end], text[end..].trim());
    if number.is_empty() {
        return Err(SizeError::NoNumber);
    }
    let factor = match TABLE.iter().find(|(name, _)| *name == unit) {
        Some((_, factor)) => *factor,
        None if unit.is_empty() => return Err(SizeError::NoUnit),
        None => return Err(SizeError::UnknownUnit(unit.to_owned())),
    };
    let number: u64 = number.parse().map_err(|_| SizeError::TooLarge)?;
    number.checked_mul(factor).ok_or(SizeError::TooLarge)
}

/// Writes one in the largest unit in which it is whole.
pub fn format(bytes: u64) -> String {
    let (unit, factor) = TABLE
        .into_iter()
        .find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor))
        .unwrap_or(("B", 1));
    format!("{}{unit}", bytes / factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_understood() {
        assert_eq!(parse("512B"), Ok(512));
        assert_eq!(parse("64 KiB"), Ok(65536));
        assert_eq!(parse("10MiB"), Ok(10 << 20));
        assert_eq!(parse("1GiB"), Ok(1 << 30));
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        assert_eq!(parse("1024"), Err(SizeError::NoUnit));
        assert_eq!(parse("10MB"), Err(SizeError::UnknownUnit("MB".to_owned())));
        assert_eq!(parse("big"), Err(SizeError::NoNumber));
        assert_eq!(parse("99999999999GiB"), Err(SizeError::TooLarge));
    }

    #[test]
    fn what_was_written_is_read_back() {
        for bytes in [0, 1, 1000, 1024, 1536, 10 << 20, 5 << 30] {
            assert_eq!(parse(&format(bytes)), Ok(bytes), "{bytes}");
        }
    }

    #[test]
    fn a_size_is_written_in_the_largest_unit_in_which_it_is_whole() {
        let written = [0, 1536, 4096, 10 << 20, 5 << 30].map(format);
        assert_eq!(written, ["0B", "1536B", "4KiB", "10MiB", "5GiB"]);
    }
}
