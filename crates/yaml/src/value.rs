//! Changes of JSON values: what a document must read as after an edit of its text.

use serde_json::{Map, Value};

use crate::pointer::{Pointer, Step};

/// The value at a pointer.
pub(crate) fn at<'v>(value: &'v Value, pointer: &Pointer) -> Option<&'v Value> {
    pointer.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.as_object()?.get(key),
        Step::Index(index) => value.as_array()?.get(*index),
    })
}

fn at_mut<'v>(value: &'v mut Value, pointer: &Pointer) -> Option<&'v mut Value> {
    pointer.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.as_object_mut()?.get_mut(key),
        Step::Index(index) => value.as_array_mut()?.get_mut(*index),
    })
}

/// A change of one document's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// A value that exists becomes this.
    Set(Pointer, Value),
    /// This key or item is new.
    Insert(Pointer, Value),
    /// This one goes.
    Remove(Pointer),
}

impl Change {
    /// What the document reads as afterwards; `None` if it cannot be.
    pub(crate) fn applied_to(&self, document: &Value) -> Option<Value> {
        let mut document = document.clone();
        match self {
            Self::Set(at, value) => set(&mut document, at, value.clone())?,
            Self::Insert(at, value) => insert(&mut document, at, value.clone())?,
            Self::Remove(at) => remove(&mut document, at)?,
        }
        Some(document)
    }
}

/// A value that exists becomes another.
fn set(document: &mut Value, pointer: &Pointer, value: Value) -> Option<()> {
    *at_mut(document, pointer)? = value;
    Some(())
}

/// A new key, or a new item before the one that has its index.
fn insert(document: &mut Value, pointer: &Pointer, value: Value) -> Option<()> {
    let (holder, last) = pointer.split_last()?;
    match (at_mut(document, &holder)?, last) {
        (Value::Object(object), Step::Key(key)) => object.insert(key.clone(), value).is_none().then_some(()),
        (Value::Array(items), Step::Index(index)) if *index <= items.len() => {
            items.insert(*index, value);
            Some(())
        }
        _ => None,
    }
}

/// A key or an item less.
fn remove(document: &mut Value, pointer: &Pointer) -> Option<()> {
    let (holder, last) = pointer.split_last()?;
    match (at_mut(document, &holder)?, last) {
        (Value::Object(object), Step::Key(key)) => object.remove(key).map(|_| ()),
        (Value::Array(items), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            Some(())
        }
        _ => None,
    }
}

/// A value inside the mappings and sequences that these steps need.
pub(crate) fn wrapped(steps: &[Step], value: Value) -> Value {
    steps.iter().rev().fold(value, |value, step| match step {
        Step::Key(key) => Value::Object(Map::from_iter([(key.clone(), value)])),
        Step::Index(_) => Value::Array(vec![value]),
    })
}

/// Whether it is a mapping or a sequence with nothing in it.
pub(crate) fn is_empty_collection(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// Whether it is written over more than one line in block style.
pub(crate) fn is_nested(value: &Value) -> bool {
    (value.is_object() || value.is_array()) && !is_empty_collection(value)
}
