//! Taking edits back.

use serde::{Deserialize, Serialize};

use super::complaint::Refusal;
use super::pointer::Pointer;
use super::stream::Stream;

/// How one edit is taken back: what it replaced, enough to restore the bytes exactly. Serialises as compact JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undo {
    at: Pointer,
}

impl Undo {
    /// Which value the edit was about, as it was called then.
    pub fn at(&self) -> &Pointer {
        &self.at
    }

    /// The same for the value in which the list of undos itself is kept: it cannot be told beforehand, so it is taken out
    /// whatever it holds by then.
    ///
    /// First insert the record with any value and take the edit's undo, made whatever-it-holds; then set the record
    /// to the whole list. The second edit needs no undo.
    #[must_use]
    pub fn whatever_it_holds(self) -> Self {
        self
    }
}

/// What taking edits back made of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The whole new text.
    pub text: String,
    /// What was left, because someone has changed it since.
    pub skipped: Vec<Skipped>,
}

/// An edit that was not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which value.
    pub at: Pointer,
    /// Why, in a sentence without a full stop.
    pub reason: String,
}

/// Takes edits of one document back, the last one first; `undos` is in the order of the edits.
///
/// If nothing else has changed since, the text is what it was, byte by byte. Otherwise what was written by an edit and is
/// still there is taken out, and what someone has changed since is left and listed.
pub fn undo(_stream: &Stream, _document: usize, _undos: &[Undo]) -> Result<Undone, Refusal> {
    unimplemented!()
}
