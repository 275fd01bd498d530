//! Trivia: what stands between the parser's events, where only space and comments can be. What the parser does not tell is found
//! there: dashes, colons, anchors, the headers of block scalars, and the true ends of scalars and collections.

use crate::lines::line_start;

/// A text, looked at between events.
pub(super) struct Trivia<'t>(pub(super) &'t str);

impl Trivia<'_> {
    /// The first byte at or behind `at` that is neither space nor in a comment.
    pub(super) fn skip_space(&self, mut at: usize) -> usize {
        loop {
            let rest = &self.0[at..];
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']);
            at += rest.len() - trimmed.len();
            let comment = trimmed.starts_with('#')
                && (at == 0 || self.0[..at].ends_with([' ', '\t', '\r', '\n', '\u{feff}']));
            if !comment {
                return at;
            }
            at += trimmed.find(['\n', '\r']).unwrap_or(trimmed.len());
        }
    }

    /// Behind a node's anchor and tag, if it has any.
    pub(super) fn behind_properties(&self, start: usize) -> usize {
        let mut at = start;
        while self.0[at..].starts_with(['&', '!']) {
            let rest = &self.0[at..];
            // Only a tag that is written out in `!<` and `>` may have commas.
            let verbatim = if rest.starts_with("!<") { rest.find('>').unwrap_or_default() } else { 0 };
            let ends = |letter: char| letter.is_whitespace() || ",[]{}".contains(letter);
            let word = rest[verbatim..].find(ends).map_or(rest.len(), |behind| verbatim + behind);
            at = self.skip_space(at + word);
        }
        at
    }

    /// Behind a quoted scalar's closing quote: the parser's own end may lie behind the space and comment that follow.
    pub(super) fn end_of_quotes(&self, start: usize, quote: char) -> usize {
        let open = self.behind_properties(start) + 1;
        let mut letters = self.0[open..].char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            if quote == '"' && letter == '\\' {
                letters.next();
            } else if letter == quote
                && letters.next_if(|(_, next)| quote == '\'' && *next == quote).is_none()
            {
                return open + at + 1;
            }
        }
        self.0.len()
    }

    /// Behind a flow collection's closing bracket, if only space and comments stand before it: the parser tells the place of the
    /// comma instead where one stands behind the last child.
    pub(super) fn behind_bracket(&self, from: usize, bracket: char) -> Option<usize> {
        let at = self.skip_space(from);
        self.0[at..].starts_with(bracket).then_some(at + 1)
    }

    pub(super) fn behind_comma(&self, end: usize) -> usize {
        let comma = self.skip_space(end);
        if self.0[comma..].starts_with(',') { comma + 1 } else { end }
    }

    /// Behind a block scalar's last text; behind its blank lines too where its header keeps them.
    pub(super) fn end_of_block_scalar(&self, from: usize, end: usize) -> usize {
        let header = self.behind_properties(self.skip_space(from));
        let line = &self.0[header..];
        let header_end = header + line.find(['\n', '\r']).unwrap_or(line.len());
        let indicators = self.0[header..header_end].split([' ', '\t']).next().unwrap_or_default();
        let body = &self.0[header_end..end.max(header_end)];
        let kept = if indicators.contains('+') {
            // The last line's indentation may be that of what follows; its line break is no part of a line's text.
            let body = body.trim_end_matches([' ', '\t']);
            body.strip_suffix('\n').map_or(body, |body| body.strip_suffix('\r').unwrap_or(body))
        } else {
            body.trim_end()
        };
        if kept.trim().is_empty() && !indicators.contains('+') {
            header_end.min(header + self.0[header..header_end].trim_end().len())
        } else {
            header_end + kept.len()
        }
    }

    /// A block scalar that the text's end ends has no last line break, as the library has it by which Kubernetes reads YAML. kubectl
    /// itself gives every line one first; so an edit must do for both.
    pub(super) fn without_missing_break<'v>(&self, value: &'v str, end: usize) -> &'v str {
        let last_line = &self.0[line_start(self.0, self.0.len())..];
        if end == self.0.len() && !last_line.trim().is_empty() {
            value.strip_suffix('\n').unwrap_or(value)
        } else {
            value
        }
    }
}
