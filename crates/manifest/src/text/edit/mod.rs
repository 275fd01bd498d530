//! Edits of a text: each replaces one range of bytes, and is read again before it counts.

mod insert;
mod items;
mod lower;
mod remove;
mod set;
mod splice;

use std::collections::BTreeMap;

use serde_json::Value;

use super::complaint::Refusal;
use super::item;
use super::part;
use super::pointer::Pointer;
use super::stream::Stream;
use super::undo::{self, Undo};

pub(super) use splice::{Splice, checked, refusal};

/// One change of a document. Later edits of a list see what earlier ones have made.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// A value that exists gets another.
    Set {
        /// Which value.
        at: Pointer,
        /// What it becomes.
        value: Value,
    },
    /// A new key of a mapping, or a new item of a sequence. What must hold it is made where it is missing or null: a mapping
    /// for a key, a sequence for an index. A key that is there already is refused.
    Insert {
        /// The new key's or item's own pointer. A last index is not read: `position` says where the item goes.
        at: Pointer,
        /// Its value.
        value: Value,
        /// Where a new item goes; for keys it is not read: they follow the last key.
        position: Position,
    },
    /// A key or an item is taken out. What holds it stays, if need be as `{}` or `[]`.
    Remove {
        /// Which one.
        at: Pointer,
    },
}

impl Edit {
    /// Which value it is about.
    fn at(&self) -> &Pointer {
        match self {
            Self::Set { at, .. } | Self::Insert { at, .. } | Self::Remove { at } => at,
        }
    }

    /// The same of the same value of another item of a `List`.
    fn through(&self, index: usize) -> Self {
        let mut edit = self.clone();
        match &mut edit {
            Self::Set { at, .. } | Self::Insert { at, .. } | Self::Remove { at } => {
                *at = item::through(at, index);
            }
        }
        edit
    }
}

/// Where a new item of a sequence goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Before all others.
    First,
    /// After all others.
    Last,
    /// Before the one that has this index now.
    Before(usize),
}

/// What edits made of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole new text.
    pub text: String,
    /// How to take each edit back, in the order of the edits.
    pub undo: Vec<Undo>,
}

/// Makes edits, each with the index of its document, in their order. All of them or none.
///
/// Refused, with place and reason: an edit of what is not there; one that others would see too (behind an alias, under an
/// anchor, from a merge key); one on whose way a key stands twice; and any whose result, read again, differs from what was
/// meant or could not be undone to the byte.
///
/// New keys and items are written in the style of their neighbours: block or flow, their indentation and line ends. In new
/// mappings `name` and `image` come first, the other keys in the order of the alphabet.
pub fn edit(stream: &Stream, edits: &[(usize, Edit)]) -> Result<Edited, Refusal> {
    if let Some(edited) = by_parts(stream, edits)? {
        return Ok(edited);
    }
    let mut now = stream.clone();
    let mut undos = Vec::with_capacity(edits.len());
    for (document, edit) in edits {
        let (next, undo) = apply(&now, *document, edit)?;
        now = next;
        undos.push(undo);
    }
    undo::rehearse(stream, &now, edits, &undos)?;
    Ok(Edited { text: now.text().to_owned(), undo: undos })
}

/// The same, each document by itself; `None` if they cannot be taken apart.
fn by_parts(stream: &Stream, edits: &[(usize, Edit)]) -> Result<Option<Edited>, Refusal> {
    let mut by_document: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (order, (document, _)) in edits.iter().enumerate() {
        by_document.entry(*document).or_default().push(order);
    }
    let (mut now, mut before, mut undos) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (document, orders) in by_document {
        let Some(part) = part::cut_out(stream, document) else { return Ok(None) };
        let own: Vec<&Edit> = orders.iter().map(|order| &edits[*order].1).collect();
        let (after, own, back) = match items::edit(&part, &own) {
            Some((after, undos)) => (after, undos, part),
            None => in_document(stream, document, part, &own)?,
        };
        now.insert(document, after);
        before.insert(document, back);
        undos.extend(orders.into_iter().zip(own));
    }
    let Some(whole) = part::put_back(stream, &now) else { return Ok(None) };
    let exact = part::put_back(&whole, &before).is_some_and(|back| back.text() == stream.text());
    Ok(exact.then(|| Edited { text: whole.text().to_owned(), undo: undos.into_values().collect() }))
}

/// Edits a document that was cut out: what it is then, how that is taken back, and what it is when it was.
fn in_document(
    stream: &Stream,
    document: usize,
    part: Stream,
    edits: &[&Edit],
) -> Result<(Stream, Vec<Undo>, Stream), Refusal> {
    let (mut now, mut undos) = (part, Vec::with_capacity(edits.len()));
    for edit in edits {
        let (next, undo) = apply(&now, 0, edit).map_err(|refusal| {
            // Told by the line of the text as it was given, where it would have been refused there too.
            let at_once = apply(stream, document, edit).err();
            let same = at_once.filter(|at_once| at_once.0.message == refusal.0.message);
            same.unwrap_or_else(|| part::in_stream(refusal, stream, document))
        })?;
        now = next;
        undos.push(undo);
    }
    let back = undo::all(&now, &undos);
    Ok((now, undos, back))
}

/// Makes one edit. Of several places where it could be made the first counts whose result reads as was meant.
pub(super) fn apply(stream: &Stream, document: usize, edit: &Edit) -> Result<(Stream, Undo), Refusal> {
    let step = lower::lower(stream, document, edit)?;
    let before = stream.documents()[document].json();
    let expected = step.change.applied_to(before).ok_or_else(|| {
        refusal(stream, document, step.place.clone(), format!("{} cannot be edited", step.at))
    })?;
    let mut reason = String::from("its style is not one that can be edited");
    for splice in &step.splices {
        match checked(stream, document, splice, &expected) {
            Ok(after) => {
                let undo = Undo::of(&step, stream, &after, document, splice);
                if let Some(undo) = undo {
                    return Ok((after, undo));
                }
            }
            Err(found) => reason = found,
        }
    }
    let message = format!("{} cannot be edited without changing anything else: {reason}", step.at);
    Err(refusal(stream, document, step.place, message))
}

pub(super) use lower::{Change, Lowered};
