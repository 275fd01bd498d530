//! Short digests by which it is seen whether something is still what was written. They guard against changes by people, not
//! against forgers.

use serde_json::Value;

/// FNV-1a of a text, as hexadecimal digits.
pub(super) fn text(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// Of a value, whatever the order of its keys.
pub(super) fn value(value: &Value) -> String {
    let mut canonical = String::new();
    write(value, &mut canonical);
    text(&canonical)
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(object) => {
            let mut pairs: Vec<_> = object.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in pairs {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
                out.push(',');
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_digest_is_the_same_for_ever_and_differs_by_type() {
        assert_eq!(text(""), "cbf29ce484222325");
        assert_eq!(text("a"), "af63dc4c8601ec8c");
        assert_ne!(value(&json!({"a": 1})), value(&json!({"a": "1"})));
        assert_ne!(value(&json!([[1], 2])), value(&json!([[1, 2]])));
    }
}
