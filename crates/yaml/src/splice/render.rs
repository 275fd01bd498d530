//! Values written as YAML.

use serde_json::{Map, Value};

use super::style::Style;
use crate::read::is_text_to_all;
use crate::value::is_nested;

/// Keys that people look for first.
const FIRST_KEYS: &[&str] = &["apiVersion", "kind", "name", "image"];

/// A value on one line: a scalar, or a collection in flow style.
pub(super) fn flow(value: &Value, json: bool) -> String {
    if json {
        return in_json(value);
    }
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| flow(item, false)).collect::<Vec<_>>().join(", "))
        }
        Value::Object(object) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{}: {}", text(key, true, None), flow(value, false))
            };
            format!("{{{}}}", ordered(object).into_iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        scalar => inline(scalar, true, None),
    }
}

fn in_json(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(in_json).collect::<Vec<_>>().join(", ")),
        Value::Object(object) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::String(key.clone()), in_json(value))
            };
            format!("{{{}}}", ordered(object).into_iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// A scalar or an empty collection. A text is put in `quote` if one is given, and else only if it needs to be.
pub(super) fn inline(value: &Value, in_flow: bool, quote: Option<char>) -> String {
    match value {
        Value::String(string) => text(string, in_flow, quote),
        other => other.to_string(),
    }
}

/// A collection in block style; its first line without indentation, the others with `indent` and more.
pub(super) fn block(value: &Value, indent: usize, style: &Style) -> String {
    let separator = format!("{}{}", style.newline, " ".repeat(indent));
    match value {
        Value::Object(object) if !object.is_empty() => {
            let pair = |(key, value): (&String, &Value)| pair(key, value, indent, style);
            ordered(object).into_iter().map(pair).collect::<Vec<_>>().join(&separator)
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().map(|value| item(value, indent, style)).collect::<Vec<_>>().join(&separator)
        }
        other => inline(other, false, None),
    }
}

/// `key: value`, where the key stands in the column `indent`.
pub(super) fn pair(key: &str, value: &Value, indent: usize, style: &Style) -> String {
    let key = text(key, false, None);
    if is_nested(value) {
        format!("{key}:{}", below(value, indent, style))
    } else {
        format!("{key}: {}", inline(value, false, None))
    }
}

/// A collection under a key in the column `indent`: a line break, and its lines.
pub(super) fn below(value: &Value, indent: usize, style: &Style) -> String {
    let indent = indent + if value.is_array() { style.dash } else { style.step };
    format!("{}{}{}", style.newline, " ".repeat(indent), block(value, indent, style))
}

/// `- value`, where the dash stands in the column `indent`.
pub(super) fn item(value: &Value, indent: usize, style: &Style) -> String {
    format!("- {}", block(value, indent + 2, style))
}

/// A text, in quotes where any reader could take it for something else.
pub(super) fn text(string: &str, in_flow: bool, quote: Option<char>) -> String {
    let printable = |letter: char| {
        !letter.is_control()
            && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if quote == Some('"') || !string.chars().all(printable) {
        let escaped = |letter: char| match letter {
            '"' => String::from("\\\""),
            '\\' => String::from("\\\\"),
            '\n' => String::from("\\n"),
            '\t' => String::from("\\t"),
            letter if printable(letter) => letter.to_string(),
            letter => format!("\\u{:04X}", u32::from(letter)),
        };
        return format!("\"{}\"", string.chars().map(escaped).collect::<String>());
    }
    if quote.is_none() && is_text_to_all(string, in_flow) {
        return string.to_owned();
    }
    format!("'{}'", string.replace('\'', "''"))
}

fn ordered(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut pairs: Vec<_> = object.iter().collect();
    let rank = |key: &str| FIRST_KEYS.iter().position(|first| *first == key).unwrap_or(FIRST_KEYS.len());
    pairs.sort_by_key(|(key, _)| (rank(key), *key));
    pairs
}
