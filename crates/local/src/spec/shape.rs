//! Holds the tree to the schema: unknown, missing and misplaced keys, and values of the wrong kind, all of them at once.

use std::sync::Arc;

use segue_yaml::{Diagnostic, Diagnostics, SourceFile};
use serde_json::Value;

use super::schema;
use super::suggest::nearest;
use super::tree::{Kind, Node};

/// What is wrong with the shape of the whole file.
pub(super) fn check(file: &Arc<SourceFile>, root: &Node) -> Diagnostics {
    let mut checker = Checker { file, found: Diagnostics::default() };
    checker.node(root, schema::root(), "");
    checker.found.sorted()
}

struct Checker<'a> {
    file: &'a Arc<SourceFile>,
    found: Diagnostics,
}

impl Checker<'_> {
    fn node(&mut self, node: &Node, schema: &Value, path: &str) {
        if !admits(schema, &node.kind) {
            self.wrong_kind(node, schema, path);
            return;
        }
        match &node.kind {
            Kind::Number if types(schema).contains(&"integer") => self.whole_number(node, path),
            Kind::List(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (number, item) in items.iter().enumerate() {
                    self.node(item, schema, &format!("{path}[{number}]"));
                }
            }
            Kind::Map(entries) => {
                for (key, value) in entries {
                    let below =
                        if path.is_empty() { key.value.clone() } else { format!("{path}.{}", key.value) };
                    let any = schema.get("additionalProperties").filter(|any| any.is_object());
                    match schema::property(schema, &key.value).or(any) {
                        Some(schema) => self.node(value, schema, &below),
                        None => self.unknown_key(&key.value, key.span.clone(), schema, path),
                    }
                }
                let has = |name: &str| entries.iter().any(|(key, _)| key.value == name);
                for name in required(schema).filter(|name| !has(name)) {
                    self.missing_key(node, name, schema, path);
                }
            }
            _ => {}
        }
    }

    fn whole_number(&mut self, node: &Node, path: &str) {
        let text = self.file.text.get(node.span.clone()).unwrap_or_default();
        if text.parse::<u32>().is_err() {
            let message = format!("`{path}` must be a whole number that is not negative, not {text}");
            self.found.push(Diagnostic::error(message).at(self.file, node.span.clone()));
        }
    }

    fn wrong_kind(&mut self, node: &Node, schema: &Value, path: &str) {
        let (expected, found) = (expected(schema), node.kind.describe());
        let message = match (path, &node.kind) {
            ("", Kind::Null) => "the file is empty".to_owned(),
            ("", _) => format!("the file must hold {expected}, not {found}"),
            _ => format!("`{path}` must be {expected}, not {found}"),
        };
        let mut diagnostic = Diagnostic::error(message).at(self.file, node.span.clone());
        if path.is_empty() {
            let keys: Vec<String> = required(schema).map(|name| format!("`{name}`")).collect();
            diagnostic =
                diagnostic.help(format!("a map of keys and values, at the least {}", keys.join(" and ")));
        } else if let Some(example) =
            schema.get("examples").and_then(|examples| examples.get(0)).or(schema.get("default"))
        {
            let key = path.rsplit('.').next().unwrap_or(path);
            diagnostic = diagnostic.help(format!("for example `{key}: {}`", in_yaml(example)));
        }
        self.found.push(diagnostic);
    }

    fn unknown_key(&mut self, key: &str, span: std::ops::Range<usize>, schema: &Value, path: &str) {
        let of = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        let diagnostic = Diagnostic::error(format!("unknown key `{key}`{of}")).at(self.file, span);
        let known = || {
            schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(key, _)| key.as_str())
        };
        self.found.push(if let Some(meant) = nearest(key, known()) {
            diagnostic.help(format!("did you mean `{meant}`?"))
        } else if let Some(home) = home_of(key, schema::root(), "") {
            diagnostic.help(format!("did you mean `{home}`?"))
        } else {
            let list: Vec<String> = known().map(|key| format!("`{key}`")).collect();
            diagnostic.help(format!("known keys{of}: {}", list.join(", ")))
        });
    }

    fn missing_key(&mut self, node: &Node, name: &str, schema: &Value, path: &str) {
        let of = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        let mut diagnostic =
            Diagnostic::error(format!("`{name}` is missing{of}")).at(self.file, first_line(self.file, node));
        let property = schema::property(schema, name);
        if let Some(example) = property.and_then(|property| property.get("examples")?.get(0)) {
            diagnostic = diagnostic.help(format!("for example `{name}: {}`", in_yaml(example)));
        }
        self.found.push(diagnostic);
    }
}

/// A key that exists, but elsewhere.
fn home_of(key: &str, schema: &Value, path: &str) -> Option<String> {
    for (name, below) in schema.get("properties")?.as_object()? {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if name == key {
            return Some(path);
        }
        if let Some(found) = home_of(key, below, &path) {
            return Some(found);
        }
    }
    None
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// Texts take any single value, since what it is written like does not matter where a text is wanted: `1.10` is a version.
fn admits(schema: &Value, kind: &Kind) -> bool {
    let types = types(schema);
    let any = |wanted: &[&str]| wanted.iter().any(|wanted| types.contains(wanted));
    match kind {
        Kind::Null => any(&["null"]),
        Kind::Bool => any(&["boolean", "string"]),
        Kind::Number => any(&["integer", "number", "string"]),
        Kind::Text => any(&["string"]),
        Kind::List(_) => any(&["array"]),
        Kind::Map(_) => any(&["object"]),
    }
}

fn expected(schema: &Value) -> &'static str {
    let types = types(schema);
    let is = |name: &str| types.contains(&name);
    if is("array") {
        "a list"
    } else if is("object") {
        "a map of keys and values"
    } else if is("string") {
        "a text"
    } else if is("integer") {
        "a whole number"
    } else {
        "true or false"
    }
}

/// A node's first line, without what stands before and after it.
fn first_line(file: &SourceFile, node: &Node) -> std::ops::Range<usize> {
    let start = node.span.start.min(file.text.len());
    let line = file.text[start..].lines().next().unwrap_or_default();
    start..start + line.trim_end().len().max(1)
}

/// On one line, with quotes only where they are needed.
fn in_yaml(example: &Value) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./$_-:".contains(c);
    match example {
        Value::String(text) if text.chars().all(plain) && !text.starts_with([':', '-']) => text.clone(),
        Value::String(text) if text.starts_with("--") && text.chars().all(plain) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(in_yaml).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{key}: {}", in_yaml(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_written_with_quotes_where_it_needs_them() {
        let written = |example: Value| in_yaml(&example);
        for plain in ["a", "./server", "$PORT", "127.0.0.1:8080", "--port", "www-data", "10MiB"] {
            assert_eq!(written(plain.into()), plain);
        }
        for quoted in [":8080", "-", "-p", "two words", "--two words", "a#b"] {
            assert_eq!(written(quoted.into()), format!("\"{quoted}\""));
        }
        let map = serde_json::json!({ "list": ["a", 5, true] });
        assert_eq!(written(map), "{list: [a, 5, true]}");
    }
}
