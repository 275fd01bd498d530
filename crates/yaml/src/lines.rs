//! Lines and columns of a text.

/// Line and column of a byte, counted from 1, in characters.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let at = boundary(text, at);
    (text[..at].matches('\n').count() + 1, column(text, at) + 1)
}

/// How many characters stand before a byte on its line.
pub(crate) fn column(text: &str, at: usize) -> usize {
    text[line_start(text, at)..at].chars().filter(|&letter| letter != '\u{feff}').count()
}

/// Where the line begins that holds this byte.
pub(crate) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line ends that holds this byte: before its line break.
pub(crate) fn line_end(text: &str, at: usize) -> usize {
    match text[at..].find('\n') {
        Some(newline) if text[..at + newline].ends_with('\r') => at + newline - 1,
        Some(newline) => at + newline,
        None => text.len(),
    }
}

/// Behind the line break that stands here, if one does.
pub(crate) fn behind_break(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    at + if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) }
}

/// Whether only space stands before a byte on its line.
pub(crate) fn begins_its_line(text: &str, at: usize) -> bool {
    text[line_start(text, at)..at].trim_start_matches('\u{feff}').trim_matches([' ', '\t']).is_empty()
}

/// The last boundary of a character at or before this byte.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
