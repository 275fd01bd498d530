//! What is kept of an edit, so that it can be taken back.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cut::Items;
use crate::pointer::{Pointer, Step};

/// How one edit is taken back: what it replaced, enough to restore the bytes exactly. Serialises as compact JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// Which value the edit was about.
    pub(super) at: Pointer,
    /// What it was.
    #[serde(rename = "do")]
    pub(super) kind: EditKind,
    /// How many steps of `at` lead to what was changed: fewer than all where what holds the value had to be made.
    pub(super) top: usize,
    /// For each index in `at`, what the item there is called: others may have moved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) names: Vec<Option<String>>,
    /// What is at `top` without the edit; `None` if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    pub(super) old: Option<Value>,
    /// The digest of the value that was written at `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) new: Option<String>,
    /// The bytes that were replaced.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) was: String,
    /// Whose beginning (its key, dash or first byte) the bytes are told from, if not the value at `top`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Pointer>,
    /// Where the written bytes begin, told from there.
    pub(super) head: i64,
    /// How many bytes were written.
    pub(super) length: usize,
    /// How far behind the end of the value at `at` they end.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) tail: i64,
    /// The digest of the written bytes; `None` if they may have become any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<String>,
}

/// What an edit was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum EditKind {
    Set,
    Insert,
    Remove,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A value that is null is still one.
mod present {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use serde_json::Value;

    #[expect(clippy::ref_option, reason = "serde asks by reference")]
    pub(super) fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(deserializer).map(Some)
    }
}

impl Undo {
    /// Which value the edit was about, as it was called then.
    pub fn at(&self) -> &Pointer {
        &self.at
    }

    /// The same for the value in which the list of undos itself is kept: it cannot be told beforehand, so it is taken out
    /// whatever it holds by then.
    ///
    /// First insert the record with any text and take the edit's undo, made whatever-it-holds; then set the record
    /// to the whole list, that undo last. The second edit needs no undo.
    #[must_use]
    pub fn whatever_it_holds(mut self) -> Self {
        self.bytes = None;
        self.new = None;
        self
    }

    /// The same for a value that has moved as a whole, as an object does that is wrapped into a `List`: what stood below `old` stands
    /// below `new`. `None` if the edit was not below `old`.
    #[must_use]
    pub fn moved(mut self, old: &Pointer, new: &Pointer) -> Option<Self> {
        let depth = old.steps().len();
        let below = |pointer: &Pointer| {
            let rest = pointer.steps().strip_prefix(old.steps())?;
            Some(Pointer(new.steps().iter().chain(rest).cloned().collect()))
        };
        self.at = below(&self.at)?;
        self.from = match self.from {
            Some(from) => Some(below(&from)?),
            None => None,
        };
        self.top = self.top.checked_sub(depth)? + new.steps().len();
        let indices =
            |pointer: &Pointer| pointer.steps().iter().filter(|step| matches!(step, Step::Index(_))).count();
        // Where it stands now is known: it need not be found by a name.
        let kept = self.names.split_off(indices(old).min(self.names.len()));
        self.names = vec![None; indices(new)];
        self.names.extend(kept);
        Some(self)
    }

    /// The same for the same value of another item of a `List`.
    #[must_use]
    pub(crate) fn through(mut self, index: usize) -> Self {
        self.at = Items::through(&self.at, index);
        self.from = self.from.map(|from| Items::through(&from, index));
        self
    }

    pub(super) fn takes_anything(&self) -> bool {
        self.bytes.is_none()
    }
}
