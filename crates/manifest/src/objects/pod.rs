//! The template of a pod.

use std::collections::BTreeMap;

use segue_yaml::Pointer;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::values::nullable;
use super::{Lifecycle, Meta, Object, PodLabels, Probe, ShapeError};

/// A workload's pods: their labels and annotations, what runs in them, and where that stands in the object.
#[derive(Debug, Clone)]
pub struct Template {
    /// Where it stands, from the object's root.
    pub at: Pointer,
    /// Its labels and annotations.
    pub meta: Meta,
    /// The labels of its pods.
    pub labels: PodLabels,
    /// What runs in it.
    pub spec: PodSpec,
}

/// What is read of a pod's `spec`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodSpec {
    /// The ordinary containers.
    #[serde(default, deserialize_with = "nullable")]
    pub containers: Vec<Container>,
    /// Init containers; those with `restartPolicy: Always` are native sidecars.
    #[serde(default, deserialize_with = "nullable")]
    pub init_containers: Vec<Container>,
    /// Volumes.
    #[serde(default, deserialize_with = "nullable")]
    pub volumes: Vec<Volume>,
    /// Whether it has no network of its own.
    #[serde(default, deserialize_with = "nullable")]
    pub host_network: bool,
    /// From the deletion to SIGKILL, in seconds; Kubernetes' default is 30.
    pub termination_grace_period_seconds: Option<u64>,
    /// Labels that its node must have.
    #[serde(default, deserialize_with = "nullable")]
    pub node_selector: BTreeMap<String, String>,
    /// Its operating system.
    #[serde(default, deserialize_with = "nullable")]
    pub os: Os,
    /// Where it may run.
    #[serde(default, deserialize_with = "nullable")]
    pub affinity: Value,
    /// Which pods it may displace.
    #[serde(default, deserialize_with = "nullable")]
    pub priority_class_name: String,
    /// When it ends by itself.
    pub active_deadline_seconds: Option<u64>,
    /// Resources of the pod as a whole (Kubernetes 1.34 and later).
    #[serde(default, deserialize_with = "nullable")]
    pub resources: Resources,
}

/// A pod's operating system.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Os {
    /// `linux` or `windows`.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
}

/// What is read of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its name.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// The ports that it declares.
    #[serde(default, deserialize_with = "nullable")]
    pub ports: Vec<ContainerPort>,
    /// Its hooks.
    #[serde(default, deserialize_with = "nullable")]
    pub lifecycle: Lifecycle,
    /// Its readiness probe.
    pub readiness_probe: Option<Probe>,
    /// Its liveness probe.
    pub liveness_probe: Option<Probe>,
    /// Its startup probe.
    pub startup_probe: Option<Probe>,
    /// What it asks for.
    #[serde(default, deserialize_with = "nullable")]
    pub resources: Resources,
    /// Its volumes' places.
    #[serde(default, deserialize_with = "nullable")]
    pub volume_mounts: Vec<VolumeMount>,
    /// `Always` makes an init container a native sidecar.
    pub restart_policy: Option<String>,
    /// Its environment.
    #[serde(default, deserialize_with = "nullable")]
    pub env: Vec<Value>,
}

/// A port that a container declares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerPort {
    /// Its name.
    pub name: Option<String>,
    /// Its number; the API server refuses a port without one.
    #[serde(default, deserialize_with = "super::values::port")]
    pub container_port: Option<u16>,
    /// The node's port that leads to it.
    #[serde(default, deserialize_with = "super::values::port")]
    pub host_port: Option<u16>,
    /// `TCP` (the default), `UDP` or `SCTP`.
    pub protocol: Option<String>,
}

/// Requests and limits.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Resources {
    /// What is kept for it.
    #[serde(default, deserialize_with = "nullable")]
    pub requests: Map<String, Value>,
    /// What it may not exceed.
    #[serde(default, deserialize_with = "nullable")]
    pub limits: Map<String, Value>,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// A claim; what it says is not read.
    #[serde(default)]
    pub persistent_volume_claim: Option<Value>,
}

/// A volume's place in a container.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeMount {
    /// The volume.
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    /// Where it is.
    #[serde(default, deserialize_with = "nullable")]
    pub mount_path: String,
}

impl Template {
    /// The template in this object; `None` where it has none, as an Argo Rollout with a `workloadRef`, or where it is another's.
    pub fn of(object: &Object) -> Result<Option<Self>, ShapeError> {
        let Some(at) = object.kind.template() else { return Ok(None) };
        if object.value(&at.then("spec")).is_none_or(Value::is_null) || object.maker().is_some() {
            return Ok(None);
        }
        let meta: Meta = object.read(&at.then("metadata"))?;
        let spec = object.read(&at.then("spec"))?;
        let labels = PodLabels::of(object, &meta.labels);
        Ok(Some(Self { at, meta, labels, spec }))
    }

    /// Where its `spec` stands, from the object's root.
    pub fn spec_at(&self) -> Pointer {
        self.at.then("spec")
    }

    /// Every container, ordinary ones first, and where each stands.
    pub fn all_containers(&self) -> impl Iterator<Item = (Pointer, &Container)> {
        let lists = [("containers", &self.spec.containers), ("initContainers", &self.spec.init_containers)];
        lists.into_iter().flat_map(|(list, containers)| {
            let at = self.spec_at().then(list);
            containers.iter().enumerate().map(move |(index, one)| (at.then(index), one))
        })
    }

    /// Where one of its ordinary containers stands.
    pub fn container_at(&self, index: usize) -> Pointer {
        self.spec_at().then("containers").then(index)
    }

    /// An annotation's place.
    pub fn annotation_at(&self, key: &str) -> Pointer {
        self.at.then("metadata").then("annotations").then(key)
    }
}

impl PodSpec {
    /// Whether no container asks for anything or is held to anything.
    pub fn is_best_effort(&self) -> bool {
        let mut all =
            self.containers.iter().chain(&self.init_containers).map(|container| &container.resources);
        all.all(|one| one.requests.is_empty() && one.limits.is_empty())
    }
}

impl Container {
    /// Whether it is a native sidecar, if it is an init container.
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }

    /// The number of the port that it calls so.
    pub fn port_named(&self, name: &str) -> Option<&ContainerPort> {
        self.ports.iter().find(|port| port.name.as_deref() == Some(name))
    }

    /// Its probes, each with its key.
    pub fn probes(&self) -> impl Iterator<Item = (&'static str, &Probe)> {
        let all = [
            ("startupProbe", &self.startup_probe),
            ("livenessProbe", &self.liveness_probe),
            ("readinessProbe", &self.readiness_probe),
        ];
        all.into_iter().filter_map(|(key, probe)| probe.as_ref().map(|probe| (key, probe)))
    }

    /// The value of an environment variable that is written out.
    pub fn env_value(&self, name: &str) -> Option<&str> {
        let named = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(name);
        self.env.iter().find(named)?.get("value")?.as_str()
    }

    /// Whether it has an environment variable whose name begins so.
    pub fn has_variable(&self, beginning: &str) -> bool {
        let mut names = self.env.iter().filter_map(|one| one.get("name")?.as_str());
        names.any(|name| name.starts_with(beginning))
    }
}

impl ContainerPort {
    /// Whether it is a TCP port.
    pub fn is_tcp(&self) -> bool {
        super::values::is_tcp(self.protocol.as_deref())
    }
}
