//! Edits of a `List`, each item by itself.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::cut::Items;
use crate::splice::{Edit, apply};
use crate::stream::Stream;
use crate::undo::{self, Undo};

/// An item on its way.
struct Part {
    before: Stream,
    now: Stream,
    undos: Vec<Undo>,
}

/// Edits the only document of a stream, and sees that every item can be had back to the byte. `None` if not every edit is within
/// an item, or if anything is refused: who does it at once knows the reason.
pub(super) fn edit(whole: &Stream, edits: &[&Edit]) -> Option<(Stream, Vec<Undo>)> {
    let items = Items::of(whole)?;
    let mut parts: BTreeMap<usize, Part> = BTreeMap::new();
    let mut undos = Vec::with_capacity(edits.len());
    for edit in edits {
        let index = Items::index_on(edit.at())?;
        let part = match parts.entry(index) {
            Entry::Occupied(part) => part.into_mut(),
            Entry::Vacant(place) => {
                let before = items.cut_out(index)?;
                place.insert(Part { now: before.clone(), before, undos: Vec::new() })
            }
        };
        let (next, undo) = apply(&part.now, 0, &edit.through(0), Undo::of).ok()?;
        part.now = next;
        part.undos.push(undo.clone());
        undos.push(undo.through(index));
    }
    let exact = |part: &Part| undo::all(&part.now, &part.undos).text() == part.before.text();
    if !parts.values().all(exact) {
        return None;
    }
    let now = parts.into_iter().map(|(index, part)| (index, part.now)).collect();
    Some((items.put_back(&now)?, undos))
}

#[cfg(test)]
mod tests;
