//! An object as it stands in a file.

use std::fmt;

use segue_yaml::{Place, Pointer, Stream};
use serde::Deserialize;
use serde_json::Value;

use super::kind::Kind;
use super::meta::Meta;
use super::shape::{ShapeError, shaped};
use super::values::value_at;

/// Where an object stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Which of the files.
    pub file: usize,
    /// Which document of that file.
    pub document: usize,
    /// Where in the document: its root, or an item of a `List`.
    pub root: Pointer,
}

impl Address {
    /// A pointer from the object's root as one from its document's root.
    pub fn pointer(&self, below: &Pointer) -> Pointer {
        let mut steps = self.root.0.clone();
        steps.extend(below.0.iter().cloned());
        Pointer(steps)
    }

    /// Where a part of the object stands in its file, or the nearest part above that does.
    pub fn place(&self, streams: &[Stream], below: &Pointer) -> Option<Place> {
        let document = streams.get(self.file)?.documents().get(self.document)?;
        let mut at = Some(self.pointer(below));
        while let Some(pointer) = at {
            if let Some(place) = document.place(&pointer) {
                return Some(place);
            }
            at = pointer.split_last().map(|(above, _)| above);
        }
        None
    }
}

/// One Kubernetes object.
#[derive(Debug, Clone)]
pub struct Object {
    /// Where it stands.
    pub address: Address,
    /// What it is.
    pub kind: Kind,
    /// Its kind as it is written.
    pub kind_name: String,
    /// Its API version as it is written, such as `apps/v1`.
    pub api_version: String,
    /// Its name, labels and annotations.
    pub meta: Meta,
    /// All of it.
    pub json: Value,
}

impl Object {
    /// A pointer from this object's root as one from its document's root.
    pub fn pointer(&self, below: &Pointer) -> Pointer {
        self.address.pointer(below)
    }

    /// Where a part of it stands in its file, or the nearest part above that does.
    pub fn place(&self, streams: &[Stream], below: &Pointer) -> Option<Place> {
        self.address.place(streams, below)
    }

    /// The value below a pointer from its root.
    pub fn value(&self, below: &Pointer) -> Option<&Value> {
        value_at(&self.json, below)
    }

    /// A part of it in a shape of ours; the shape's default where it is missing or null.
    pub fn read<T: for<'a> Deserialize<'a> + Default>(&self, below: &Pointer) -> Result<T, ShapeError> {
        match self.value(below) {
            None | Some(Value::Null) => Ok(T::default()),
            Some(value) => shaped(value, below),
        }
    }

    /// The controller that made a ReplicaSet or a pod, such as `Deployment web`: it is the one to change, and takes back what is
    /// changed here.
    pub fn maker(&self) -> Option<String> {
        self.controller().filter(|_| matches!(self.kind, Kind::ReplicaSet | Kind::Pod))
    }

    /// The controller that it belongs to, such as `Kafka events`: what is changed in the object, that one takes back.
    pub fn controller(&self) -> Option<String> {
        let owners = self.json.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
        let owner =
            owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
        let word = |key: &str| owner.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(format!("{} {}", word("kind"), word("name")))
    }

    /// Whether both may be in one namespace: an object that names none goes wherever it is applied to.
    pub fn shares_namespace(&self, other: &Object) -> bool {
        match (&self.meta.namespace, &other.meta.namespace) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind_name)?;
        if let Some(namespace) = &self.meta.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(self.meta.shown_name())
    }
}
