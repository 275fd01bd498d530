//! What the parser is given in the place of a text that it refuses and Kubernetes' readers take: a shadow, which says the same
//! and has every token at the same byte.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScanError};

/// How many places are mended at most: each costs another reading of its document.
const MOST_MENDED: usize = 1000;

/// A shadow of a text that the parser has refused for this error; `None` if none is known.
pub(super) fn of(text: &str, error: &ScanError) -> Option<String> {
    let mut shadow = Cow::Borrowed(text);
    if error.info().contains("Unicode character escape") {
        shadow = Cow::Owned(without_pairs(text));
    }
    let mut from = 0;
    for _ in 0..MOST_MENDED {
        // A document is read alone: tags that are declared before it are missed, but no token is.
        let (start, refused) = refused(&shadow, from);
        from = start;
        let Some((at, info)) = refused else { break };
        if !matches!(info.as_str(), "invalid indentation" | "invalid indentation in flow construct") {
            break;
        }
        let Some(space) = before_token(&shadow, at) else { break };
        blank(shadow.to_mut(), space);
    }
    (shadow != text).then(|| shadow.into_owned())
}

/// Where the last document begins that the parser reads from there, and what it refuses in it.
fn refused(text: &str, mut from: usize) -> (usize, Option<(usize, String)>) {
    let rest = &text[from..];
    let byte = |index: usize| rest.char_indices().nth(index).map_or(rest.len(), |(at, _)| at);
    let mut start = 0;
    let mut parser = Parser::new_from_str(rest);
    let error = loop {
        match parser.next_event() {
            Some(Ok((Event::DocumentStart(true), span))) => start = span.start.index(),
            Some(Ok((Event::StreamEnd, _))) | None => break None,
            Some(Ok(_)) => {}
            Some(Err(error)) => break Some((from + byte(error.marker().index()), error.info().to_owned())),
        }
    };
    from += byte(start);
    (from, error)
}

/// The space and comments between a token in a flow collection that is indented less than the parser wants and the token before it,
/// if it is sure that there is nothing else.
fn before_token(text: &str, at: usize) -> Option<Range<usize>> {
    let mut from = at;
    loop {
        let begin = text[..from].rfind('\n').map_or(0, |newline| newline + 1);
        let line = &text[begin..from];
        let content = without_comment(line).trim_end();
        if !content.trim_start().is_empty() {
            // Elsewhere the line break may stand in a plain scalar, where it is a space and more spaces are not.
            let parted = content.ends_with(['[', '{', ',']) || text[at..].starts_with([']', '}', ',']);
            let start = begin + content.len();
            return (parted && text[start..at].contains('\n')).then_some(start..at);
        }
        from = begin.checked_sub(1)?;
    }
}

/// A line up to its comment. What has a quote behind it is taken for none: it may stand in a text.
fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|(at, letter)| {
        let begins = *letter == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t']));
        begins && !line[*at..].contains(['"', '\''])
    });
    comment.map_or(line, |(at, _)| &line[..at])
}

fn blank(text: &mut String, range: Range<usize>) {
    let spaces = " ".repeat(range.len());
    text.replace_range(range, &spaces);
}

/// The text with letters in the place of each pair of surrogates that a JSON document in it has: YAML has no such escapes.
fn without_pairs(text: &str) -> String {
    let mut shadow = String::with_capacity(text.len());
    for document in documents(text) {
        let json = document.strip_prefix("---").unwrap_or(document);
        if super::super::style::is_json(json) {
            let mut rest = document;
            while let Some(at) = rest.find('\\') {
                let (before, escape) = rest.split_at(at);
                shadow.push_str(before);
                let length = if is_pair(escape) { 12 } else { 2 };
                let (escape, behind) = escape.split_at_checked(length).unwrap_or((escape, ""));
                shadow.push_str(if length == 2 { escape } else { "xxxxxxxxxxxx" });
                rest = behind;
            }
            shadow.push_str(rest);
        } else {
            shadow.push_str(document);
        }
    }
    shadow
}

/// Split before each line that begins with `---`: none does within a JSON value.
fn documents(text: &str) -> impl Iterator<Item = &str> {
    let marks = text.match_indices("\n---").map(|(at, _)| at + 1);
    let mut bounds = std::iter::once(0).chain(marks).chain([text.len()]).peekable();
    std::iter::from_fn(move || Some(&text[bounds.next()?..*bounds.peek()?]))
}

/// Whether two escapes that are one character begin a text.
fn is_pair(text: &str) -> bool {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    matches!((unit(0), unit(6)), (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)))
}
