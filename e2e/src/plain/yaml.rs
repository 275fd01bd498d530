//! Objects as the YAML that people write: blocks, one document after the other.

use std::fmt::Write;

use serde_json::Value;

/// One document per object.
pub(crate) fn documents(objects: &[Value]) -> String {
    let mut text = String::new();
    for object in objects {
        text += "---";
        write(&mut text, object, 0);
        text += "\n";
    }
    text
}

fn write(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                // Writing to a string does not fail.
                let _ = write!(out, "\n{indent}{}:", scalar(&Value::String(key.clone())));
                write(out, value, depth + 1);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for item in list {
                let _ = write!(out, "\n{indent}-");
                write(out, item, depth + 1);
            }
        }
        other => {
            let _ = write!(out, " {}", scalar(other));
        }
    }
}

/// Words are plain, everything else is as JSON has it, which YAML reads too.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    let reserved = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(word)
        && !reserved.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn objects_become_blocks_and_doubtful_words_are_quoted() {
        let text = documents(&[json!({"a": {"b": [1, {"c": "x"}], "e": []}, "on": "0.0.0.0"})]);
        assert_eq!(text, "---\na:\n  b:\n    - 1\n    -\n      c: x\n  e: []\n\"on\": \"0.0.0.0\"\n");
    }
}
