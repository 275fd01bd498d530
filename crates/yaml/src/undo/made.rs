//! What takes back an edit that has just been made.

use super::digest;
use super::kept::{EditKind, Undo};
use super::locate::names;
use crate::pointer::{Pointer, Step};
use crate::read::Kind;
use crate::splice::Made;
use crate::stream::Document;
use crate::value::{self, Change};

impl Undo {
    /// What takes back an edit that has just been made; `None` if the text around it cannot be found again.
    pub(crate) fn of(made: &Made<'_>) -> Option<Self> {
        let Made { lowered, splice, before, after, .. } = made;
        let old_json = before.documents()[made.document].json();
        let new_document = &after.documents()[made.document];
        let (kind, top) = match &lowered.change {
            Change::Set(top, _) if *top == lowered.at => (EditKind::Set, top),
            Change::Set(top, _) | Change::Insert(top, _) => (EditKind::Insert, top),
            Change::Remove(top) => (EditKind::Remove, top),
        };
        let old =
            if let Change::Insert(..) = &lowered.change { None } else { value::at(old_json, top).cloned() };
        let new = value::at(new_document.json(), &lowered.at).filter(|_| kind != EditKind::Remove);
        let from = if kind == EditKind::Remove { neighbour(new_document, top)? } else { top.clone() };
        let anchor = new_document.tree.entry_start(&new_document.tree.find(&from)?);
        let tail = if kind == EditKind::Remove {
            0
        } else {
            let found = new_document.tree.find(&lowered.at)?;
            let end = splice.range.start + splice.text.len();
            signed(end)? - signed(new_document.tree.node(found.node).span.end)?
        };
        Some(Self {
            at: lowered.at.clone(),
            kind,
            top: top.steps().len(),
            names: names(new_document.json(), &lowered.at),
            old,
            new: new.map(digest::value),
            was: before.text()[splice.range.clone()].to_owned(),
            from: (from != *top).then_some(from),
            head: signed(splice.range.start)? - signed(anchor)?,
            length: splice.text.len(),
            tail,
            bytes: Some(digest::text(&splice.text)),
        })
    }
}

/// What a removed value's bytes can be told from: the key or item before it, else the one behind, else what held it.
fn neighbour(document: &Document, removed: &Pointer) -> Option<Pointer> {
    let (holder, last) = removed.split_last()?;
    let found = document.tree.find(&holder)?;
    Some(match (&document.tree.node(found.node).kind, last) {
        (Kind::Sequence { items, .. }, Step::Index(index)) if !items.is_empty() => {
            holder.then(index.saturating_sub(1))
        }
        (Kind::Mapping { entries, .. }, Step::Key(_)) if !entries.is_empty() => {
            holder.then(entries.iter().find(|entry| !entry.merge)?.key.as_str())
        }
        _ => holder,
    })
}

fn signed(number: usize) -> Option<i64> {
    i64::try_from(number).ok()
}
