//! What scalars and keys say.

use saphyr_parser::{Event, Parser};
use serde_json::Value;

use super::resolve::resolve;

/// How a key reads: `sigs.k8s.io/yaml` makes texts of numbers and booleans too, and refuses the others.
pub(super) fn key_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// How a scalar reads.
pub(super) fn value(text: &str, plain: bool, tag: Option<&str>) -> Value {
    match (tag, plain) {
        (None, true) | (Some("int" | "float" | "bool" | "null"), _) => resolve(text),
        _ => Value::String(text.to_owned()),
    }
}

/// What a quoted scalar says, read alone: nothing indents it then, and pairs of escapes are JSON's. Else why it can't be read.
pub(super) fn quoted(own: &str) -> Result<String, String> {
    if let Ok(text) = serde_json::from_str(own) {
        return Ok(text);
    }
    for parsed in Parser::new_from_str(own) {
        if let Event::Scalar(value, ..) = parsed.map_err(|error| error.info().to_owned())?.0 {
            return Ok(value.into_owned());
        }
    }
    Err("a quote is opened and never closed".to_owned())
}

/// What a plain scalar says: a line's end in it is a space, and an empty line a line's end.
pub(super) fn plain(own: &str) -> String {
    let mut text = String::with_capacity(own.len());
    let mut empty = 0;
    for line in own.lines().map(|line| line.trim_matches([' ', '\t'])) {
        match line {
            "" => empty += 1,
            line => {
                text.push_str(if empty > 0 || text.is_empty() { "" } else { " " });
                text.push_str(&"\n".repeat(empty));
                text.push_str(line);
                empty = 0;
            }
        }
    }
    text
}
