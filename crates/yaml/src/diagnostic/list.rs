//! Everything that is wrong in a text.

use std::fmt;

use super::{Diagnostic, Severity};

/// Everything that is wrong, in the order in which it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Those that were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many were found.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any of it stops the work.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Puts those with a place in a file ([`Diagnostic::at`]) in its order; those without a place come first.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort_by_key(|diagnostic| {
            diagnostic.excerpt.as_ref().map(|excerpt| (excerpt.span.start, excerpt.span.end))
        });
        self
    }

    /// For people: each with file, line, column, the text underlined, and help; an empty line between them.
    pub fn render(&self, color: bool) -> String {
        render_all(&self.0, color)
    }
}

/// For people: each with file, line, column, the text underlined, and help; an empty line between them.
pub fn render_all(diagnostics: &[Diagnostic], color: bool) -> String {
    let each: Vec<String> = diagnostics.iter().map(|diagnostic| diagnostic.render(color)).collect();
    each.join("\n\n")
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<T: IntoIterator<Item = Diagnostic>>(&mut self, more: T) {
        self.0.extend(more);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}
