//! Quantities of CPU and memory, such as `500m`, `1`, `1.5Gi` or `1e3`.

use std::fmt;

use serde_json::Value;

/// A quantity, in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(pub u128);

const KIBI: u128 = 1024;

impl Quantity {
    /// Thousandths of a CPU.
    pub const fn millis(millis: u64) -> Self {
        Self(millis as u128)
    }

    /// So many KiB.
    pub const fn kibibytes(kibibytes: u64) -> Self {
        Self(kibibytes as u128 * 1024 * 1000)
    }

    /// Reads one, rounded up to thousandths; `None` if it is none.
    pub fn of(value: &Value) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let number: f64 = number.parse().ok()?;
        let power = |base: f64, exponent: i32| base.powi(exponent);
        let factor = match unit {
            "n" => 1e-9,
            "u" => 1e-6,
            "m" => 1e-3,
            "" => 1.0,
            "k" => 1e3,
            "M" => 1e6,
            "G" => 1e9,
            "T" => 1e12,
            "P" => 1e15,
            "E" => 1e18,
            "Ki" => 1024.0,
            "Mi" => power(1024.0, 2),
            "Gi" => power(1024.0, 3),
            "Ti" => power(1024.0, 4),
            "Pi" => power(1024.0, 5),
            "Ei" => power(1024.0, 6),
            exponent => power(10.0, exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
        };
        let thousandths = (number * factor * 1e3).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
        (0.0..1e30).contains(&thousandths).then_some(Self(thousandths as u128))
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: u128) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// As a user would write it: the largest unit that has no fraction.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_multiple_of(1000) {
            return write!(f, "{}m", self.0);
        }
        let whole = self.0 / 1000;
        let units = [("Gi", KIBI.pow(3)), ("Mi", KIBI.pow(2)), ("Ki", KIBI)];
        match units.iter().find(|(_, size)| whole > 0 && whole.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}", whole / size),
            None => write!(f, "{whole}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_read_in_every_unit() {
        for (value, thousandths) in [
            (json!("500m"), 500),
            (json!(1), 1000),
            (json!(0.5), 500),
            (json!("1.5"), 1500),
            (json!("100u"), 1),
            (json!("1n"), 1),
            (json!("2k"), 2_000_000),
            (json!("1e3"), 1_000_000),
            (json!("1E"), 10_u128.pow(21)),
            (json!("1Ki"), 1_024_000),
            (json!("42Mi"), 42 * 1024 * 1024 * 1000),
            (json!("1Ei"), 1024_u128.pow(6) * 1000),
        ] {
            assert_eq!(Quantity::of(&value), Some(Quantity(thousandths)), "{value}");
        }
        for none in [json!("x"), json!("1Q"), json!(null), json!("-1"), json!("1e99")] {
            assert_eq!(Quantity::of(&none), None, "{none}");
        }
    }

    #[test]
    fn a_quantity_reads_as_a_user_would_write_it() {
        for text in ["50m", "1", "1500m", "42Mi", "1Gi", "1536Ki", "1000", "0"] {
            assert_eq!(Quantity::of(&json!(text)).unwrap().to_string(), text);
        }
    }
}
