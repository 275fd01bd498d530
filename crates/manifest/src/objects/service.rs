//! Services.

use std::collections::BTreeMap;

use segue_yaml::Pointer;
use serde::Deserialize;

use super::values::nullable;
use super::{Object, PodLabels, PortRef, ShapeError};

/// What is read of a Service's `spec`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Labels of its pods; a Service without any has no pods of its own.
    #[serde(default, deserialize_with = "nullable")]
    pub selector: BTreeMap<String, String>,
    /// Its ports.
    #[serde(default, deserialize_with = "nullable")]
    pub ports: Vec<ServicePort>,
    /// `ClusterIP` (the default), `NodePort`, `LoadBalancer` or `ExternalName`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `None` makes it headless: its name resolves to the pods themselves.
    #[serde(rename = "clusterIP")]
    pub cluster_ip: Option<String>,
    /// `Local` keeps traffic on the node that it reached.
    pub external_traffic_policy: Option<String>,
    /// Which controller makes its load balancer.
    pub load_balancer_class: Option<String>,
    /// Whether a load balancer's Service has node ports; it has if this is missing.
    pub allocate_load_balancer_node_ports: Option<bool>,
    /// Whether pods that are not ready are found too.
    #[serde(default, deserialize_with = "nullable")]
    pub publish_not_ready_addresses: bool,
}

/// One port of a Service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Its name.
    pub name: Option<String>,
    /// Its number.
    pub port: u16,
    /// The pod's port; the same number if missing.
    pub target_port: Option<PortRef>,
    /// `TCP` (the default), `UDP` or `SCTP`.
    pub protocol: Option<String>,
    /// What is spoken there.
    pub app_protocol: Option<String>,
}

impl Service {
    /// A Service's `spec`.
    pub fn of(object: &Object) -> Result<Self, ShapeError> {
        object.read(&Pointer::keys(["spec"]))
    }

    /// Whether these pods are among its own.
    pub fn picks(&self, labels: &PodLabels) -> bool {
        self.kind.as_deref() != Some("ExternalName") && labels.picked_by_service(&self.selector)
    }

    /// Whether its name resolves to the pods themselves.
    pub fn is_headless(&self) -> bool {
        self.cluster_ip.as_deref() == Some("None")
    }

    /// Whether it is reached at the nodes.
    pub fn is_external(&self) -> bool {
        matches!(self.kind.as_deref(), Some("NodePort" | "LoadBalancer"))
    }

    /// Whether traffic from outside stays on the node that it reached.
    pub fn is_local(&self) -> bool {
        self.is_external() && self.external_traffic_policy.as_deref() == Some("Local")
    }
}

impl ServicePort {
    /// The pod's port: its own number where no other is said, and 0 or nothing says none.
    pub fn target(&self) -> PortRef {
        match &self.target_port {
            None | Some(PortRef::Number(0)) => PortRef::Number(self.port),
            Some(PortRef::Name(name)) if name.is_empty() => PortRef::Number(self.port),
            Some(target) => target.clone(),
        }
    }

    /// Whether it is a TCP port.
    pub fn is_tcp(&self) -> bool {
        super::values::is_tcp(self.protocol.as_deref())
    }
}
