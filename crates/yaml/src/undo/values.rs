//! Taking an edit back by its value: the bytes around it have changed, but it still says what was written.

use serde_json::Value;

use super::kept::{EditKind, Undo};
use super::{digest, locate};
use crate::pointer::{Pointer, Step};
use crate::splice::{Edit, Position, apply};
use crate::stream::Stream;
use crate::value;

/// The text without the edit, or why it is left.
pub(super) fn restored(now: &Stream, document: usize, undo: &Undo) -> Result<Stream, String> {
    let json = now.documents()[document].json();
    let at = locate::value_of(undo, json)?;
    let there = value::at(json, &at);
    let edit = match (undo.kind, &undo.old) {
        (EditKind::Remove, Some(old)) => put_back(json, at, old)?,
        (EditKind::Remove, None) => return Err(String::from("what was there is not known")),
        _ if there.is_none() => return Err(String::from("it is not there any more")),
        _ if undo.new.is_some() && there.map(digest::value) != undo.new => {
            return Err(String::from("it has been changed since"));
        }
        (EditKind::Set, Some(old)) => Edit::Set { at, value: old.clone() },
        (EditKind::Set, None) => return Err(String::from("what was there is not known")),
        (EditKind::Insert, _) => Edit::Remove { at: outermost(undo, json, &at) },
    };
    apply(now, document, &edit, Undo::of).map(|(after, _)| after).map_err(|refusal| refusal.0.message)
}

fn put_back(json: &Value, at: Pointer, old: &Value) -> Result<Edit, String> {
    let Some((holder, last)) = at.split_last() else {
        return Err(String::from("what was there is not known"));
    };
    let count = value::at(json, &holder).and_then(Value::as_array).map_or(0, Vec::len);
    let position = match last {
        Step::Index(index) => Position::Before((*index).min(count)),
        Step::Key(_) if value::at(json, &at).is_some() => {
            return Err(String::from("something stands there again"));
        }
        Step::Key(_) => Position::Last,
    };
    Ok(Edit::Insert { at, value: old.clone(), position })
}

/// What the edit made and nobody else has put anything into.
fn outermost(undo: &Undo, json: &Value, at: &Pointer) -> Pointer {
    // What was there before, empty, stays.
    let least = if undo.old.is_some() { undo.top + 1 } else { undo.top };
    let made = (least..at.steps().len())
        .rev()
        .take_while(|depth| locate::is_alone_in(json, &at.first(*depth)))
        .last();
    made.map_or_else(|| at.clone(), |depth| at.first(depth))
}
