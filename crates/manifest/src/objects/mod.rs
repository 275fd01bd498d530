//! Kubernetes objects as they stand in files: what kind each is, where it stands, and small views of the parts that
//! matter to a drain.
//!
//! Nothing here knows all of Kubernetes' fields: a view reads what it needs from the object's JSON and leaves the rest
//! alone, so that an unknown kind or a newer field passes through untouched.

mod aside;
mod foreign;
mod ingress;
mod kind;
mod labels;
mod limits;
mod meta;
mod pod;
mod policy;
mod probe;
mod quantity;
mod selector;
mod service;

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::text::{Place, Pointer, Stream};

pub use aside::aside;
pub use ingress::{Ingress, Route};
pub use kind::Kind;
pub use labels::PodLabels;
pub use limits::{Autoscaler, Quota, Range};
pub use meta::Meta;
pub use pod::{Container, ContainerPort, Os, PodSpec, Resources, Template, Volume, VolumeMount};
pub use policy::{Monitor, NetworkPolicy, Peer, PolicyPort, PolicyRule};
pub use probe::{Exec, Handler, Header, HttpGet, Lifecycle, PortRef, Probe, Sleep, TcpSocket};
pub use quantity::Quantity;
pub use selector::{Expression, Selector};
pub use service::{Service, ServicePort};

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

/// A part of an object that is not of the shape that Kubernetes gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeError {
    /// Which part, from the object's root.
    pub at: Pointer,
    /// What is wrong with it.
    pub what: String,
}

impl Object {
    /// A pointer from this object's root as one from its document's root.
    pub fn pointer(&self, below: &Pointer) -> Pointer {
        let mut steps = self.address.root.0.clone();
        steps.extend(below.0.iter().cloned());
        Pointer(steps)
    }

    /// Where a part of it stands in its file, or the nearest part above that does.
    pub fn place(&self, streams: &[Stream], below: &Pointer) -> Option<Place> {
        let document = streams.get(self.address.file)?.documents().get(self.address.document)?;
        let mut at = Some(self.pointer(below));
        while let Some(pointer) = at {
            if let Some(place) = document.place(&pointer) {
                return Some(place);
            }
            at = pointer.split_last().map(|(above, _)| above);
        }
        None
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

    /// The controller that it belongs to, such as `Kafka events`.
    pub fn controller(&self) -> Option<String> {
        labels::controller(self)
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

/// Every object in these files, in their order; items of a `List` are objects of their own. What is no Kubernetes object
/// (a document without `kind` and `apiVersion`) is none of ours.
pub fn objects(streams: &[Stream]) -> Result<Vec<Object>, (Address, ShapeError)> {
    let mut found = Vec::new();
    for (file, stream) in streams.iter().enumerate() {
        for (document, content) in stream.documents().iter().enumerate() {
            let address = Address { file, document, root: Pointer::root() };
            collect(address, content.json(), &mut found)?;
        }
    }
    Ok(found)
}

fn collect(address: Address, json: &Value, found: &mut Vec<Object>) -> Result<(), (Address, ShapeError)> {
    let word = |key: &str| json.get(key).and_then(Value::as_str);
    let (Some(api_version), Some(kind_name)) = (word("apiVersion"), word("kind")) else {
        return Ok(());
    };
    if kind_name.ends_with("List")
        && let Some(items) = json.get("items").and_then(Value::as_array)
    {
        for (index, item) in items.iter().enumerate() {
            let root = address.root.then("items").then(index);
            collect(Address { root, ..address.clone() }, item, found)?;
        }
        return Ok(());
    }
    let kind = Kind::of(api_version, kind_name);
    let meta = match json.get("metadata") {
        None | Some(Value::Null) => Meta::default(),
        Some(meta) => match shaped(meta, &Pointer::keys(["metadata"])) {
            Ok(meta) => meta,
            // What is not known may keep anything there.
            Err(_) if kind == Kind::Other => Meta::default(),
            Err(error) => return Err((address, error)),
        },
    };
    found.push(Object {
        address,
        kind,
        kind_name: kind_name.to_owned(),
        api_version: api_version.to_owned(),
        meta,
        json: json.clone(),
    });
    Ok(())
}

/// A value in a shape of ours; an error names the part that has another.
fn shaped<T: for<'a> Deserialize<'a>>(value: &Value, below: &Pointer) -> Result<T, ShapeError> {
    use serde_path_to_error::Segment;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let at = error.path().iter().fold(below.clone(), |at, segment| match segment {
            Segment::Seq { index } => at.then(*index),
            Segment::Map { key } => at.then(key.as_str()),
            Segment::Enum { .. } | Segment::Unknown => at,
        });
        ShapeError { at, what: error.inner().to_string() }
    })
}

/// The value below a pointer.
fn value_at<'v>(value: &'v Value, below: &Pointer) -> Option<&'v Value> {
    use crate::text::Step;
    below.steps().iter().try_fold(value, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

/// For fields that may be `null` where a list or a mapping belongs: YAML writes an empty one so.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// For ports that may be 0 where none is meant.
fn port<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|number| *number > 0))
}

/// Whether a port's protocol is TCP, which it is where nothing is said.
fn is_tcp(protocol: Option<&str>) -> bool {
    protocol.is_none_or(|protocol| protocol.is_empty() || protocol == "TCP")
}

#[cfg(test)]
mod tests;
