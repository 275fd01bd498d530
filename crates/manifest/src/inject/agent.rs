//! The agent's container and its volumes.

use segue_core::pod::PodPlan;
use serde_json::{Map, Value, json};

use super::draft::Draft;
use crate::objects::{Container, Resources};
use crate::text::Position;

/// The agent's name in the pod.
pub(super) const NAME: &str = "segue-agent";
/// The volume in which the application's containers find the hook's binary.
pub(super) const VOLUME: &str = "segue";
/// The agent's own volume.
pub(super) const STATE_VOLUME: &str = "segue-state";
/// Where the shared volume is in every container.
pub(super) const MOUNT: &str = "/segue";
/// The variable in which the agent finds its plan.
pub(super) const PLAN_VARIABLE: &str = "SEGUE_PLAN";

/// What the agent takes without connections, in KiB.
const BASE_MEMORY: u64 = 10 * 1024;
/// What one connection through the guard takes, idle, in KiB.
const CONNECTION_MEMORY: u64 = 16;

/// How the scheduler ranks a pod by its requests and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quality {
    Guaranteed,
    Burstable,
    BestEffort,
}

/// Puts the agent into the pod, before all other init containers: the first of the native sidecars to start is the last one to
/// be stopped.
pub(super) fn decide(draft: &mut Draft, plan: &PodPlan) {
    let spec_at = draft.template().spec_at();
    for volume in [VOLUME, STATE_VOLUME] {
        draft.add(&spec_at.then("volumes"), json!({"name": volume, "emptyDir": {}}), Position::Last);
    }
    let resources = resources(draft, plan);
    draft.add(
        &spec_at.then("initContainers"),
        container(&draft.options.agent_image, plan, &resources),
        Position::First,
    );
}

fn container(image: &str, plan: &PodPlan, resources: &Value) -> Value {
    json!({
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["run"],
        "restartPolicy": "Always",
        "env": [{"name": PLAN_VARIABLE, "value": variable(plan)}],
        "resources": resources,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "startupProbe": {
            "exec": {"command": ["/segue-agent", "ready"]},
            "timeoutSeconds": 10,
            "periodSeconds": 1,
            "failureThreshold": 30,
        },
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": plan.control_port},
            "periodSeconds": 5,
            "failureThreshold": 2,
            "timeoutSeconds": 5,
        },
        "volumeMounts": [
            {"name": VOLUME, "mountPath": MOUNT},
            {"name": STATE_VOLUME, "mountPath": "/segue-state"},
        ],
    })
}

/// The plan as an environment variable's value. Kubernetes expands `$(NAME)` and makes one dollar of two there; JSON can
/// write a dollar without writing it.
fn variable(plan: &PodPlan) -> String {
    let json = serde_json::to_string(plan).unwrap_or_default();
    json.replace('$', "\\u0024")
}

/// Reads a plan out of an agent's container; `None` if it holds none that is understood.
pub(super) fn plan_of(container: &Container) -> Option<PodPlan> {
    let read = |json: &str| serde_json::from_str(json).map_err(|error| error.to_string());
    PodPlan::parse(container.env_value(PLAN_VARIABLE)?, read).ok()
}

fn resources(draft: &mut Draft, plan: &PodPlan) -> Value {
    let spec = &draft.template().spec;
    let by_pod = !spec.resources.requests.is_empty() || !spec.resources.limits.is_empty();
    let quality = quality(spec.containers.iter().chain(&spec.init_containers).map(|one| &one.resources));
    let memory = if plan.guarded() {
        format!("{}Mi", (BASE_MEMORY + CONNECTION_MEMORY * u64::from(plan.max_connections)).div_ceil(1024))
    } else {
        "16Mi".to_owned()
    };
    match quality {
        Quality::Guaranteed if !by_pod => {
            // A limit of a few thousandths would throttle the guard: each request passes through it.
            let cpu = if plan.guarded() { "500m" } else { "50m" };
            draft.note(format!(
                "these pods are Guaranteed and stay so: the agent's limits equal its requests (cpu {cpu}, memory {memory})"
            ));
            json!({"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}})
        }
        Quality::BestEffort if !by_pod => {
            draft.note(
                "these pods were BestEffort and become Burstable: the agent asks for memory of its own",
            );
            json!({"requests": {"cpu": "10m", "memory": memory}})
        }
        _ => json!({"requests": {"cpu": "10m", "memory": memory}}),
    }
}

fn quality<'r>(containers: impl Iterator<Item = &'r Resources>) -> Quality {
    let all: Vec<_> = containers.collect();
    if all.iter().all(|one| one.requests.is_empty() && one.limits.is_empty()) {
        Quality::BestEffort
    } else if all.iter().all(|one| is_guaranteed(one)) {
        Quality::Guaranteed
    } else {
        Quality::Burstable
    }
}

/// Whether limits are set and requests equal them; a request that is missing is set to the limit by the API server.
fn is_guaranteed(resources: &Resources) -> bool {
    ["cpu", "memory"].iter().all(|key| {
        let amount = |map: &Map<String, Value>| map.get(*key).and_then(quantity);
        let limit = amount(&resources.limits);
        limit.is_some() && (!resources.requests.contains_key(*key) || amount(&resources.requests) == limit)
    })
}

/// A quantity such as `500m`, `1`, `1.5Gi`, in thousandths.
fn quantity(value: &Value) -> Option<f64> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let thousandths = match unit {
        "m" => 1.0,
        "" => 1e3,
        "k" => 1e6,
        "M" => 1e9,
        "G" => 1e12,
        "T" => 1e15,
        "Ki" => 1024e3,
        "Mi" => 1024e3 * 1024.0,
        "Gi" => 1024e3 * 1024.0 * 1024.0,
        "Ti" => 1024e3 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * thousandths)
}
