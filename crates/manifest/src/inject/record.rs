//! The record of an injection: one annotation on each object that was changed, with everything that was replaced.
//!
//! It is what makes injecting an injected file take back the old first, and `--undo` exact to the byte.

use std::collections::BTreeMap;

use segue_yaml::{Edit, Pointer, Position, Stream, Undo, edit, parse};
use serde::{Deserialize, Serialize};

use super::draft::Decisions;
use super::read::read;
use super::refused::{Refused, not_as_written};
use crate::names::RECORD_ANNOTATION;
use crate::objects::{Address, Object, PortRef, Service, ShapeError};

/// The version of the record that is written now.
const SCHEMA: u32 = 1;

/// Why a record can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// Somebody has changed it, or its owner's was copied in part.
    #[error("{}", not_as_written(.0))]
    NotAsWritten(String),
    /// A later segue wrote it.
    #[error("it has schema {0}, this segue knows {SCHEMA}")]
    Later(u32),
}

/// What one object was before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    schema: u32,
    /// For a Service in its second step: what each of its ports, by its number, sent to before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) targets: BTreeMap<u16, u16>,
    /// How to take each edit back.
    pub(super) undo: Vec<Undo>,
}

impl Record {
    /// The record on an object; `Err` if there is one that can't be read.
    pub(super) fn of(object: &Object) -> Result<Option<Self>, Unreadable> {
        // What a controller made has a copy of its owner's annotations: that record is not of this object.
        let own = object.meta.annotation(RECORD_ANNOTATION).filter(|_| object.maker().is_none());
        let Some(text) = own else { return Ok(None) };
        let record: Self =
            serde_json::from_str(text).map_err(|error| Unreadable::NotAsWritten(error.to_string()))?;
        if record.schema > SCHEMA {
            return Err(Unreadable::Later(record.schema));
        }
        Ok(Some(record))
    }

    /// Whether it is of a Service that sends to the guard by number.
    pub(super) fn is_second_step(&self) -> bool {
        !self.targets.is_empty()
    }
}

/// How to take an object's edits back where it stands now: it may have been wrapped into a `List` since, or taken out of one, as
/// `kubectl get` does. What can't be told so is left out.
pub(super) fn undo_at(record: &Record, root: &Pointer) -> Vec<Undo> {
    let last = place();
    let then = record.undo.iter().find_map(|undo| {
        let steps = undo.at().steps().strip_suffix(last.steps())?;
        Some(Pointer(steps.to_vec()))
    });
    match then {
        Some(then) if then != *root => {
            record.undo.iter().filter_map(|undo| undo.clone().moved(&then, root)).collect()
        }
        _ => record.undo.clone(),
    }
}

/// Whether this Service sends to the guard by number.
pub(super) fn in_second_step(object: &Object) -> bool {
    matches!(Record::of(object), Ok(Some(record)) if record.is_second_step())
}

/// The application's port and the guard's in front of it for each port of a Service in its second step.
pub(super) fn held(object: &Object) -> Vec<(u16, u16)> {
    let (Ok(Some(record)), Ok(service)) = (Record::of(object), Service::of(object)) else {
        return Vec::new();
    };
    let ports = service.ports.iter().filter(|port| port.is_tcp());
    ports.filter_map(|port| Some((*record.targets.get(&port.port)?, port.target().number()?))).collect()
}

/// Where the record stands, from the object's root.
pub(super) fn place() -> Pointer {
    Pointer::keys(["metadata", "annotations", RECORD_ANNOTATION])
}

/// A Service as it was before its second step.
pub(super) fn service_before(object: &Object) -> Result<Service, ShapeError> {
    let mut service = Service::of(object)?;
    if let Ok(Some(record)) = Record::of(object) {
        for port in &mut service.ports {
            if let Some(before) = record.targets.get(&port.port).filter(|_| port.is_tcp()) {
                port.target_port = Some(PortRef::Number(*before));
            }
        }
    }
    Ok(service)
}

/// Makes all edits and records each object's on the object; what an earlier record holds stays in it. `targets`: of Services
/// that are changed in a second step.
pub(super) fn apply(
    streams: &[Stream],
    decisions: &Decisions,
    targets: &BTreeMap<Address, BTreeMap<u16, u16>>,
) -> Result<Vec<Stream>, Refused> {
    let earlier = records(streams)?;
    let mut after = Vec::new();
    for (file, stream) in streams.iter().enumerate() {
        let here: Vec<_> = decisions.edits.iter().filter(|(address, _)| address.file == file).collect();
        if here.is_empty() {
            after.push(stream.clone());
            continue;
        }
        let mut edits = Vec::new();
        for (address, own) in &here {
            edits.extend(own.iter().map(|edit| (address.document, edit.clone())));
            if !earlier.contains_key(address) {
                let at = below(&address.root, &place());
                edits.push((
                    address.document,
                    Edit::Insert { at, value: "".into(), position: Position::Last },
                ));
            }
        }
        let edited = edit(stream, &edits)?;
        let mut undos = edited.undo.into_iter();
        let mut written = Vec::new();
        for (address, own) in &here {
            let mut undo: Vec<Undo> = undos.by_ref().take(own.len()).collect();
            let mut record = earlier.get(address).cloned().unwrap_or_else(|| {
                // Taken back in the reverse order: the annotation goes first, whatever it holds by then.
                undo.extend(undos.next().map(Undo::whatever_it_holds));
                Record { schema: SCHEMA, targets: BTreeMap::new(), undo: Vec::new() }
            });
            record.undo.extend(undo);
            record.targets.extend(targets.get(address).into_iter().flatten());
            let value = serde_json::to_string(&record).expect("keys that are texts or numbers");
            let at = below(&address.root, &place());
            written.push((address.document, Edit::Set { at, value: value.into() }));
        }
        let stream = parse(stream.name(), &edited.text)?;
        let edited = edit(&stream, &written)?;
        after.push(parse(stream.name(), &edited.text)?);
    }
    Ok(after)
}

/// Every object's record.
fn records(streams: &[Stream]) -> Result<BTreeMap<Address, Record>, Refused> {
    let objects = read(streams)?;
    let own = |object: Object| Some((object.address.clone(), Record::of(&object).ok()??));
    Ok(objects.into_iter().filter_map(own).collect())
}

fn below(root: &Pointer, pointer: &Pointer) -> Pointer {
    Pointer(root.0.iter().chain(&pointer.0).cloned().collect())
}
