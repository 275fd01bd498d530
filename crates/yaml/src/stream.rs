//! One file's text and its documents.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::diagnostic::{Diagnostic, Refusal, TextError};
use crate::lines::line_and_column;
use crate::pointer::Pointer;
use crate::read::{self, Entry, Tree};

/// One file: its name, its text, and the documents in it.
#[derive(Debug, Clone)]
pub struct Stream {
    name: String,
    text: Arc<str>,
    documents: Vec<Document>,
}

/// One document of a stream, also an empty one between two `---`. Comments before the first document belong to none.
#[derive(Debug, Clone)]
pub struct Document {
    text: Arc<str>,
    /// From its `---` to the next one's, or to the end of the text.
    pub(crate) span: Range<usize>,
    pub(crate) tree: Tree,
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
    let shared: Arc<str> = Arc::from(text);
    let mut documents = Vec::new();
    for (span, tree) in read::documents(name, text)? {
        let Some(json) = tree.json() else {
            let start = span.start..span.start;
            let wrong = Diagnostic::in_line(name, text, start, "its aliases repeat too much");
            return Err(wrong.help("write the values out").into());
        };
        let duplicates = duplicates(text, &tree);
        documents.push(Document { text: Arc::clone(&shared), span, tree, json, duplicates });
    }
    Ok(Stream { name: name.to_owned(), text: shared, documents })
}

fn duplicates(text: &str, tree: &Tree) -> Vec<Duplicate> {
    let mut found = Vec::new();
    tree.each_mapping(&mut |at, entries| {
        let mut by_key: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| !entry.merge) {
            by_key.entry(&entry.key).or_default().push(entry);
        }
        for (key, same) in by_key.into_iter().filter(|(_, same)| same.len() > 1) {
            let places = same.iter().map(|entry| Place::new(text, entry.key_span.clone())).collect();
            found.push(Duplicate { at: at.then(key), places });
        }
    });
    found
}

impl Place {
    fn new(text: &str, span: Range<usize>) -> Self {
        let (line, column) = line_and_column(text, span.start);
        Self { line, column, span }
    }
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
    pub fn diagnostic(&self, at: &Place, message: impl Into<String>) -> Diagnostic {
        Diagnostic::in_line(&self.name, &self.text, at.span.clone(), message)
    }

    /// An edit of a document is not made, for what stands at these bytes.
    pub(crate) fn refusal(&self, document: usize, span: Range<usize>, message: impl Into<String>) -> Refusal {
        let count = self.documents.len();
        let which = if count > 1 {
            format!(" (this is document {} of {count})", document + 1)
        } else {
            String::new()
        };
        let diagnostic = Diagnostic::in_line(&self.name, &self.text, span, message);
        diagnostic.help(format!("nothing was changed{which}")).into()
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
    pub fn place(&self, at: &Pointer) -> Option<Place> {
        let found = self.tree.find(at)?;
        Some(Place::new(&self.text, self.tree.node(found.node).span.clone()))
    }

    /// Whether other values would change with this one: it lies behind an alias, under an anchor that is used
    /// elsewhere, or comes from a merge key.
    pub fn is_shared(&self, at: &Pointer) -> bool {
        self.tree.find(at).is_some_and(|found| found.shared.is_some())
    }

    /// Whether nothing but space and comments is in it.
    pub fn is_empty(&self) -> bool {
        self.json.is_null() && self.tree.node(self.tree.root).span.is_empty()
    }
}
