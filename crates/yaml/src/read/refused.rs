//! Where that stands which the parser refuses and Kubernetes' readers take, told from the place that its error names.

use std::ops::Range;

use super::trivia::Trivia;
use crate::lines::line_start;

/// The line's end and the byte order mark behind it, if that stands there right behind a line of dashes: a mark before a document,
/// which Kubernetes' readers pass over.
pub(super) fn behind_dashes(text: &str, at: usize) -> Option<Range<usize>> {
    let line = text[..at].strip_suffix('\n')?;
    let line = line.strip_suffix('\r').unwrap_or(line);
    let dashes = line[line_start(line, line.len())..].strip_prefix("---")?;
    let bare = dashes.trim().is_empty() || dashes.trim_start().starts_with('#');
    (bare && text[at..].starts_with('\u{feff}')).then(|| line.len()..at + '\u{feff}'.len_utf8())
}

/// The space and comments between a token in a flow collection that is indented less than the parser wants and the token before it,
/// if it is sure that there is nothing else. Where the token stands behind the end of a text that began on a line before, the
/// space within that text. Whether both stand in brackets is known, or must be seen by what is beside them.
pub(super) fn before_token(text: &str, at: usize, in_brackets: bool) -> Option<Range<usize>> {
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
pub(super) fn inside_quotes(text: &str, at: usize) -> Option<Range<usize>> {
    let quote = text[at..].chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let trivia = Trivia(text);
    let end = trivia.end_of_quotes(at, quote);
    let closed = end > at + 1 && text[..end].ends_with(quote);
    let is_key = text[trivia.skip_space(end)..].starts_with(':');
    (closed && !is_key).then(|| at + 1..end - 1)
}
