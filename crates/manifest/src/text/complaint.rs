//! What is wrong in a text, where, and what would be right; drawn as compilers draw it.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The text cannot be used, or the edit not be made.
    Error,
    /// It can, but probably not as was meant.
    Warning,
    /// Something to know.
    Note,
}

/// One thing that is wrong or worth knowing, and its place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The text's name, as the user gave it.
    pub name: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// The whole lines that it underlines, and which of their bytes.
    excerpt: String,
    span: Range<usize>,
}

impl Complaint {
    /// Something wrong at these bytes of that text.
    pub fn new(name: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let (line, column) = line_and_column(text, start);
        let from = line_start(text, start);
        // Only the first line is shown: what is wrong begins there, and a whole object would hide it.
        let until = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
        let excerpt = text[from..until].trim_start_matches('\u{feff}').to_owned();
        let cut = (until - from) - excerpt.len();
        let shift = |at: usize| at.min(until).saturating_sub(from + cut);
        let span = shift(start)..shift(end);
        Self { name: name.to_owned(), line, column, message: message.into(), help: None, excerpt, span }
    }

    /// What would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// For people: with file, line, column, the text underlined, and help.
    pub fn render(&self, severity: Severity, color: bool) -> String {
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let title = level.primary_title(self.message.as_str());
        let mut group = if self.excerpt.is_empty() {
            let origin = Origin::path(self.name.as_str()).line(self.line).char_column(self.column);
            Group::with_title(title).element(origin)
        } else {
            let annotation = AnnotationKind::Primary.span(self.span.clone());
            let snippet = Snippet::source(self.excerpt.as_str())
                .path(self.name.as_str())
                .line_start(self.line)
                .annotation(annotation);
            Group::with_title(title).element(snippet)
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Severity::Error, false))
    }
}

/// A text that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TextError(pub Box<Complaint>);

/// An edit that cannot be made without touching what was not meant; nothing has been changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub Box<Complaint>);

impl From<Complaint> for TextError {
    fn from(complaint: Complaint) -> Self {
        Self(Box::new(complaint))
    }
}

impl From<Complaint> for Refusal {
    fn from(complaint: Complaint) -> Self {
        Self(Box::new(complaint))
    }
}

/// Line and column of a byte, counted from 1, in characters.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let at = floor(text, at);
    let start = line_start(text, at);
    let column = text[start..at].chars().filter(|&letter| letter != '\u{feff}').count() + 1;
    (text[..at].matches('\n').count() + 1, column)
}

/// Where the line begins that holds this byte.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The last boundary of a character at or before this byte.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
