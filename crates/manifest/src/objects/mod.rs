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
mod list;
mod meta;
mod numbers;
mod object;
mod pod;
mod policy;
mod probe;
mod quantity;
mod selector;
mod service;
mod shape;
mod values;
mod vertical;

pub use aside::{Aside, aside, stays_ended};
pub use ingress::{Ingress, Route};
pub use kind::Kind;
pub use labels::PodLabels;
pub use limits::{Autoscaler, Quota, Range};
pub use list::objects;
pub use meta::Meta;
pub use object::{Address, Object};
pub use pod::{Container, ContainerPort, Os, PodSpec, Resources, Template, Volume, VolumeMount};
pub use policy::{Monitor, NetworkPolicy, Peer, PolicyPort, PolicyRule};
pub use probe::{Exec, Handler, Header, HttpGet, Lifecycle, PortRef, Probe, Sleep, TcpSocket};
pub use quantity::Quantity;
pub use selector::{Expression, Selector};
pub use service::{Service, ServicePort};
pub use shape::ShapeError;
pub use vertical::VerticalAutoscaler;

#[cfg(test)]
mod tests;
