//! What a plain scalar is. Kubernetes reads manifests by `sigs.k8s.io/yaml`, whose resolver follows YAML 1.1: `yes`, `on`
//! and `y` are booleans, `0777` is octal, `1_000` is a number. Times and base-60 numbers stay texts there.

use serde_json::{Number, Value};

/// A plain scalar as Kubernetes' reader sees it. Infinities and what is no number stay texts: JSON has none.
pub(crate) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return Value::String(text.to_owned());
    }
    number(&text.replace('_', "")).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn number(text: &str) -> Option<Number> {
    whole(text).or_else(|| {
        if !is_decimal(text) {
            return None;
        }
        let float: f64 = text.parse().ok()?;
        // Kubernetes' JSON writes whole floats without a point, so `5.0` and `5` are one value.
        #[expect(clippy::cast_possible_truncation, reason = "whole and small: nothing is lost")]
        if float.fract() == 0.0 && float.abs() < 9e15 {
            return Some(Number::from(float as i64));
        }
        Number::from_f64(float)
    })
}

/// A whole number: decimal, `0x`, `0o`, `0b`, or octal by a leading 0.
fn whole(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(_) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    // A second sign would be read by the number parser.
    if !digits.starts_with(|first: char| first.is_ascii_hexdigit()) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative { 0i64.checked_sub_unsigned(value).map(Number::from) } else { Some(Number::from(value)) }
}

/// Digits with at most one point and an exponent.
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |part: &str| part.chars().all(|digit| digit.is_ascii_digit());
    let good_mantissa = match mantissa.split_once('.') {
        Some((before, after)) => digits(before) && digits(after) && !(before.is_empty() && after.is_empty()),
        None => digits(mantissa) && !mantissa.is_empty(),
    };
    let good_exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    good_mantissa && good_exponent
}

/// Whether every reader, of YAML 1.1 or 1.2, takes this plain scalar for a text. Strict rather than clever: what it
/// refuses is quoted.
pub(crate) fn is_text_to_all(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let quantity = first.is_ascii_digit() && {
        let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
        matches!(unit, "ms" | "s" | "m" | "h" | "Ki" | "Mi" | "Gi" | "%")
    };
    let good_start = first.is_ascii_alphabetic() || matches!(first, '/' | '_') || quantity;
    let good_letters = text.char_indices().all(|(at, letter)| match letter {
        ':' => !flow && text[at + 1..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '/'),
        ' ' => !text[at + 1..].starts_with([' ', '#']) && at + 1 < text.len(),
        _ => {
            letter.is_ascii_alphanumeric() || matches!(letter, '/' | '.' | '_' | '-' | '+' | '@' | '=' | '%')
        }
    });
    good_start && good_letters && resolve(text).is_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_scalars_read_as_they_do_in_kubernetes() {
        for (text, value) in [
            ("yes", json!(true)),
            ("off", json!(false)),
            ("y", json!(true)),
            ("~", json!(null)),
            ("0777", json!(511)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("+0x10", json!(16)),
            ("-0x10", json!(-16)),
            ("0800", json!(800)),
            ("1_000", json!(1000)),
            ("+5", json!(5)),
            ("5.0", json!(5)),
            ("1e3", json!(1000)),
            (".5", json!(0.5)),
            ("18446744073709551615", json!(u64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("12:30", json!("12:30")),
            ("2026-01-01", json!("2026-01-01")),
            ("25%", json!("25%")),
            ("0x", json!("0x")),
            ("-", json!("-")),
            ("+-5", json!("+-5")),
            (".", json!(".")),
            ("1.2.3", json!("1.2.3")),
            (".inf", json!(".inf")),
            ("yEs", json!("yEs")),
            ("8080x", json!("8080x")),
        ] {
            assert_eq!(resolve(text), value, "{text}");
        }
    }

    #[test]
    fn only_what_no_reader_takes_for_another_type_is_left_plain() {
        for text in
            ["segue-agent:dev", "/segue/segue-agent", "30s", "16Mi", "25%", "a b", "Always", "http://x/y"]
        {
            assert!(is_text_to_all(text, false), "{text}");
        }
        for text in [
            "",
            "yes",
            "No",
            "y",
            "null",
            "~",
            "0123",
            "1e3",
            "12:30",
            "1.5",
            "8080",
            ".5",
            "-",
            "- a",
            "a: b",
            "a:",
            "a #b",
            "a ",
            " a",
            "=",
            "<<",
            "{a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "a\nb",
            "it's",
            "2026-01-01",
            "0x1",
        ] {
            assert!(!is_text_to_all(text, false), "{text}");
        }
        assert!(!is_text_to_all("a:b", true), "in a flow collection a colon may end a key");
    }
}
