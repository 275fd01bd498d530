//! The place of what is wrong, with the text that is drawn for it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::lines::{boundary, line_and_column, line_start};

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

/// A place in a text, and what of the text is drawn for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The text's name, as the user gave it.
    pub(super) name: String,
    /// The line of the place, from 1.
    pub(super) line: usize,
    /// Its column, from 1, in characters.
    pub(super) column: usize,
    /// Whole lines, the first of which has this number, and the bytes of them that are underlined.
    pub(super) text: String,
    pub(super) first_line: usize,
    pub(super) span: Range<usize>,
}

impl Excerpt {
    /// All lines that these bytes of a file lie in.
    pub(super) fn all_lines(file: &SourceFile, span: Range<usize>) -> Self {
        let end = span.end.min(file.text.len());
        let span = span.start.min(end)..end;
        let (line, column) = line_and_column(&file.text, span.start);
        // Of a text the drawing takes what it needs.
        let (name, text) = (file.path.to_string_lossy().into_owned(), file.text.clone());
        Self { name, line, column, text, first_line: 1, span }
    }

    /// Their first line alone: what is wrong begins there, and a whole object would hide it.
    pub(super) fn first_line(name: &str, text: &str, span: Range<usize>) -> Self {
        let start = boundary(text, span.start);
        let end = boundary(text, span.end).max(start);
        let (line, column) = line_and_column(text, start);
        let from = line_start(text, start);
        let until = text[start..].find(['\n', '\r']).map_or(text.len(), |at| start + at);
        let excerpt = text[from..until].trim_start_matches('\u{feff}').to_owned();
        let cut = (until - from) - excerpt.len();
        let shift = |at: usize| at.min(until).saturating_sub(from + cut);
        let span = shift(start)..shift(end);
        Self { name: name.to_owned(), line, column, text: excerpt, first_line: line, span }
    }
}
