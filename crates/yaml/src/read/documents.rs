//! A text's documents: of the text as it is, else of the normalised text, else of the parts that Kubernetes' reader divides it into.

use std::ops::Range;

use super::broken::Broken;
use super::builder::Builder;
use super::helm;
use super::json::{Division, division};
use super::normalise::normalised;
use super::part::Part;
use super::tree::{Documents, Kind, Tree};
use crate::diagnostic::{Diagnostic, TextError};

/// The documents of a text.
pub(crate) fn documents(name: &str, text: &str) -> Result<Documents, TextError> {
    let all = Part { name, whole: text, at: 0..text.len() };
    let trees = of_part(&all).or_else(|told| match division(text) {
        Division::Yaml => Err(told),
        Division::Parts(places) => in_parts(name, text, places),
        Division::Broken(at) => Err(all.no_json(at).into()),
    });
    let template = match &trees {
        Ok(trees) => trees.iter().find_map(|(_, tree)| helm::in_tree(text, tree)),
        Err(_) => helm::in_broken_text(text),
    };
    match template {
        Some(span) => Err(helm::diagnostic(name, text, span).into()),
        None => trees,
    }
}

/// The documents of a text whose parts are read each by itself.
fn in_parts(name: &str, text: &str, places: Vec<Range<usize>>) -> Result<Documents, TextError> {
    let mut documents: Documents = Vec::new();
    for at in places {
        let own = of_part(&Part { name, whole: text, at })?;
        if let Some(span) = own.first().and_then(|(_, tree)| no_object(tree)) {
            let message = "behind the end of a JSON object stands a value that is no object";
            return Err(Diagnostic::in_line(name, text, span, message)
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

/// The documents of a part, by their places in the whole.
fn of_part(part: &Part<'_>) -> Result<Documents, TextError> {
    let text = part.text();
    let read = |given: &str| Builder::new(part, given).stream();
    let mut documents = read(text).or_else(|Broken { told, error }| {
        let normalised = error.and_then(|error| normalised(text, &error)).ok_or(told)?;
        read(&normalised).map_err(|broken| broken.told)
    })?;
    for (span, tree) in &mut documents {
        *span = span.start + part.at.start..span.end + part.at.start;
        tree.shift(part.at.start);
    }
    Ok(documents)
}
