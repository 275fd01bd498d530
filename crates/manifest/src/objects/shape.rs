//! Reads parts of an object in shapes of ours. What has another shape is told in plain words: where, what stands there, and what
//! would be right.

use std::fmt;

use segue_yaml::Pointer;
use serde::Deserialize;
use serde_json::Value;

use super::values::value_at;

/// So many characters of a text are shown.
const SHOWN: usize = 40;

/// A part of an object that is not of the shape that Kubernetes gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError {
    /// Which part, from the object's root.
    pub at: Pointer,
    /// What is wrong with it.
    pub what: String,
    /// What would be right.
    pub right: String,
}

impl ShapeError {
    /// This value stands there, and that would be right.
    pub(super) fn of(at: Pointer, value: &Value, right: &str) -> Self {
        Self::new(at, format_args!("is {}", shown(value)), format!("write {right}"))
    }

    fn new(at: Pointer, found: impl fmt::Display, right: String) -> Self {
        let what = format!("{at} is not as Kubernetes reads it: it {found}");
        Self { at, what, right }
    }
}

/// A value in a shape of ours; an error names the part that has another.
pub(super) fn shaped<T: for<'a> Deserialize<'a>>(value: &Value, below: &Pointer) -> Result<T, ShapeError> {
    use serde_path_to_error::Segment;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let steps = error.path().iter().fold(Pointer::root(), |at, segment| match segment {
            Segment::Seq { index } => at.then(*index),
            Segment::Map { key } => at.then(key.as_str()),
            Segment::Enum { .. } | Segment::Unknown => at,
        });
        let at = Pointer(below.0.iter().chain(&steps.0).cloned().collect());
        let message = error.inner().to_string();
        if let Some(field) = message.strip_prefix("missing field ") {
            let field = field.trim_matches('`');
            return ShapeError::new(at, format_args!("has no {field}"), format!("write its {field} too"));
        }
        let found = value_at(value, &steps).unwrap_or(&Value::Null);
        ShapeError::of(at, found, right(&message))
    })
}

/// What would be right, by what the reader expected. Readers of ours with words of their own are taken by these.
fn right(message: &str) -> &str {
    let expected = message.rsplit_once(", expected ").map_or(message, |(_, expected)| expected);
    match expected {
        // Every number of 16 bits is a port's.
        "u16" => "a port's number, from 1 to 65535",
        "u64" => "a whole number from 0 on, without quotes",
        "a boolean" => "true or false, without quotes",
        "a string" => "a text; one that looks like a number, a date or yes and no needs quotes",
        "a sequence" => "a list",
        "a map" => "a mapping of keys to values",
        words if words.starts_with("struct ") => "a mapping of keys to values",
        words => words,
    }
}

/// A value in a few words.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        Value::String(text) => {
            let begin: String = text.chars().take(SHOWN).collect();
            let more = if begin.len() < text.len() { "…" } else { "" };
            format!("the text \"{}{more}\"", begin.escape_debug())
        }
    }
}
