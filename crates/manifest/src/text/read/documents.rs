//! A text's documents: of the text as it is, else of its shadow, else of the parts that Kubernetes' reader divides it into.

use std::ops::Range;

use super::super::complaint::{Complaint, TextError};
use super::build::{Broken, Builder};
use super::helm;
use super::sequence::{Division, division};
use super::shadow;
use super::tree::{Kind, Tree};

/// The bytes of each document, to the beginning of the next, and its tree.
pub(super) type Documents = Vec<(Range<usize>, Tree)>;

/// The documents of a text.
pub(crate) fn documents(name: &str, text: &str) -> Result<Documents, TextError> {
    let all = Part { name, whole: text, at: 0..text.len() };
    let trees = all.documents().or_else(|told| match division(text) {
        Division::Yaml => Err(told),
        Division::Parts(places) => in_parts(name, text, places),
        Division::Broken(at) => Err(all.no_json(at).into()),
    });
    let template = match &trees {
        Ok(trees) => trees.iter().find_map(|(_, tree)| helm::in_tree(text, tree)),
        Err(_) => helm::in_broken_text(text),
    };
    match template {
        Some(span) => Err(helm::complaint(name, text, span).into()),
        None => trees,
    }
}

/// The documents of a text whose parts are read each by itself.
fn in_parts(name: &str, text: &str, places: Vec<Range<usize>>) -> Result<Documents, TextError> {
    let mut documents: Documents = Vec::new();
    for at in places {
        let own = Part { name, whole: text, at }.documents()?;
        if let Some(span) = own.first().and_then(|(_, tree)| no_object(tree)) {
            let message = "behind the end of a JSON object stands a value that is no object";
            return Err(Complaint::new(name, text, span, message)
                .help("take it out: every document is an object")
                .into());
        }
        documents.extend(own);
    }
    // Each ends where the next begins.
    let starts: Vec<_> = documents.iter().map(|(span, _)| span.start).skip(1).chain([text.len()]).collect();
    for ((span, _), end) in documents.iter_mut().zip(starts) {
        span.end = end;
    }
    Ok(documents)
}

/// Where a document's value stands, if it is neither a mapping nor nothing.
fn no_object(tree: &Tree) -> Option<Range<usize>> {
    let root = tree.node(tree.root);
    let is_one = match &root.kind {
        Kind::Mapping { .. } => true,
        Kind::Scalar { value, .. } => value.is_null(),
        _ => false,
    };
    (!is_one).then(|| root.span.clone())
}

/// A text that is read by itself, and where it stands.
pub(super) struct Part<'t> {
    name: &'t str,
    whole: &'t str,
    at: Range<usize>,
}

impl<'t> Part<'t> {
    pub(super) fn text(&self) -> &'t str {
        &self.whole[self.at.clone()]
    }

    fn documents(&self) -> Result<Documents, TextError> {
        let text = self.text();
        let read = |shadow: &str| Builder::new(self, shadow).stream();
        let mut documents = read(text).or_else(|Broken { told, error }| {
            let shadow = error.and_then(|error| shadow::of(text, &error)).ok_or(told)?;
            read(&shadow).map_err(|broken| broken.told)
        })?;
        for (span, tree) in &mut documents {
            *span = span.start + self.at.start..span.end + self.at.start;
            tree.shift(self.at.start);
        }
        Ok(documents)
    }

    /// What is no JSON stands there behind a JSON object, or a byte order mark does.
    fn no_json(&self, at: usize) -> Complaint {
        let end = at + self.text()[at..].chars().next().map_or(0, char::len_utf8);
        if self.text()[at..].starts_with('\u{feff}') {
            return self.misplaced_mark(at..end);
        }
        self.complaint(at..end, "behind the end of a JSON object stands what is no JSON").help(
            "take it out, or put a line `---` between all documents: where they have none, each must be a whole JSON object",
        )
    }

    pub(super) fn misplaced_mark(&self, span: Range<usize>) -> Complaint {
        self.complaint(span, "a byte order mark stands where kubectl does not read it").help(
            "take it out: one may stand at the beginning of a file, and right behind a line `---`; files that were put behind each other have more",
        )
    }

    pub(super) fn complaint(&self, span: Range<usize>, message: impl Into<String>) -> Complaint {
        let span = span.start + self.at.start..span.end + self.at.start;
        Complaint::new(self.name, self.whole, span, message)
    }
}
