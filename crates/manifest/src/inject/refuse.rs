//! What can't be injected at all, and why.

use segue_yaml::{Pointer, Stream};
use serde_json::Value;

use super::draft::{Decisions, Draft};
use super::foreign::ENDS;
use crate::names::{CONTAINERS, STATE_VOLUME, VOLUME};
use crate::notes::{Rule, Words};
use crate::objects::{Aside, Kind, Object, Template, aside};

/// The first Kubernetes with native sidecars switched on.
pub const NATIVE_SIDECARS: (u32, u32) = (1, 29);

const OS_LABELS: [&str; 2] = ["kubernetes.io/os", "beta.kubernetes.io/os"];

/// APIs that were gone before native sidecars came: a cluster that takes them has none.
const OLD_APIS: [(&str, &str, &str); 12] = [
    ("extensions/v1beta1", "Ingress", "1.22"),
    ("networking.k8s.io/v1beta1", "Ingress", "1.22"),
    ("extensions/v1beta1", "Deployment", "1.16"),
    ("extensions/v1beta1", "DaemonSet", "1.16"),
    ("extensions/v1beta1", "ReplicaSet", "1.16"),
    ("apps/v1beta1", "Deployment", "1.16"),
    ("apps/v1beta1", "StatefulSet", "1.16"),
    ("apps/v1beta2", "Deployment", "1.16"),
    ("apps/v1beta2", "StatefulSet", "1.16"),
    ("policy/v1beta1", "PodDisruptionBudget", "1.25"),
    ("batch/v1beta1", "CronJob", "1.25"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "1.26"),
];

/// What a workload may not be or have.
pub(super) fn workload(draft: &mut Draft) {
    let template = draft.template().clone();
    let spec_at = template.spec_at();
    if let Some(at) = windows(&template) {
        draft.refuse(
            Rule::Windows,
            &spec_at.then(at),
            "these pods run on Windows",
            "the agent is a Linux program: leave this workload out",
        );
    }
    for (list, containers, kind, not_ours, help) in [
        (
            "initContainers",
            &template.spec.init_containers,
            "an init container",
            " that is not of this injection",
            "rename it, or, if it was injected, take it out with the hooks: the record that could undo it is missing",
        ),
        (
            "containers",
            &template.spec.containers,
            "a container",
            "",
            "rename it: inject adds one of that name",
        ),
    ] {
        for (index, container) in containers.iter().enumerate() {
            if CONTAINERS.contains(&container.name.as_str()) {
                let at = spec_at.then(list).then(index);
                let message = format!("there is {kind} named {}{not_ours}", container.name);
                draft.refuse(Rule::NameTaken, &at, message, help);
            }
        }
    }
    for (index, volume) in template.spec.volumes.iter().enumerate() {
        if [VOLUME, STATE_VOLUME].contains(&volume.name.as_str()) {
            let at = spec_at.then("volumes").then(index);
            draft.refuse(
                Rule::NameTaken,
                &at,
                format!("there is a volume named {}", volume.name),
                "rename it: inject adds one of that name",
            );
        }
    }
    let claims = Pointer::keys(["spec", "volumeClaimTemplates"]);
    let named = draft.workload.object.value(&claims).and_then(Value::as_array).into_iter().flatten();
    let taken = named.map(|claim| claim["metadata"]["name"].as_str().unwrap_or_default().to_owned());
    for (index, name) in taken.enumerate().filter(|(_, name)| [VOLUME, STATE_VOLUME].contains(&name.as_str()))
    {
        let help = "rename it: inject adds a volume of that name, and a claim would stand in its place";
        draft.refuse(
            Rule::NameTaken,
            &claims.then(index),
            format!("there is a volume claim named {name}"),
            help,
        );
    }
}

/// Where the template says that its pods run on Windows.
fn windows(template: &Template) -> Option<&'static str> {
    let spec = &template.spec;
    if spec.os.name == "windows" {
        return Some("os");
    }
    if OS_LABELS.iter().any(|label| spec.node_selector.get(*label).is_some_and(|os| os == "windows")) {
        return Some("nodeSelector");
    }
    let terms = spec
        .affinity
        .pointer("/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    let asks = |term: &Value| {
        let expressions = term.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
        expressions.into_iter().any(|one| {
            let key = one.get("key").and_then(Value::as_str).unwrap_or_default();
            let values = one.get("values").and_then(Value::as_array).into_iter().flatten();
            OS_LABELS.contains(&key)
                && one.get("operator").and_then(Value::as_str) == Some("In")
                && values.into_iter().all(|value| value == "windows")
        })
    };
    let terms = terms.and_then(Value::as_array)?;
    (!terms.is_empty() && terms.iter().all(asks)).then_some("affinity")
}

/// Objects that say that they are for a Kubernetes without native sidecars.
pub(super) fn old_cluster(decisions: &mut Decisions, streams: &[Stream], objects: &[Object]) {
    for object in objects {
        let old =
            OLD_APIS.iter().find(|(api, kind, _)| *api == object.api_version && *kind == object.kind_name);
        if let Some((api, kind, gone)) = old {
            let message = format!(
                "{api} {kind} was removed in Kubernetes {gone}, and the agent needs 1.29 (native sidecars)"
            );
            let help = "move to the API that came after it; on such an old cluster nothing can be injected"
                .to_owned();
            decisions.refuse(
                Rule::OldKubernetes,
                streams,
                (object, &Pointer::keys(["apiVersion"])),
                (message, help),
            );
        }
        let version = Pointer::keys(["metadata", "version"]);
        if object.kind_name == "ClusterConfig"
            && object.api_version.starts_with("eksctl.io/")
            && let Some(known) = object.value(&version).and_then(Value::as_str).and_then(version_of)
            && known < NATIVE_SIDECARS
        {
            let message = format!(
                "the cluster has Kubernetes {}.{}, and the agent needs 1.29 (native sidecars)",
                known.0, known.1
            );
            let help = "upgrade the cluster first".to_owned();
            decisions.refuse(Rule::OldKubernetes, streams, (object, &version), (message, help));
        }
    }
}

/// A version's major and minor number, as in `1.28`, `v1.29.3` or `1.30+`.
pub fn version_of(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
    Some((major, minor.parse().ok()?))
}

/// Kinds whose pods end by themselves, or whose pods are described elsewhere: why they are left alone.
pub(super) fn left_alone(object: &Object) -> Option<(Rule, Words)> {
    if let Some(maker) = object.maker() {
        let words = (
            format!("of {maker}"),
            "it is left alone: its controller makes it anew from its own template; inject that",
        );
        return Some((Rule::MadeByOther, words.into()));
    }
    if let Ok(Some(template)) = Template::of(object) {
        return aside(object, &template).map(put_aside);
    }
    let none = (Rule::NoTemplate, "it has no template: nothing to inject".into());
    match object.kind {
        Kind::Job => Some((Rule::EndsByItself, ENDS.into())),
        Kind::Rollout => Some(match object.json.pointer("/spec/workloadRef/name").and_then(Value::as_str) {
            Some(name) => {
                let words = (
                    format!("workloadRef {name}"),
                    "it takes its pods from there: inject that; maxUnavailable and maxSurge of this Rollout are left as they are",
                );
                (Rule::PodsFromOther, words.into())
            }
            None => none,
        }),
        kind if kind.template().is_some() => Some(none),
        _ => None,
    }
}

fn put_aside(aside: Aside) -> (Rule, Words) {
    match aside {
        Aside::Part { lack } => {
            let text = "it is no whole workload, but a part of one, as patches are. Give what comes of it: `kubectl kustomize DIR | segue inject -`";
            (Rule::PartOfWorkload, (lack, text).into())
        }
        Aside::Hook { of, when } => {
            let text = format!("it is left alone: {of} runs it as a hook and waits for its end by itself");
            (Rule::RunAsHook, (format!("hook {when}"), text).into())
        }
        Aside::Ends { policy } => (Rule::EndsByItself, (format!("restartPolicy: {policy}"), ENDS).into()),
    }
}
