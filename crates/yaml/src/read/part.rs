//! A text that is read by itself, and where it stands in the whole.

use std::ops::Range;

use crate::diagnostic::Diagnostic;

/// A text that is read by itself, and where it stands.
pub(super) struct Part<'t> {
    pub(super) name: &'t str,
    pub(super) whole: &'t str,
    pub(super) at: Range<usize>,
}

impl<'t> Part<'t> {
    pub(super) fn text(&self) -> &'t str {
        &self.whole[self.at.clone()]
    }

    /// What is no JSON stands there behind a JSON object, or a byte order mark does.
    pub(super) fn no_json(&self, at: usize) -> Diagnostic {
        let end = at + self.text()[at..].chars().next().map_or(0, char::len_utf8);
        if self.text()[at..].starts_with('\u{feff}') {
            return self.misplaced_mark(at..end);
        }
        self.wrong(at..end, "behind the end of a JSON object stands what is no JSON").help(
            "take it out, or put a line `---` between all documents: where they have none, each must be a whole JSON object",
        )
    }

    pub(super) fn misplaced_mark(&self, span: Range<usize>) -> Diagnostic {
        self.wrong(span, "a byte order mark stands where kubectl does not read it").help(
            "take it out: one may stand at the beginning of a file, and right behind a line `---`; files that were put behind each other have more",
        )
    }

    /// Something wrong at these bytes of it, told by their place in the whole.
    pub(super) fn wrong(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let span = span.start + self.at.start..span.end + self.at.start;
        Diagnostic::in_line(self.name, self.whole, span, message)
    }
}
