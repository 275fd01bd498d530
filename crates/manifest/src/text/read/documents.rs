//! A text's documents: of the text as it is, else of its shadow, else of the parts that Kubernetes' reader divides it into.

use std::ops::Range;

use super::super::complaint::{Complaint, TextError};
use super::build::{Broken, Builder};
use super::helm;
use super::sequence;
use super::shadow;
use super::tree::Tree;

/// The bytes of each document, to the beginning of the next, and its tree.
pub(super) type Documents = Vec<(Range<usize>, Tree)>;

/// The documents of a text.
pub(crate) fn documents(name: &str, text: &str) -> Result<Documents, TextError> {
    let all = Part { name, whole: text, at: 0..text.len() };
    let trees = all.documents().or_else(|told| in_parts(name, text).unwrap_or(Err(told)));
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
fn in_parts(name: &str, text: &str) -> Option<Result<Documents, TextError>> {
    let mut documents: Documents = Vec::new();
    for at in sequence::places(text)? {
        match (Part { name, whole: text, at }).documents() {
            Ok(own) => documents.extend(own),
            Err(told) => return Some(Err(told)),
        }
    }
    // Each ends where the next begins.
    let starts: Vec<_> = documents.iter().map(|(span, _)| span.start).skip(1).chain([text.len()]).collect();
    for ((span, _), end) in documents.iter_mut().zip(starts) {
        span.end = end;
    }
    Some(Ok(documents))
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

    pub(super) fn complaint(&self, span: Range<usize>, message: impl Into<String>) -> Complaint {
        let span = span.start + self.at.start..span.end + self.at.start;
        Complaint::new(self.name, self.whole, span, message)
    }
}
