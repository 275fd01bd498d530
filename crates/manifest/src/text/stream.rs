//! One file's text and its documents.

use std::ops::Range;

use serde_json::Value;

use super::complaint::{Complaint, TextError};
use super::pointer::Pointer;

/// One file: its name, its text, and the documents in it.
#[derive(Debug, Clone)]
pub struct Stream {
    name: String,
    text: String,
    documents: Vec<Document>,
}

/// One document of a stream, also an empty one between two `---`. Comments before the first document belong to none.
#[derive(Debug, Clone)]
pub struct Document {
    json: Value,
    duplicates: Vec<Duplicate>,
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1, in characters.
    pub column: usize,
    /// Its bytes in the stream's text: from the first to behind the last byte of the value, without its key.
    pub span: Range<usize>,
}

/// A key that stands twice in one mapping: lenient readers take the last, strict ones refuse the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// Which key.
    pub at: Pointer,
    /// Where each of them stands, in order.
    pub places: Vec<Place>,
}

/// Reads a file's text. `name` is what messages call it.
///
/// Helm templates are recognised and refused: they are not YAML before they are rendered.
pub fn parse(name: &str, text: &str) -> Result<Stream, TextError> {
    Ok(Stream { name: name.to_owned(), text: text.to_owned(), documents: Vec::new() })
}

impl Stream {
    /// Its documents, in order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Its text, as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Something that is wrong at a place of this text.
    pub fn complain(&self, at: &Place, message: impl Into<String>) -> Complaint {
        Complaint::new(&self.name, &self.text, at.span.clone(), message)
    }
}

impl Document {
    /// Its value as Kubernetes' reader sees it: aliases and `<<` are resolved, of two equal keys the last one counts, and
    /// plain scalars are read as YAML 1.1 as `sigs.k8s.io/yaml` does (`yes` and `on` are booleans, `0777` is octal).
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Keys that stand twice in one mapping.
    pub fn duplicates(&self) -> &[Duplicate] {
        &self.duplicates
    }

    /// Where a value stands; for one that comes through an alias or a merge key, where that was written. `None` if there
    /// is no such value.
    pub fn place(&self, _at: &Pointer) -> Option<Place> {
        None
    }

    /// Whether other values would change with this one: it lies behind an alias, under an anchor that is used
    /// elsewhere, or comes from a merge key.
    pub fn is_shared(&self, _at: &Pointer) -> bool {
        false
    }

    /// Whether nothing but space and comments is in it.
    pub fn is_empty(&self) -> bool {
        self.json.is_null()
    }
}
