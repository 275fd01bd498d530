//! An edit as it is asked for.

use serde_json::Value;

use crate::cut::Items;
use crate::pointer::Pointer;

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
    pub(crate) fn at(&self) -> &Pointer {
        match self {
            Self::Set { at, .. } | Self::Insert { at, .. } | Self::Remove { at } => at,
        }
    }

    /// The same of the same value of another item of a `List`.
    pub(crate) fn through(&self, index: usize) -> Self {
        let mut edit = self.clone();
        match &mut edit {
            Self::Set { at, .. } | Self::Insert { at, .. } | Self::Remove { at } => {
                *at = Items::through(at, index);
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
