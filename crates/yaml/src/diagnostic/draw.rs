//! What is wrong, drawn as compilers draw it.

use std::borrow::Cow;
use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Severity};

impl Diagnostic {
    /// For people: with file, line, column, the text underlined, and help.
    pub fn render(&self, color: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let shown = |text| if self.escapes { Cow::Owned(escaped(text)) } else { Cow::Borrowed(text) };
        let mut group = Group::with_title(level.primary_title(shown(&self.message)));
        if let Some(excerpt) = &self.excerpt {
            let name = excerpt.name.as_str();
            group = if excerpt.text.is_empty() {
                group.element(Origin::path(name).line(excerpt.line).char_column(excerpt.column))
            } else {
                let annotation = AnnotationKind::Primary.span(excerpt.span.clone());
                let snippet = Snippet::source(excerpt.text.as_str()).path(name);
                group.element(snippet.line_start(excerpt.first_line).annotation(annotation))
            };
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(shown(help)));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

/// Characters that nobody sees, as escapes.
fn escaped(text: &str) -> String {
    let as_they_are = ['\n', '"', '\'', '\\'];
    let mut escaped = String::with_capacity(text.len());
    for part in text.split_inclusive(as_they_are) {
        let plain = part.strip_suffix(as_they_are).unwrap_or(part);
        escaped.extend(plain.escape_debug());
        escaped.push_str(&part[plain.len()..]);
    }
    escaped
}
