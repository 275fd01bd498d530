//! What the parser is given in the place of a text that it refuses and Kubernetes' readers take: a shadow, which says the same
//! and has every token at the same byte.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScanError};

use super::super::complaint::line_start;
use super::between::Between;

/// What stands in a shadow for a text that is read by itself.
const FILLING: char = 'x';

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
        match info.as_str() {
            "invalid indentation" | "invalid indentation in flow construct" => {
                let Some(space) = before_token(&shadow, at, true) else { break };
                fill(shadow.to_mut(), space, ' ');
            }
            "tabs disallowed within this context (block indentation)" => {
                let Some(space) = before_token(&shadow, at, false) else { break };
                fill(shadow.to_mut(), space, ' ');
            }
            "invalid indentation in quoted scalar" => {
                let Some(inside) = inside_quotes(&shadow, at) else { break };
                fill(shadow.to_mut(), inside, FILLING);
            }
            "a byte order mark must not appear inside a document" => {
                let Some(space) = behind_dashes(&shadow, at) else { break };
                let newline = shadow[space.clone()].trim_end_matches('\u{feff}').to_owned();
                let spaces = " ".repeat(space.len() - newline.len());
                shadow.to_mut().replace_range(space, &format!("{spaces}{newline}"));
            }
            // Only in quotes, where it is as good as a space.
            "tab cannot be used as indentation" => fill(shadow.to_mut(), at..at + 1, ' '),
            "plain scalar cannot start with '-' followed by ,[]{}" => {
                fill(shadow.to_mut(), at..at + 1, FILLING);
            }
            _ => break,
        }
    }
    (shadow != text).then(|| shadow.into_owned())
}

/// The line's end and the byte order mark behind it, if that stands there right behind a line of dashes: a mark before a document,
/// which Kubernetes' readers pass over.
fn behind_dashes(text: &str, at: usize) -> Option<Range<usize>> {
    let line = text[..at].strip_suffix('\n')?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    let dashes = line[line_start(line, line.len())..].strip_prefix("---")?;
    let bare = dashes.trim().is_empty() || dashes.trim_start().starts_with('#');
    (bare && text[at..].starts_with('\u{feff}')).then(|| line.len()..at + '\u{feff}'.len_utf8())
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
/// if it is sure that there is nothing else. Where the token stands behind the end of a text that began on a line before, the
/// space within that text. Whether both stand in brackets is known, or must be seen by what is beside them.
fn before_token(text: &str, at: usize, in_brackets: bool) -> Option<Range<usize>> {
    let begin = line_start(text, at);
    let indentation = text[begin..at].len() - text[begin..at].trim_start().len();
    let (end, in_text) = (begin + indentation, begin + indentation < at);
    let mut from = begin;
    while let Some(newline) = from.checked_sub(1) {
        from = line_start(text, newline);
        let line = &text[from..newline];
        let content = without_comment(line).trim_end();
        if !content.trim_start().is_empty() {
            let start = from + content.len();
            let bare = text[start..end].trim_start().is_empty();
            let beside = content.ends_with(['[', '{', ',']) || text[at..].starts_with([']', '}', ',']);
            // A line's end in a plain scalar is a space, which comments don't stand in; and what goes on is no key.
            let goes_on = bare && !text[at..].starts_with(':');
            let sure = if in_text { bare } else { beside || content.ends_with(':') || goes_on };
            return (if in_brackets { sure } else { beside }).then_some(start..end);
        }
    }
    None
}

/// A line up to its comment. What has a quote behind it is taken for none: it may stand in a text.
fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|(at, letter)| {
        let begins = *letter == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t']));
        begins && !line[*at..].contains(['"', '\''])
    });
    comment.map_or(line, |(at, _)| &line[..at])
}

/// What stands between the quotes that begin there, unless they hold a key: one that goes on on another line is none to
/// Kubernetes' readers either.
fn inside_quotes(text: &str, at: usize) -> Option<Range<usize>> {
    let quote = text[at..].chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let between = Between(text);
    let end = between.end_of_quotes(at, quote);
    let closed = end > at + 1 && text[..end].ends_with(quote);
    let is_key = text[between.skip_space(end)..].starts_with(':');
    (closed && !is_key).then(|| at + 1..end - 1)
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

fn fill(text: &mut String, range: Range<usize>, filling: char) {
    let filling = filling.to_string().repeat(range.len());
    text.replace_range(range, &filling);
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
