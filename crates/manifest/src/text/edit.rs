//! Edits of a text: each replaces one range of bytes, and is read again before it counts.

use serde_json::Value;

use super::complaint::Refusal;
use super::pointer::Pointer;
use super::stream::Stream;
use super::undo::Undo;

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
    /// for a key, a sequence for an index.
    Insert {
        /// The new key's or item's own pointer. A last index is not read: `position` says where the item goes.
        at: Pointer,
        /// Its value.
        value: Value,
        /// Where a new item goes; for keys it is not read.
        position: Position,
    },
    /// A key or an item is taken out.
    Remove {
        /// Which one.
        at: Pointer,
    },
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
pub fn edit(_stream: &Stream, _edits: &[(usize, Edit)]) -> Result<Edited, Refusal> {
    unimplemented!()
}
