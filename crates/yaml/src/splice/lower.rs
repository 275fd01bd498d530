//! What an edit comes down to: a value set, one key or item inserted, or one removed; and the refusals that need no try.

use std::ops::Range;

use serde_json::Value;

use super::edit::{Edit, Position};
use super::replace::Splice;
use super::style::Style;
use super::{insert, remove, set};
use crate::diagnostic::Refusal;
use crate::pointer::{Pointer, Step};
use crate::read::{Found, Kind};
use crate::stream::{Document, Stream};
use crate::value::{self, Change};

/// An edit brought down to a change and to the ways in which the text could be made to say so, the best one first.
pub(crate) struct Lowered {
    /// The value that the edit is about; with a new item's true index.
    pub(crate) at: Pointer,
    /// What is changed: the value itself, or what had to be made to hold it.
    pub(crate) change: Change,
    /// Where messages point.
    pub(crate) place: Range<usize>,
    pub(crate) splices: Vec<Splice>,
}

pub(super) fn lower(stream: &Stream, index: usize, edit: &Edit) -> Result<Lowered, Refusal> {
    let Some(document) = stream.documents().get(index) else {
        return Err(stream.refusal(index, 0..0, format!("there is no document {}", index + 1)));
    };
    let view = View { stream, index, document };
    match edit {
        Edit::Set { at, value } => {
            let found = view.editable(at)?;
            Ok(view.set(at.clone(), at.clone(), &found, value))
        }
        Edit::Insert { at, value, position } => view.insert(at, value, *position),
        Edit::Remove { at } => {
            let found = view.editable(at)?;
            if found.parent.is_none() {
                return Err(view.refuse(&found, format!("{at} is the whole document")));
            }
            let splices = remove::splices(stream.text(), document, at, &found);
            let place = view.place(&found);
            Ok(Lowered { at: at.clone(), change: Change::Remove(at.clone()), place, splices })
        }
    }
}

struct View<'s> {
    stream: &'s Stream,
    index: usize,
    document: &'s Document,
}

impl View<'_> {
    fn place(&self, found: &Found) -> Range<usize> {
        let node = &self.document.tree.node(found.node).span;
        self.document.tree.entry_start(found).min(node.start)..node.end
    }

    fn refuse(&self, found: &Found, message: impl Into<String>) -> Refusal {
        self.stream.refusal(self.index, self.place(found), message)
    }

    /// What is there and can be changed alone.
    fn editable(&self, at: &Pointer) -> Result<Found, Refusal> {
        let Some(found) = self.document.tree.find(at) else {
            let start = self.document.span.start;
            return Err(self.stream.refusal(self.index, start..start, format!("there is no {at}")));
        };
        if let Some((reason, span)) = &found.shared {
            return Err(self.stream.refusal(
                self.index,
                span.clone(),
                format!("{at} {reason}: an edit would change more"),
            ));
        }
        if let Some(span) = &found.duplicate {
            let message = format!(
                "a key on the way to {at} stands twice in its mapping, and readers differ in which counts"
            );
            return Err(self.stream.refusal(self.index, span.clone(), message));
        }
        if let Kind::Alias(_) = self.document.tree.node(found.node).kind {
            return Err(self.refuse(&found, format!("{at} is an alias: what it says is written elsewhere")));
        }
        Ok(found)
    }

    fn set(&self, at: Pointer, top: Pointer, found: &Found, value: &Value) -> Lowered {
        let splices = set::splices(self.stream.text(), self.document, found, value);
        Lowered { at, change: Change::Set(top, value.clone()), place: self.place(found), splices }
    }

    fn insert(&self, at: &Pointer, new: &Value, position: Position) -> Result<Lowered, Refusal> {
        let json = self.document.json();
        let steps = at.steps();
        let exists = (0..steps.len()).rev().find(|&depth| value::at(json, &at.first(depth)).is_some());
        let Some(depth) = exists else {
            return Err(self.stream.refusal(self.index, 0..0, "a document's root cannot be inserted"));
        };
        let holder = at.first(depth);
        let found = self.editable(&holder)?;
        let there = value::at(json, &holder).unwrap_or(&Value::Null);
        let fits = match &steps[depth] {
            Step::Key(_) => there.is_object() || there.is_null(),
            Step::Index(_) => there.is_array() || there.is_null(),
        };
        if !fits {
            let kind = if matches!(steps[depth], Step::Key(_)) { "a mapping" } else { "a sequence" };
            return Err(self.refuse(&found, format!("{holder} is not {kind}")));
        }
        let deeper = &steps[depth + 1..];
        let made_inside = &steps[depth..steps.len() - 1];
        if made_inside.iter().any(|step| matches!(step, Step::Index(index) if *index > 0)) {
            return Err(self.refuse(&found, format!("{holder} has no such item")));
        }
        let value = value::wrapped(deeper, new.clone());
        let first = |step: &Step| if matches!(step, Step::Index(_)) { Step::Index(0) } else { step.clone() };
        let made = |step: Step| Pointer([&steps[..depth], &[step]].concat());
        let with_rest =
            |top: &Pointer| Pointer(top.steps().iter().cloned().chain(deeper.iter().map(first)).collect());
        let flow = Style::near(self.stream.text(), self.document, &found).is_flow(self.document, &found);
        if there.is_null() || (value::is_empty_collection(there) && !flow) {
            let top = made(first(&steps[depth]));
            let whole = value::wrapped(&steps[depth..=depth], value);
            return Ok(self.set(with_rest(&top), holder, &found, &whole));
        }
        let (top, splices) = match &steps[depth] {
            Step::Key(key) => {
                let top = made(Step::Key(key.clone()));
                if let Some(found) = self.document.tree.find(&top) {
                    return Err(self.refuse(&found, format!("{top} is there already")));
                }
                (top, insert::key(self.stream.text(), self.document, &found, key, &value))
            }
            Step::Index(_) => {
                let count = there.as_array().map_or(0, Vec::len);
                let index = match position {
                    Position::First => 0,
                    Position::Last => count,
                    Position::Before(index) => index,
                };
                if index > count || !deeper.is_empty() {
                    return Err(self.refuse(&found, format!("{holder} has no such item")));
                }
                let top = made(Step::Index(index));
                (top, insert::item(self.stream.text(), self.document, &found, index, &value))
            }
        };
        let place = self.place(&found);
        Ok(Lowered { at: with_rest(&top), change: Change::Insert(top, value), place, splices })
    }
}
