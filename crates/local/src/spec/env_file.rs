//! The env file: `NAME=value` lines, as systemd and Docker read them.
//!
//! Empty lines and those that begin with `#` are left out, `export ` before a name too. A value in double quotes knows
//! `\n`, `\t`, `\"`, `\\` and `\$`; in single quotes it is as it stands; without quotes it goes to the line's end, or to a
//! ` #`. Nothing is replaced in it. No value can hold a zero byte: the system ends a variable there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use segue_yaml::{Diagnostic, Diagnostics, SourceFile};

/// All variables, or all that is wrong.
pub(super) fn parse(file: &Arc<SourceFile>) -> Result<BTreeMap<String, String>, Diagnostics> {
    let mut variables = BTreeMap::new();
    let mut found = Diagnostics::default();
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        match parse_line(line) {
            Ok(Some((name, value))) => drop(variables.insert(name, value)),
            Ok(None) => {}
            Err(wrong) => {
                let span = start + wrong.span.start..start + wrong.span.end;
                found.push(Diagnostic::error(wrong.message).at(file, span).help(wrong.help));
            }
        }
        start += line.len();
    }
    if found.is_empty() { Ok(variables) } else { Err(found) }
}

struct Wrong {
    message: String,
    span: Range<usize>,
    help: &'static str,
}

fn parse_line(line: &str) -> Result<Option<(String, String)>, Wrong> {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let text = text.strip_prefix("export ").unwrap_or(text).trim_start();
    let begin = offset(line, text);
    let Some((name, value)) = text.split_once('=') else {
        return Err(Wrong {
            message: "there is no `=` in this line".to_owned(),
            span: begin..begin + text.len(),
            help: "write NAME=value, or # before a comment",
        });
    };
    let name = name.trim_end();
    if !is_name(name) {
        return Err(Wrong {
            message: format!("`{name}` is not the name of a variable"),
            span: begin..begin + name.len(),
            help: "a name has letters, digits and _, and does not begin with a digit",
        });
    }
    let value = value.trim();
    if let Some(zero) = value.find('\0') {
        let at = offset(line, value) + zero;
        return Err(Wrong {
            message: format!("the value of `{name}` holds a zero byte, which no variable can"),
            span: at..at,
            help: "leave it out",
        });
    }
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(value, quote).map_err(|message| {
            let at = offset(line, value);
            Wrong { message, span: at..at + value.len(), help: "only a comment may follow the closing quote" }
        })?,
        _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
    };
    Ok(Some((name.to_owned(), value)))
}

/// What stands between the quotes.
fn quoted(value: &str, quote: char) -> Result<String, String> {
    let mut text = String::new();
    let mut characters = value.chars();
    characters.next();
    while let Some(character) = characters.next() {
        match character {
            _ if character == quote => {
                let rest = characters.as_str().trim_start();
                return if rest.is_empty() || rest.starts_with('#') {
                    Ok(text)
                } else {
                    Err("something follows the closing quote".to_owned())
                };
            }
            '\\' if quote == '"' => match characters.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(known @ ('"' | '\\' | '$')) => text.push(known),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            _ => text.push(character),
        }
    }
    Err("the closing quote is missing".to_owned())
}

/// Whether a variable may be called so.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn offset(line: &str, part: &str) -> usize {
    part.as_ptr().addr() - line.as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BTreeMap<String, String>, String> {
        parse(&SourceFile::new("app.env", text)).map_err(|found| found.render(false))
    }

    #[test]
    fn lines_are_read_with_and_without_quotes() {
        let text = "# settings\n\nA=1\nexport B = two words # note\nC=\"a\\n\\\"b\\\" $X\" # c\nD='x\\n#y'\nE=\nF=a#b\r\n";
        let variables = read(text).expect("all right");
        let expected =
            [("A", "1"), ("B", "two words"), ("C", "a\n\"b\" $X"), ("D", "x\\n#y"), ("E", ""), ("F", "a#b")];
        assert_eq!(variables, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn line_ends_of_windows_are_no_part_of_a_value() {
        let variables = read("A=1\r\n\r\nB=\"x\"\r\n# c\r\nC='y'\r\n").expect("all right");
        let values: Vec<&str> = variables.values().map(String::as_str).collect();
        assert_eq!(values, ["1", "x", "y"]);
    }

    #[test]
    fn a_zero_byte_is_told_by_file_line_and_name_and_what_cannot_be_seen_is_shown() {
        let told = read("A=1\nTOKEN=\"abc\0def\"\n").expect_err("no variable can hold it");
        assert!(told.contains("`TOKEN` holds a zero byte") && told.contains("app.env:2:11"), "{told}");
        for (name, shown) in [("\u{200b}A", "`\\u{200b}A`"), ("A\u{a0}B", "`A\\u{a0}B`"), ("A\0B", "`A\\0B`")]
        {
            let told = read(&format!("{name}=1\n")).expect_err("no name");
            assert!(told.contains(shown), "{told}");
        }
    }

    #[test]
    fn a_line_without_a_name_is_told_where_it_begins() {
        let told = read("A=1\n  =x\n").expect_err("no name");
        assert!(told.contains("`` is not the name") && told.contains("app.env:2:3"), "{told}");
        assert!(told.lines().any(|line| line.trim_start_matches([' ', '|']) == "^"), "{told}");
    }

    #[test]
    fn every_wrong_line_is_told() {
        insta::assert_snapshot!(read("A=1\njust words\n  9LIVES=x\nB=\"open\nC='x' y\n").expect_err("wrong"));
    }
}
