//! Taking edits back: by the bytes where they are as they were written, else by the value where that is.

mod bytes;
mod digest;
mod locate;
mod values;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::complaint::Refusal;
use super::edit::{Change, Edit, Lowered, Splice, refusal};
use super::item;
use super::part;
use super::pointer::{Pointer, Step};
use super::stream::Stream;
use super::value;

/// How one edit is taken back: what it replaced, enough to restore the bytes exactly. Serialises as compact JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Undo {
    /// Which value the edit was about.
    at: Pointer,
    /// What it was.
    #[serde(rename = "do")]
    kind: EditKind,
    /// How many steps of `at` lead to what was changed: fewer than all where what holds the value had to be made.
    top: usize,
    /// For each index in `at`, what the item there is called: others may have moved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<Option<String>>,
    /// What is at `top` without the edit; `None` if nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "present")]
    old: Option<Value>,
    /// The digest of the value that was written at `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new: Option<String>,
    /// The bytes that were replaced.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    was: String,
    /// Whose beginning (its key, dash or first byte) the bytes are told from, if not the value at `top`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Pointer>,
    /// Where the written bytes begin, told from there.
    head: i64,
    /// How many bytes were written.
    length: usize,
    /// How far behind the end of the value at `at` they end.
    #[serde(default, skip_serializing_if = "is_zero")]
    tail: i64,
    /// The digest of the written bytes; `None` if they may have become any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EditKind {
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

    /// What takes back an edit that has just been made; `None` if the text around it cannot be found again.
    pub(super) fn of(
        step: &Lowered,
        before: &Stream,
        after: &Stream,
        document: usize,
        splice: &Splice,
    ) -> Option<Self> {
        let old_json = before.documents()[document].json();
        let new_document = &after.documents()[document];
        let (kind, top) = match &step.change {
            Change::Set(top, _) if *top == step.at => (EditKind::Set, top),
            Change::Set(top, _) | Change::Insert(top, _) => (EditKind::Insert, top),
            Change::Remove(top) => (EditKind::Remove, top),
        };
        let old =
            if let Change::Insert(..) = &step.change { None } else { value::at(old_json, top).cloned() };
        let new = value::at(new_document.json(), &step.at).filter(|_| kind != EditKind::Remove);
        let from = if kind == EditKind::Remove { locate::neighbour(new_document, top)? } else { top.clone() };
        let anchor = new_document.tree.entry_start(&new_document.tree.find(&from)?);
        let tail = if kind == EditKind::Remove {
            0
        } else {
            let found = new_document.tree.find(&step.at)?;
            let end = splice.range.start + splice.text.len();
            signed(end)? - signed(new_document.tree.node(found.node).span.end)?
        };
        Some(Self {
            at: step.at.clone(),
            kind,
            top: top.steps().len(),
            names: locate::names(new_document.json(), &step.at),
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
        if !self.names.is_empty() || indices(new) > 0 {
            // Where it stands now is known: it need not be found by a name.
            let kept = self.names.split_off(indices(old).min(self.names.len()));
            self.names = vec![None; indices(new)];
            self.names.extend(kept);
        }
        Some(self)
    }

    /// The same for the same value of another item of a `List`.
    #[must_use]
    pub(super) fn through(mut self, index: usize) -> Self {
        self.at = item::through(&self.at, index);
        self.from = self.from.map(|from| item::through(&from, index));
        self
    }

    fn takes_anything(&self) -> bool {
        self.bytes.is_none()
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
/// still there is taken out, and what someone has changed since is left and listed. Items of sequences that have
/// moved are found by their names.
pub fn undo(stream: &Stream, document: usize, undos: &[Undo]) -> Result<Undone, Refusal> {
    if stream.documents().get(document).is_none() {
        return Err(refusal(stream, document, 0..0, format!("there is no document {}", document + 1)));
    }
    let alone = part::cut_out(stream, document).and_then(|part| {
        let (after, skipped) = take_back(&part, 0, undos);
        Some((part::put_back(stream, &BTreeMap::from([(document, after)]))?, skipped))
    });
    let (after, skipped) = alone.unwrap_or_else(|| take_back(stream, document, undos));
    Ok(Undone { text: after.text().to_owned(), skipped })
}

fn take_back(stream: &Stream, document: usize, undos: &[Undo]) -> (Stream, Vec<Skipped>) {
    let mut now = stream.clone();
    let mut skipped = Vec::new();
    for undo in undos.iter().rev() {
        let done = match bytes::restored(&now, document, undo) {
            Some(after) => Ok(after),
            None => values::restored(&now, document, undo),
        };
        match done {
            Ok(after) => now = after,
            Err(reason) => skipped.push(Skipped { at: undo.at.clone(), reason }),
        }
    }
    skipped.reverse();
    (now, skipped)
}

/// The only document of a stream without these edits, where they have just been made.
pub(super) fn all(stream: &Stream, undos: &[Undo]) -> Stream {
    take_back(stream, 0, undos).0
}

/// Takes all edits back, to see that it can be done.
pub(super) fn rehearse(
    before: &Stream,
    after: &Stream,
    edits: &[(usize, Edit)],
    undos: &[Undo],
) -> Result<(), Refusal> {
    let mut by_document: BTreeMap<usize, Vec<Undo>> = BTreeMap::new();
    for ((document, _), undo) in edits.iter().zip(undos) {
        by_document.entry(*document).or_default().push(undo.clone());
    }
    let mut now = after.clone();
    for (document, own) in by_document {
        let (back, skipped) = take_back(&now, document, &own);
        if let Some(Skipped { at, reason }) = skipped.first() {
            let place = before.documents()[document].span.start;
            let message = format!("an edit of {at} could not be taken back: {reason}");
            return Err(refusal(before, document, place..place, message));
        }
        now = back;
    }
    if now.text() == before.text() {
        Ok(())
    } else {
        Err(refusal(before, 0, 0..0, "the edits could not be taken back to the byte"))
    }
}

fn signed(number: usize) -> Option<i64> {
    i64::try_from(number).ok()
}

/// The first steps of a pointer.
fn first_steps(pointer: &Pointer, count: usize) -> Pointer {
    Pointer(pointer.steps().iter().take(count).cloned().collect::<Vec<Step>>())
}
