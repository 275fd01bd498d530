//! Writes values as YAML in many styles. It shares no code with what is tested.

use serde_json::Value;

/// A style, and the choices that are left open by it.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    /// Indentation of mappings in mappings.
    pub(super) step: usize,
    /// Indentation of dashes under their key.
    pub(super) dash: usize,
    /// Whether lines end with CRLF.
    pub(super) crlf: bool,
    /// Each choice takes the next number; they come again from the beginning.
    pub(super) choices: Vec<u8>,
    pub(super) next: usize,
}

impl Writer {
    fn one_in(&mut self, count: u8) -> bool {
        self.choose(count) == 0
    }

    fn choose(&mut self, count: u8) -> u8 {
        if self.choices.is_empty() {
            return count - 1;
        }
        self.next += 1;
        self.choices[self.next % self.choices.len()] % count
    }

    /// A document without `---`, ending with a line break.
    pub(super) fn document(&mut self, value: &Value) -> String {
        let mut out = String::new();
        if self.one_in(3) {
            out.push_str("# about this document: [it, is] {good}\n");
        }
        self.block(value, 0, &mut out);
        if self.one_in(4) {
            out.push_str("# the end\n");
        }
        if self.crlf { out.replace('\n', "\r\n") } else { out }
    }

    /// The lines of a collection; the first line's indentation is there already.
    fn block(&mut self, value: &Value, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match value {
            Value::Object(object) if !object.is_empty() => {
                for (index, (key, value)) in object.iter().enumerate() {
                    if index > 0 {
                        self.gap(&pad, out);
                        out.push_str(&pad);
                    }
                    out.push_str(&self.key(key));
                    out.push(':');
                    let dash = if value.is_array() { self.dash } else { self.step };
                    self.value(value, indent + dash, out);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.gap(&pad, out);
                        out.push_str(&pad);
                    }
                    out.push('-');
                    if is_nested(item) && !self.one_in(5) {
                        out.push(' ');
                        self.block(item, indent + 2, out);
                    } else {
                        self.value(item, indent + 2, out);
                    }
                }
            }
            scalar => {
                let text = self.scalar(scalar, false);
                out.push_str(&text);
                out.push('\n');
            }
        }
    }

    fn gap(&mut self, pad: &str, out: &mut String) {
        match self.choose(9) {
            // Behind a text that keeps its last lines it would be one of them.
            0 if !out.ends_with("\n\n") => out.push('\n'),
            1 => out.extend([pad, "# - a: comment, of 'its own\n"]),
            2 => out.push_str("# far left\n"),
            _ => {}
        }
    }

    /// Behind a colon or a dash, to the end of the line or of the lines.
    fn value(&mut self, value: &Value, indent: usize, out: &mut String) {
        if is_nested(value) && !self.one_in(6) {
            self.end_of_line(out);
            let pad = " ".repeat(indent);
            self.gap(&pad, out);
            out.push_str(&pad);
            self.block(value, indent, out);
            return;
        }
        if let Value::String(text) = value
            && text.contains('\n')
            && !text.starts_with(['\n', ' '])
            && !text.contains("\n ")
            && self.one_in(2)
        {
            let kept = text.trim_end_matches('\n');
            let indicator = match text.len() - kept.len() {
                0 => "|-",
                1 => "|",
                _ => "|+",
            };
            out.push(' ');
            out.push_str(indicator);
            self.end_of_line(out);
            let body = text.strip_suffix('\n').unwrap_or(text);
            for line in body.split('\n') {
                if !line.is_empty() {
                    out.push_str(&" ".repeat(indent.max(1)));
                    out.push_str(line);
                }
                out.push('\n');
            }
            return;
        }
        if !(value.is_null() && self.one_in(2)) {
            out.push(' ');
            let text = if is_nested(value) { self.flow(value) } else { self.scalar(value, false) };
            out.push_str(&text);
        }
        self.end_of_line(out);
    }

    fn end_of_line(&mut self, out: &mut String) {
        out.push_str(match self.choose(8) {
            0 => " # said: \"so\"\n",
            1 => "\t# behind a tab\n",
            2 => "  \n",
            _ => "\n",
        });
    }

    fn flow(&mut self, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(object) => {
                let pairs: Vec<_> = object
                    .iter()
                    .map(|(key, value)| format!("{}: {}", self.key(key), self.flow(value)))
                    .collect();
                if self.one_in(2) {
                    format!("{{{}}}", pairs.join(","))
                } else {
                    format!("{{ {} }}", pairs.join(" , "))
                }
            }
            scalar => self.scalar(scalar, true),
        }
    }

    fn key(&mut self, key: &str) -> String {
        let simple = key.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && key.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-/".contains(letter))
            && !["y", "n", "on", "off", "yes", "no", "null", "true", "false"]
                .contains(&key.to_lowercase().as_str());
        if simple && !self.one_in(8) { key.to_owned() } else { Value::from(key).to_string() }
    }

    fn scalar(&mut self, value: &Value, _in_flow: bool) -> String {
        match value {
            Value::Null => String::from(if self.one_in(2) { "~" } else { "null" }),
            Value::String(text) => {
                let simple = text.starts_with(|letter: char| "bcdghijk".contains(letter))
                    && text.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
                if simple && !self.one_in(3) {
                    text.clone()
                } else if text.chars().all(|letter| !letter.is_control()) && self.one_in(2) {
                    format!("'{}'", text.replace('\'', "''"))
                } else {
                    value.to_string()
                }
            }
            other => other.to_string(),
        }
    }
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(object) => !object.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}
