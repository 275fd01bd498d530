//! What names ports of a pod from beside it: network policies and monitors.

use segue_yaml::Pointer;
use serde::Deserialize;
use serde_json::Value;

use super::values::nullable;
use super::{Object, PodLabels, PortRef, Selector, ShapeError};

/// What is read of a NetworkPolicy's `spec`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// The pods whose traffic it rules.
    #[serde(default, deserialize_with = "nullable")]
    pub pod_selector: Selector,
    /// What may come in.
    #[serde(default, deserialize_with = "nullable")]
    pub ingress: Vec<PolicyRule>,
    /// What may go out.
    #[serde(default, deserialize_with = "nullable")]
    pub egress: Vec<PolicyRule>,
}

/// One rule of a NetworkPolicy.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PolicyRule {
    /// The ports that it allows; every port if it names none.
    #[serde(default, deserialize_with = "nullable")]
    pub ports: Vec<PolicyPort>,
    /// Where traffic may go to; everywhere if it names none.
    #[serde(default, deserialize_with = "nullable")]
    pub to: Vec<Peer>,
}

/// One port of a rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyPort {
    /// The pod's port.
    pub port: Option<PortRef>,
    /// The last of a range that begins with it.
    pub end_port: Option<u16>,
    /// `TCP` (the default), `UDP` or `SCTP`.
    pub protocol: Option<String>,
}

/// One peer of a rule.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Which pods.
    pub pod_selector: Option<Selector>,
    /// Of which namespaces.
    pub namespace_selector: Option<Selector>,
}

impl NetworkPolicy {
    /// A NetworkPolicy's `spec`.
    pub fn of(object: &Object) -> Result<Self, ShapeError> {
        object.read(&Pointer::keys(["spec"]))
    }
}

impl PolicyRule {
    /// Whether it allows traffic to pods with these labels, as far as can be told: a rule that does not say which pods
    /// may mean them. `beside`: whether the policy is in their namespace.
    pub fn reaches(&self, beside: bool, labels: &PodLabels) -> bool {
        self.to.is_empty() || self.to.iter().any(|peer| peer.may_be(beside, labels))
    }
}

impl Peer {
    fn may_be(&self, beside: bool, labels: &PodLabels) -> bool {
        let there = beside || self.namespace_selector.is_some();
        match &self.pod_selector {
            Some(selector) => there && labels.picked_by(selector),
            // Every pod of some namespaces, or an address range.
            None => true,
        }
    }
}

impl PolicyPort {
    /// Whether it allows the TCP port of this name, whatever its number.
    pub fn allows_name(&self, name: &str) -> bool {
        super::values::is_tcp(self.protocol.as_deref())
            && self.port.as_ref().and_then(PortRef::name) == Some(name)
    }

    /// Whether it allows this TCP port by its number.
    pub fn allows(&self, number: u16) -> bool {
        let tcp = super::values::is_tcp(self.protocol.as_deref());
        tcp && match (&self.port, self.end_port) {
            (None, _) => true,
            (Some(PortRef::Name(_)), _) => false,
            (Some(PortRef::Number(first)), None) => *first == number,
            (Some(PortRef::Number(first)), Some(last)) => (*first..=last).contains(&number),
        }
    }
}

/// A PodMonitor or a ServiceMonitor: which pods or Services are scraped, and where.
#[derive(Debug, Clone, Default)]
pub struct Monitor {
    /// The labels of what it scrapes.
    pub selector: Selector,
    /// Paths that it asks for.
    pub paths: Vec<String>,
    /// Ports that it names.
    pub ports: Vec<PortRef>,
}

impl Monitor {
    /// What a monitor says.
    pub fn of(object: &Object) -> Result<Self, ShapeError> {
        let spec = object.json.get("spec").unwrap_or(&Value::Null);
        let selector = object.read(&Pointer::keys(["spec", "selector"]))?;
        let endpoints =
            ["podMetricsEndpoints", "endpoints"].into_iter().filter_map(|key| spec.get(key)?.as_array());
        let mut monitor = Self { selector, ..Self::default() };
        for endpoint in endpoints.flatten() {
            let path = endpoint.get("path").and_then(Value::as_str).unwrap_or("/metrics");
            monitor.paths.push(path.to_owned());
            let ports = ["port", "targetPort", "portNumber"].into_iter().filter_map(|key| endpoint.get(key));
            monitor.ports.extend(ports.filter_map(|port| PortRef::deserialize(port).ok()));
        }
        Ok(monitor)
    }
}
