//! What can be told of objects whose kind is not known: whether they have pods of their own, which ports they name, and which
//! Services and workloads they lead to. By their shape, for no list of kinds is ever complete.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Kind, Object, PodLabels};

/// Groups of Kubernetes itself: their other kinds name no ports of pods and lead to none.
const OF_KUBERNETES: [&str; 23] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Keys below which a port or a list of ports stands.
const PORT_KEYS: [&str; 10] = [
    "port",
    "ports",
    "number",
    "targetPort",
    "portNumber",
    "containerPort",
    "healthCheckPort",
    "notPorts",
    "portLevelMtls",
    "destinationPort",
];

/// Keys below which a Service's name stands, or an object or a list of objects that have it as `name` or `host`.
const SERVICE_KEYS: [&str; 8] =
    ["service", "services", "serviceName", "serviceRef", "backend", "backendRefs", "backends", "destination"];

/// Keys below which a workload's name stands.
const WORKLOAD_KEYS: [&str; 2] = ["workloadRef", "targetRef"];

impl Object {
    /// Whether nothing of its kind is known, and it is no kind of Kubernetes itself.
    fn is_foreign(&self) -> bool {
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        let of_kubernetes = OF_KUBERNETES.contains(&group);
        matches!(self.kind, Kind::Other | Kind::OtherRoute | Kind::OtherPolicy) && !of_kubernetes
    }

    /// The labels of the pods that an object of an unknown kind makes from a template; `None` if it seems to make none.
    pub fn foreign_pods(&self) -> Option<PodLabels> {
        if !self.is_foreign() {
            return None;
        }
        let spec = self.json.get("spec")?;
        let template = template_in(spec, 2)?;
        let labels =
            template.pointer("/metadata/labels").and_then(|labels| BTreeMap::deserialize(labels).ok());
        Some(PodLabels::of(self, &labels.unwrap_or_default()))
    }

    /// Whether an object of an unknown kind names this port, by its number.
    pub fn names_port(&self, number: u16) -> bool {
        self.is_foreign() && self.json.get("spec").is_some_and(|spec| names_port(spec, number, false))
    }

    /// Whether an object of an unknown kind leads to a Service of this name.
    pub fn leads_to(&self, service: &str) -> bool {
        self.kind == Kind::Other
            && self.is_foreign()
            && self.json.get("spec").is_some_and(|spec| leads_to(spec, service))
    }

    /// Whether an object of an unknown kind, or an Argo Rollout that takes its pods from elsewhere, is about how this workload's pods are
    /// replaced.
    pub fn steers(&self, workload: &Self) -> bool {
        let group = self.api_version.split_once('/').map_or("", |(group, _)| group);
        // A vertical autoscaler has a `targetRef` too, and replaces nothing by itself.
        if !(self.is_foreign() || self.kind == Kind::Rollout) || group.starts_with("autoscaling") {
            return false;
        }
        self.json.get("spec").is_some_and(|spec| steers(spec, workload))
    }
}

/// A pod's template in a value, at most so many keys below it: what has `spec.containers`, each with an image.
fn template_in(value: &Value, depth: usize) -> Option<&Value> {
    let is_pod = |one: &Value| {
        let containers = one.get("containers").and_then(Value::as_array);
        containers.is_some_and(|all| {
            !all.is_empty() && all.iter().all(|container| container.get("image").is_some())
        })
    };
    if value.get("spec").is_some_and(is_pod) {
        return Some(value);
    }
    match value {
        Value::Object(map) if depth > 0 => map.iter().find_map(|(_, below)| template_in(below, depth - 1)),
        // A list of groups of pods is no level of its own.
        Value::Array(items) => items.iter().find_map(|item| template_in(item, depth)),
        _ => None,
    }
}

/// `of_ports`: what stands here is a port or a list of ports.
fn names_port(value: &Value, number: u16, of_ports: bool) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, below)| {
            // A mapping by port, as Istio's portLevelMtls is.
            let is_key = of_ports && key == &number.to_string();
            is_key || names_port(below, number, PORT_KEYS.contains(&key.as_str()))
        }),
        Value::Array(items) => items.iter().any(|item| names_port(item, number, of_ports)),
        Value::Number(own) => of_ports && own.as_u64() == Some(number.into()),
        Value::String(own) => of_ports && own == &number.to_string(),
        _ => false,
    }
}

fn leads_to(value: &Value, service: &str) -> bool {
    let named = |below: &Value| match below {
        Value::String(name) => is_name_of(name, service),
        Value::Object(map) => ["name", "host", "serviceName"]
            .iter()
            .any(|key| map.get(*key).and_then(Value::as_str).is_some_and(|name| is_name_of(name, service))),
        _ => false,
    };
    match value {
        Value::Object(map) => map.iter().any(|(key, below)| {
            let here = SERVICE_KEYS.contains(&key.as_str())
                && (named(below) || below.as_array().is_some_and(|items| items.iter().any(named)));
            here || leads_to(below, service)
        }),
        Value::Array(items) => items.iter().any(|item| leads_to(item, service)),
        _ => false,
    }
}

/// Whether it is the Service's name, alone or as the beginning of its name in DNS.
fn is_name_of(name: &str, service: &str) -> bool {
    name.strip_prefix(service)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with(':'))
}

fn steers(value: &Value, workload: &Object) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, below)| {
            let word = |key: &str| below.get(key).and_then(Value::as_str);
            let here = WORKLOAD_KEYS.contains(&key.as_str())
                && word("kind") == Some(&workload.kind_name)
                && word("name") == workload.meta.name.as_deref();
            here || steers(below, workload)
        }),
        Value::Array(items) => items.iter().any(|item| steers(item, workload)),
        _ => false,
    }
}
