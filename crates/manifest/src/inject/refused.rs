//! Why nothing was changed.

use std::fmt;

use segue_yaml::{Diagnostic, Place, Pointer, Refusal, Stream, TextError, render_all};

use crate::notes::Rule;
use crate::objects::{Address, ShapeError};
use crate::workload::Misshapen;

/// Nothing was changed, for all these reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<Diagnostic>);

impl Refused {
    pub(super) fn misshapen(streams: &[Stream], address: &Address, error: &ShapeError) -> Self {
        let at = Pointer(address.root.0.iter().chain(&error.at.0).cloned().collect());
        let stream = &streams[address.file];
        let place = stream.documents().get(address.document).and_then(|document| document.place(&at));
        let place = place.unwrap_or(Place { line: 1, column: 1, span: 0..0 });
        let diagnostic = stream.diagnostic(&place, error.what.as_str()).help(error.right.as_str());
        Self(vec![diagnostic.rule(Rule::Unreadable.id())])
    }
}

impl Refused {
    pub(super) fn of(streams: &[Stream], misshapen: &Misshapen) -> Self {
        Self::misshapen(streams, &misshapen.address, &misshapen.error)
    }
}

/// Why something that inject wrote itself can't be read any more, by what its reader says: reasons of our own and a key's name help, a
/// library's words for the rest don't.
pub(super) fn not_as_written(reader: &str) -> String {
    if reader.starts_with("it") {
        return reader.to_owned();
    }
    let key = |words: &str| Some(reader.strip_prefix(words)?.split('`').next().unwrap_or_default());
    if let Some(key) = key("unknown field `") {
        return format!("it has a key {key}, which is not known");
    }
    if let Some(key) = key("missing field `") {
        return format!("it has no {key}");
    }
    "it is not as inject wrote it".to_owned()
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(vec![refusal.0.rule(Rule::NotEditable.id())])
    }
}

impl From<TextError> for Refused {
    fn from(error: TextError) -> Self {
        Self(vec![error.0.rule(Rule::Unreadable.id())])
    }
}

impl Refused {
    /// For people: each reason with file, line, column, the text underlined, and help; an empty line between them.
    pub fn render(&self, color: bool) -> String {
        render_all(&self.0, color)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Refused {}
