//! Where a pointer leads, and whether what is there belongs to it alone.

use std::ops::Range;

use super::tree::{Kind, NodeId, Tree};
use crate::pointer::{Pointer, Step};

/// What a pointer leads to.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The value; an alias is not followed at the last step.
    pub(crate) node: NodeId,
    /// What holds it, and its index there; `None` for the root.
    pub(crate) parent: Option<(NodeId, usize)>,
    /// Why it is shared with other places, and where that is written.
    pub(crate) shared: Option<(&'static str, Range<usize>)>,
    /// A key on the way that stands twice in its mapping.
    pub(crate) duplicate: Option<Range<usize>>,
}

/// A key that a mapping has.
struct Key {
    /// The mapping in which it is written.
    holder: NodeId,
    /// Its index there.
    index: usize,
    value: NodeId,
    /// Where it stands, if it stands there twice.
    duplicate: Option<Range<usize>>,
    /// The merge key through which it came.
    merge: Option<Range<usize>>,
}

impl Tree {
    /// Where a value's key, dash or first byte stands.
    pub(crate) fn entry_start(&self, found: &Found) -> usize {
        match found.parent {
            None => self.nodes[found.node].span.start,
            Some((holder, index)) => match &self.nodes[holder].kind {
                Kind::Mapping { entries, .. } => entries[index].start,
                Kind::Sequence { items, .. } => items[index].0,
                _ => self.nodes[found.node].span.start,
            },
        }
    }

    /// Where a pointer leads. Keys of merged mappings are found as their own readers would.
    pub(crate) fn find(&self, at: &Pointer) -> Option<Found> {
        let mut found = Found { node: self.root, parent: None, shared: None, duplicate: None };
        self.note_anchor(&mut found);
        for step in at.steps() {
            if let Kind::Alias(_) = self.nodes[found.node].kind {
                found.shared.get_or_insert(("stands behind an alias", self.nodes[found.node].span.clone()));
                found.node = self.behind(found.node);
            }
            self.step(&mut found, step)?;
            self.note_anchor(&mut found);
        }
        Some(found)
    }

    fn note_anchor(&self, found: &mut Found) {
        let node = &self.nodes[found.node];
        if node.aliased {
            found
                .shared
                .get_or_insert(("stands under an anchor that is used elsewhere too", node.span.clone()));
        }
    }

    fn step(&self, found: &mut Found, step: &Step) -> Option<()> {
        let holder = found.node;
        match (&self.nodes[holder].kind, step) {
            (Kind::Sequence { items, .. }, Step::Index(index)) => {
                found.node = items.get(*index)?.1;
                found.parent = Some((holder, *index));
            }
            (Kind::Mapping { .. }, Step::Key(key)) => {
                let own = self.key(holder, key)?;
                if let Some(span) = own.duplicate {
                    found.duplicate.get_or_insert(span);
                }
                if let Some(span) = own.merge {
                    found.shared.get_or_insert(("comes from a merge key", span));
                }
                found.node = own.value;
                found.parent = Some((own.holder, own.index));
            }
            _ => return None,
        }
        Some(())
    }

    /// A mapping's key, its own or a merged one; of two equal keys the last.
    fn key(&self, holder: NodeId, key: &str) -> Option<Key> {
        let Kind::Mapping { entries, .. } = &self.nodes[holder].kind else { return None };
        let mut same = entries.iter().enumerate().filter(|(_, entry)| !entry.merge && entry.key == key);
        if let Some((index, entry)) = same.next_back() {
            let duplicate = same.next().map(|_| entry.key_span.clone());
            return Some(Key { holder, index, value: entry.value, duplicate, merge: None });
        }
        self.merged(holder).find_map(|(merge, from)| Some(Key { merge: Some(merge), ..self.key(from, key)? }))
    }
}
