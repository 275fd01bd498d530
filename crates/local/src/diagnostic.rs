//! What is wrong in a file, where, and what would be right; drawn as compilers draw it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// The text of a file and the name under which messages speak of it.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// All of its text.
    pub text: String,
}

impl SourceFile {
    /// A file's text under its path.
    pub fn new(path: impl AsRef<Path>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.as_ref().to_owned(), text: text.into() })
    }
}

/// Whether what was found stops the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// It can, but probably not as was meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the work.
    pub severity: Severity,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// In which file, and which of its bytes.
    pub place: Option<(Arc<SourceFile>, Range<usize>)>,
    /// Said beside the underlined text.
    pub label: Option<String>,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// Something that cannot be used.
    pub fn error(message: impl Into<String>) -> Self {
        let message = shown(&message.into());
        Self { severity: Severity::Error, message, place: None, label: None, help: None }
    }

    /// Something that is probably not meant.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// At these bytes of that file.
    #[must_use]
    pub fn at(mut self, file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        let end = span.end.min(file.text.len());
        self.place = Some((Arc::clone(file), span.start.min(end)..end));
        self
    }

    /// Said beside the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(shown(&label.into()));
        self
    }

    /// What would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(shown(&help.into()));
        self
    }

    /// Line and column of its place, counted from 1, in characters.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let (file, span) = self.place.as_ref()?;
        let before = file.text.get(..span.start)?;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }

    fn groups(&self) -> Group<'_> {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(self.message.as_str()));
        if let Some((file, span)) = &self.place {
            let path = file.path.to_string_lossy();
            group = if file.text.is_empty() {
                group.element(Origin::path(path).line(1).char_column(1))
            } else {
                let annotation = AnnotationKind::Primary.span(span.clone()).label(self.label.as_deref());
                group.element(Snippet::source(file.text.as_str()).path(path).annotation(annotation))
            };
        }
        match &self.help {
            Some(help) => group.element(Level::HELP.message(help.as_str())),
            None => group,
        }
    }
}

/// What a message quotes may hold characters that nobody sees, and that are just what is wrong.
fn shown(text: &str) -> String {
    let as_they_are = ['\n', '"', '\'', '\\'];
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(as_they_are) {
        let plain = part.strip_suffix(as_they_are).unwrap_or(part);
        shown.extend(plain.escape_debug());
        shown.push_str(&part[plain.len()..]);
    }
    shown
}

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

    /// Puts them in the order of the file; those without a place come first.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort_by_key(|diagnostic| diagnostic.place.as_ref().map(|(_, span)| (span.start, span.end)));
        self
    }

    /// For people: each with file, line, column, the text underlined, and help; an empty line between them.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let each: Vec<String> =
            self.0.iter().map(|diagnostic| renderer.render(&[diagnostic.groups()])).collect();
        each.join("\n\n")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_by_line_and_column_from_one_in_characters() {
        let file = SourceFile::new("app.yaml", "name: a\nwörter: b\n\nx: y");
        let at = |needle: &str| {
            let start = file.text.find(needle).unwrap();
            Diagnostic::error("wrong").at(&file, start..start + 1).line_and_column()
        };
        assert_eq!(
            [at("name"), at("b\n"), at("x: y"), at("y")],
            [Some((1, 1)), Some((2, 9)), Some((4, 1)), Some((4, 4))]
        );
        assert_eq!(Diagnostic::error("wrong").line_and_column(), None);
    }
}
