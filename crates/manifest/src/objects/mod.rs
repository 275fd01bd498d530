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
mod numbers;
mod pod;
mod policy;
mod probe;
mod quantity;
mod selector;
mod service;
mod shape;
mod vertical;

use std::fmt;

use segue_yaml::{Place, Pointer, Stream};
use serde::Deserialize;
use serde_json::Value;

pub use aside::{aside, stays_ended};
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
pub use shape::ShapeError;
pub use vertical::VerticalAutoscaler;

use shape::shaped;

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
/// (a document without `kind` and `apiVersion`) is none of ours; but a list of objects is an error, for it seems to be one.
pub fn objects(streams: &[Stream]) -> Result<Vec<Object>, (Address, ShapeError)> {
    let mut found = Vec::new();
    for (file, stream) in streams.iter().enumerate() {
        for (document, content) in stream.documents().iter().enumerate() {
            let address = Address { file, document, root: Pointer::root() };
            if is_list_of_objects(content.json()) {
                let at = Pointer::root();
                let what = "a list of objects is no object: kubectl does not read it".to_owned();
                let right = "write the objects as `items` of one with `apiVersion: v1` and `kind: List`, or behind each other, as `jq '.[]'` does";
                return Err((address, ShapeError { at, what, right: right.to_owned() }));
            }
            collect(address, content.json(), None, &mut found)?;
        }
    }
    Ok(found)
}

/// Whether it is a list of what would be objects: other tools have lists there too.
fn is_list_of_objects(json: &Value) -> bool {
    let is_object = |item: &Value| {
        let named = item.pointer("/metadata/name").is_some_and(Value::is_string);
        named || (item.get("apiVersion").is_some() && item.get("kind").is_some())
    };
    json.as_array().is_some_and(|items| items.iter().any(is_object))
}

/// `listed`: what the items of the list around it are, where they do not say it.
fn collect(
    address: Address,
    json: &Value,
    listed: Option<(&str, &str)>,
    found: &mut Vec<Object>,
) -> Result<(), (Address, ShapeError)> {
    let word = |key: &str| json.get(key).and_then(Value::as_str).filter(|word| !word.is_empty());
    let (api_version, kind_name) = match (word("apiVersion"), word("kind"), listed) {
        (Some(api_version), Some(kind_name), _) => (api_version, kind_name),
        (None, None, Some(listed)) if json.is_object() => listed,
        _ => return Ok(()),
    };
    if let Some(kind) = kind_name.strip_suffix("List")
        && let Some(items) = json.get("items").and_then(Value::as_array)
    {
        // The API server leaves both out of a typed list's items.
        let listed = Some((api_version, kind)).filter(|_| !kind.is_empty());
        for (index, item) in items.iter().enumerate() {
            let root = address.root.then("items").then(index);
            collect(Address { root, ..address.clone() }, item, listed, found)?;
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

/// The value below a pointer.
fn value_at<'v>(value: &'v Value, below: &Pointer) -> Option<&'v Value> {
    use segue_yaml::Step;
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
