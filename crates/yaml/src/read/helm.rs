//! Helm templates look like YAML here and there, but are none before they are rendered.

use std::ops::Range;

use super::tree::{Kind, Tree};
use crate::diagnostic::Diagnostic;

/// What only a Helm template has between `{{` and `}}`. Alerting rules and other texts have braces too.
const WORDS: &[&str] = &[
    ".Values",
    ".Release",
    ".Chart",
    ".Capabilities",
    ".Template",
    ".Files",
    "include ",
    "template ",
    "define ",
    "toYaml",
    "nindent",
    "range ",
    "end ",
    "end}}",
    "if ",
    "else ",
    "else}}",
    "with ",
    "tpl ",
    "block ",
];

pub(super) fn diagnostic(name: &str, text: &str, span: Range<usize>) -> Diagnostic {
    Diagnostic::in_line(name, text, span, "this is a Helm template, not YAML")
        .help("render it first: `helm template … | segue inject -`")
}

/// Braces that YAML reads as a mapping inside a mapping, or inside an unquoted text.
pub(super) fn in_tree(text: &str, tree: &Tree) -> Option<Range<usize>> {
    let mut found: Vec<Range<usize>> = tree
        .nodes
        .iter()
        .filter_map(|node| match &node.kind {
            Kind::Mapping { flow: true, .. } if text[node.span.clone()].starts_with("{{") => {
                Some(node.span.start..node.span.start + 2)
            }
            Kind::Scalar { quote: None, block: false, .. } => {
                let plain = &text[node.span.clone()];
                let at = plain.find("{{")?;
                let inside = &plain[at..plain[at..].find("}}").map_or(plain.len(), |end| at + end + 2)];
                let start = node.span.start + at;
                WORDS.iter().any(|word| inside.contains(word)).then_some(start..start + 2)
            }
            _ => None,
        })
        .collect();
    found.sort_by_key(|span| span.start);
    found.into_iter().next()
}

/// In a text that is not YAML: the first `{{` where a value or a line begins, outside quotes, comments and the lines of
/// block scalars.
pub(super) fn in_broken_text(text: &str) -> Option<Range<usize>> {
    let mut at = 0;
    let mut block: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_start();
        let indentation = line.len() - content.len();
        if block.is_some_and(|parent| content.is_empty() || indentation > parent) {
            continue;
        }
        block = None;
        let bare = without_comment(line);
        if let Some(braces) = outside_quotes(bare) {
            return Some(start + braces..start + braces + 2);
        }
        let header = bare.trim_end().rsplit(' ').next().unwrap_or_default();
        if header.starts_with(['|', '>']) && header.len() <= 3 {
            block = Some(indentation);
        }
    }
    None
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.find(" #").map_or(line, |comment| &line[..comment])
}

fn outside_quotes(line: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in line.char_indices() {
        match quote {
            None if line[at..].starts_with("{{") => return Some(at),
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            Some(open) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}
