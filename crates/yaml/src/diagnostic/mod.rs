//! What is wrong in a text, where, and what would be right.

mod draw;
mod errors;
mod excerpt;
mod list;

use std::ops::Range;

pub use errors::{Refusal, TextError};
use excerpt::Excerpt;
pub use excerpt::SourceFile;
pub use list::{Diagnostics, render_all};

/// Whether what was found stops the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The text cannot be used, or the edit not be made.
    Error,
    /// It can, but probably not as was meant.
    Warning,
}

/// One thing that is wrong, and its place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the work.
    pub severity: Severity,
    /// What is wrong, in a sentence without a full stop.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// The name of the rule that says so, for machines.
    pub rule: Option<&'static str>,
    /// What it is about, if the message begins with that.
    pub subject: Option<String>,
    /// Where it stands, if it has a place in a text.
    excerpt: Option<Excerpt>,
    /// Whether characters that nobody sees are drawn as escapes.
    escapes: bool,
}

impl Diagnostic {
    /// Something that cannot be used. What it says may quote characters that nobody sees and that are just what is wrong: they are
    /// drawn as escapes.
    pub fn error(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            severity: Severity::Error,
            message,
            help: None,
            rule: None,
            subject: None,
            excerpt: None,
            escapes: true,
        }
    }

    /// The same of something that is probably not meant.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::error(message).severity(Severity::Warning)
    }

    /// Something that cannot be used at these bytes of that text. Their first line is drawn, and what it says as it stands.
    pub(crate) fn in_line(name: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let excerpt = Some(Excerpt::first_line(name, text, span));
        Self { excerpt, escapes: false, ..Self::error(message) }
    }

    /// At these bytes of that file; all their lines are drawn.
    #[must_use]
    pub fn at(self, file: &SourceFile, span: Range<usize>) -> Self {
        Self { excerpt: Some(Excerpt::all_lines(file, span)), ..self }
    }

    /// What would be right.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The name of the rule that says so; one that is named already stays.
    #[must_use]
    pub fn rule(self, rule: &'static str) -> Self {
        Self { rule: self.rule.or(Some(rule)), ..self }
    }

    /// What it is about: the message begins with that, and a colon.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Self {
        let subject = subject.into();
        Self { message: format!("{subject}: {}", self.message), subject: Some(subject), ..self }
    }

    /// What is wrong, without what it is about.
    pub fn what(&self) -> &str {
        let begin = self.subject.as_ref().map(|subject| format!("{subject}: "));
        begin.and_then(|begin| self.message.strip_prefix(&begin)).unwrap_or(&self.message)
    }

    /// Whether it stops the work.
    #[must_use]
    pub fn severity(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }

    /// Line and column of its place, counted from 1, in characters.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        self.excerpt.as_ref().map(|excerpt| (excerpt.line, excerpt.column))
    }

    /// The name of the text in which it has its place.
    pub fn file(&self) -> Option<&str> {
        self.excerpt.as_ref().map(|excerpt| excerpt.name.as_str())
    }

    /// The same in a text that has so many lines more before it.
    pub(crate) fn behind_lines(mut self, lines: usize) -> Self {
        if let Some(excerpt) = &mut self.excerpt {
            excerpt.line += lines;
            excerpt.first_line += lines;
        }
        self
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
        let told = Diagnostic::error("wrong").at(&file, 0..1).about("Pod a").rule("one").rule("other");
        assert_eq!(
            (told.file(), told.message.as_str(), told.what()),
            (Some("app.yaml"), "Pod a: wrong", "wrong")
        );
        assert_eq!((told.rule, told.subject.as_deref()), (Some("one"), Some("Pod a")));
    }
}
