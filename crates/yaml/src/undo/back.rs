//! Taking edits back: by the bytes where they are as they were written, else by the value where that is.

use std::collections::BTreeMap;

use super::kept::Undo;
use super::{bytes, values};
use crate::diagnostic::Refusal;
use crate::pointer::Pointer;
use crate::splice::Edit;
use crate::stream::Stream;

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
        return Err(stream.refusal(document, 0..0, format!("there is no document {}", document + 1)));
    }
    let alone = stream.cut_out(document).and_then(|part| {
        let (after, skipped) = take_back(&part, 0, undos);
        Some((stream.put_back(&BTreeMap::from([(document, after)]))?, skipped))
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
pub(crate) fn all(stream: &Stream, undos: &[Undo]) -> Stream {
    take_back(stream, 0, undos).0
}

/// Takes all edits back, to see that it can be done.
pub(crate) fn rehearse(
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
            return Err(before.refusal(document, place..place, message));
        }
        now = back;
    }
    if now.text() == before.text() {
        Ok(())
    } else {
        Err(before.refusal(0, 0..0, "the edits could not be taken back to the byte"))
    }
}
