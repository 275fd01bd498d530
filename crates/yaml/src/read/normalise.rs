//! What the parser is given in the place of a text that it refuses and Kubernetes' readers take: a normalised text, which says the
//! same and has every token at the same byte.

use std::borrow::Cow;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScanError};

use super::json::is_json;
use super::refused::{before_token, behind_dashes, inside_quotes};

/// What stands in a normalised text for a text that is read by itself.
const FILLING: char = 'x';

/// How many places are mended at most: each costs another reading of its document.
const MOST_MENDED: usize = 1000;

/// The normalised text for one that the parser has refused with this error; `None` if none is known.
pub(super) fn normalised(text: &str, error: &ScanError) -> Option<String> {
    let mut new = Cow::Borrowed(text);
    if error.info().contains("Unicode character escape") {
        new = Cow::Owned(without_pairs(text));
    }
    let mut from = 0;
    for _ in 0..MOST_MENDED {
        // A document is read alone: tags that are declared before it are missed, but no token is.
        let (start, refused) = refused(&new, from);
        from = start;
        let Some((at, info)) = refused else { break };
        match info.as_str() {
            "invalid indentation" | "invalid indentation in flow construct" => {
                let Some(space) = before_token(&new, at, true) else { break };
                fill(new.to_mut(), space, ' ');
            }
            "tabs disallowed within this context (block indentation)" => {
                let Some(space) = before_token(&new, at, false) else { break };
                fill(new.to_mut(), space, ' ');
            }
            "invalid indentation in quoted scalar" => {
                let Some(inside) = inside_quotes(&new, at) else { break };
                fill(new.to_mut(), inside, FILLING);
            }
            "a byte order mark must not appear inside a document" => {
                let Some(space) = behind_dashes(&new, at) else { break };
                let newline = new[space.clone()].trim_end_matches('\u{feff}').to_owned();
                let spaces = " ".repeat(space.len() - newline.len());
                new.to_mut().replace_range(space, &format!("{spaces}{newline}"));
            }
            // Only in quotes, where it is as good as a space.
            "tab cannot be used as indentation" => fill(new.to_mut(), at..at + 1, ' '),
            "plain scalar cannot start with '-' followed by ,[]{}" => {
                fill(new.to_mut(), at..at + 1, FILLING);
            }
            _ => break,
        }
    }
    (new != text).then(|| new.into_owned())
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

fn fill(text: &mut String, range: Range<usize>, filling: char) {
    let filling = filling.to_string().repeat(range.len());
    text.replace_range(range, &filling);
}

/// The text with letters in the place of each pair of surrogates that a JSON document in it has: YAML has no such escapes.
fn without_pairs(text: &str) -> String {
    let mut new = String::with_capacity(text.len());
    for document in documents(text) {
        let json = document.strip_prefix("---").unwrap_or(document);
        if is_json(json) {
            let mut rest = document;
            while let Some(at) = rest.find('\\') {
                let (before, escape) = rest.split_at(at);
                new.push_str(before);
                let length = if is_pair(escape) { 12 } else { 2 };
                let (escape, behind) = escape.split_at_checked(length).unwrap_or((escape, ""));
                new.push_str(if length == 2 { escape } else { "xxxxxxxxxxxx" });
                rest = behind;
            }
            new.push_str(rest);
        } else {
            new.push_str(document);
        }
    }
    new
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
