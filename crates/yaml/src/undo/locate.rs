//! Finding a value again after others have added, removed or moved items: an item of a sequence is known by its name.

use serde_json::Value;

use super::digest;
use super::kept::{EditKind, Undo};
use crate::pointer::{Pointer, Step};
use crate::value;

/// What the items on the way are called; empty if none has a name.
pub(super) fn names(json: &Value, at: &Pointer) -> Vec<Option<String>> {
    let steps = at.steps().iter().enumerate().filter(|(_, step)| matches!(step, Step::Index(_)));
    let names: Vec<_> = steps
        .map(|(depth, _)| value::at(json, &at.first(depth + 1)).and_then(name).map(str::to_owned))
        .collect();
    if names.iter().all(Option::is_none) { Vec::new() } else { names }
}

fn name(item: &Value) -> Option<&str> {
    let own = item.get("name").and_then(Value::as_str);
    own.or_else(|| item.get("metadata")?.get("name")?.as_str())
}

/// Where the edit's value is now, or would be; an error says why that cannot be told.
pub(super) fn value_of(undo: &Undo, json: &Value) -> Result<Pointer, String> {
    resolve(undo, json, &undo.at, undo.kind == EditKind::Remove)
}

/// Where that is now which the edit's bytes are told from.
pub(super) fn anchor_of(undo: &Undo, json: &Value) -> Result<Pointer, String> {
    match &undo.from {
        Some(from) => {
            // A neighbour: its holder lies on the way to the value.
            let Some((holder, last)) = from.split_last() else { return Ok(from.clone()) };
            let on_the_way = undo.at.steps().starts_with(holder.steps());
            let holder = if on_the_way { resolve(undo, json, &holder, false)? } else { holder };
            Ok(holder.then(last.clone()))
        }
        None => resolve(undo, json, &undo.at.first(undo.top), false),
    }
}

/// A beginning of the edit's pointer, with each index as it is now. The last step may lead nowhere if `open`.
fn resolve(undo: &Undo, json: &Value, way: &Pointer, open: bool) -> Result<Pointer, String> {
    let mut names = undo.names.iter();
    let mut now = Pointer::root();
    let count = way.steps().len();
    for (depth, step) in way.steps().iter().enumerate() {
        let last = depth + 1 == count;
        let holder = value::at(json, &now);
        let next = match step {
            Step::Key(_) => step.clone(),
            Step::Index(index) => {
                let name = names.next().and_then(Option::as_deref);
                let items = holder.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let whole =
                    if last && !open && count == undo.at.steps().len() { undo.new.as_deref() } else { None };
                Step::Index(if last && open { *index } else { position(items, *index, name, whole)? })
            }
        };
        now = now.then(next);
        if value::at(json, &now).is_none() && !(last && open) {
            return Err(String::from("it is not there any more"));
        }
    }
    Ok(now)
}

/// The item that was at this index: by its name, else by its whole value if that is known.
fn position(
    items: &[Value],
    index: usize,
    name_then: Option<&str>,
    whole: Option<&str>,
) -> Result<usize, String> {
    let is_it = |item: &Value| match (name_then, whole) {
        (Some(wanted), _) => name(item) == Some(wanted),
        (None, Some(wanted)) => digest::value(item) == wanted,
        (None, None) => false,
    };
    if items.get(index).is_some_and(is_it) || (name_then.is_none() && whole.is_none()) {
        return Ok(index);
    }
    let mut places = items.iter().enumerate().filter(|(_, item)| is_it(item)).map(|(place, _)| place);
    match (places.next(), places.next(), name_then) {
        (Some(place), None, _) => Ok(place),
        (Some(_), Some(_), _) => Err(String::from("several items could be it")),
        (None, _, Some(name)) => Err(format!("the item `{name}` is not there any more")),
        // Changed, perhaps: whether it is, the digest of its value says.
        (None, _, None) if index < items.len() => Ok(index),
        (None, _, None) => Err(String::from("it is not there any more")),
    }
}

/// Whether a collection holds one thing only.
pub(super) fn is_alone_in(json: &Value, collection: &Pointer) -> bool {
    match value::at(json, collection) {
        Some(Value::Object(object)) => object.len() == 1,
        Some(Value::Array(items)) => items.len() == 1,
        _ => false,
    }
}
