//! Whether a namespace's quotas leave room for the pods that a rollout starts first, and for what the agent asks for.
//!
//! A pod that is not admitted is an event of its ReplicaSet and no more: the rollout stands still, and nobody says why.

use segue_yaml::Pointer;
use serde_json::Value;

use super::draft::Draft;
use super::sizes;
use crate::notes::Rule;
use crate::objects::{Kind, PodSpec, Quantity, Range, Resources};
use crate::workload::replicas;

/// What quotas count of pods, by the names that they have for it, and where a container says it.
const COUNTED: [(&[&str], &str, bool); 4] = [
    (&["requests.cpu", "cpu"], "cpu", false),
    (&["requests.memory", "memory"], "memory", false),
    (&["limits.cpu"], "cpu", true),
    (&["limits.memory"], "memory", true),
];

/// Tells of every quota that is too small for the workload with its agents while it is rolled out.
pub(super) fn tell(draft: &mut Draft, agent: &Resources) {
    let workload = draft.workload;
    let (most, scaled) = match &workload.autoscaler {
        Some((object, autoscaler)) => (autoscaler.most, Some(object)),
        None => (replicas(workload.object), None),
    };
    // One for each node, and how many those are is not known.
    if matches!(workload.object.kind, Kind::DaemonSet | Kind::PodTemplate) || most == 0 {
        return;
    }
    let surge = surge(draft, most);
    let spec = &workload.template.spec;
    let scaled = scaled.map_or(String::new(), |object| format!(" (the most that {object} makes)"));
    let mut said = Vec::new();
    for (object, quota) in &workload.quotas {
        if !quota.counts(spec, agent.requests.is_empty()) {
            continue;
        }
        // Where a quota tells them apart, pods that ask for nothing stay as they are.
        let counts = |spec: &PodSpec| quota.counts(spec, spec.is_best_effort());
        let beside = workload.neighbours.iter().filter(|one| counts(&one.template.spec));
        // `pods` counts those that run, `count/pods` those that have ended too.
        let running: u64 = beside.clone().map(|one| one.least).sum();
        let objects: u64 = beside.clone().map(|one| one.objects).sum();
        for (key, others) in [("pods", running), ("count/pods", objects)] {
            let Some(hard) = quota.allows(&[key]) else { continue };
            let hard = u64::try_from(hard.0 / 1000).unwrap_or(u64::MAX);
            if surge == 0 || others + most + surge <= hard {
                continue;
            }
            let room = hard.saturating_sub(others + most);
            let besides = if others > 0 {
                format!(" and {others} of other workloads in the input")
            } else {
                String::new()
            };
            let effect = if room == 0 {
                "the rollout stands still at that size"
            } else {
                "the rollout is slower than it could be"
            };
            said.push(format!(
                "{object} allows {hard} pods: beside {most} of these{scaled}{besides} there is room for {room} of the {surge} that a \
                 rollout starts first, so {effect}. Allow {} or more; a pod that drains counts until it is gone",
                others + most + surge
            ));
        }
        for (keys, resource, limits) in COUNTED {
            let Some(hard) = quota.allows(keys) else { continue };
            let range = sizes::range(draft, "Container", resource);
            let used = |spec: &PodSpec| used(spec, range, resource, limits);
            let own = used(spec).and(range.filled(agent, resource, limits).unwrap_or_default());
            let mine = own.times(u128::from(most + surge));
            let needed = beside
                .clone()
                .map(|one| used(&one.template.spec).times(u128::from(one.least)))
                .fold(mine, Quantity::and);
            if needed > hard {
                said.push(format!(
                    "{object} allows {} {hard}: with the agent and {surge} more during a rollout, {most} of these pods{scaled} and what else \
                     is in the input need {needed}; what is more is not admitted",
                    keys[0]
                ));
            }
        }
    }
    for text in said {
        draft.note_at(Rule::ResourceQuota, &Pointer::keys(["spec"]), text);
    }
}

/// How many pods more than asked for a rollout starts first, by the values that it is left with.
fn surge(draft: &Draft, replicas: u64) -> u64 {
    let strategy = Pointer::keys(["spec", "strategy"]);
    let value = |at: Pointer| draft.workload.object.value(&at).filter(|value| !value.is_null());
    let values = match draft.workload.object.kind {
        Kind::Deployment if value(strategy.then("type")).is_some_and(|kind| kind == "Recreate") => return 0,
        Kind::Deployment => strategy.then("rollingUpdate"),
        // A whole second version.
        Kind::Rollout if value(strategy.then("blueGreen")).is_some() => return replicas,
        Kind::Rollout => strategy.then("canary"),
        _ => return 0,
    };
    let asked = match value(values.then("maxSurge")) {
        Some(Value::Number(number)) => number.as_u64().unwrap_or(0),
        Some(Value::String(text)) => share(text, replicas),
        _ => share("25%", replicas),
    };
    if draft.options.keep_strategy { asked } else { asked.max(1) }
}

/// Percentages are rounded up.
fn share(text: &str, replicas: u64) -> u64 {
    match text.trim().strip_suffix('%') {
        Some(percent) => percent.parse::<u64>().map_or(0, |percent| (replicas * percent).div_ceil(100)),
        // A number in quotes was refused before.
        None => 0,
    }
}

/// What a pod's containers have, with what the namespace gives those that say nothing.
fn used(spec: &PodSpec, range: Range, resource: &str, limits: bool) -> Quantity {
    let sidecars = spec.init_containers.iter().filter(|container| container.is_sidecar());
    let all = spec.containers.iter().chain(sidecars);
    all.filter_map(|container| range.filled(&container.resources, resource, limits))
        .fold(Quantity::default(), Quantity::and)
}
