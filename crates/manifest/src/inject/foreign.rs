//! What a reader must know of objects that are not read: they pass through as they are, but never in silence where they concern
//! pods that are injected, or have pods of their own.

use segue_yaml::Pointer;

use super::draft::{Decisions, Draft};
use crate::names::PLAN_ANNOTATION;
use crate::notes::{Rule, Words};
use crate::objects::{Kind, Object};
use crate::ports::Ports;
use crate::rules::strategy;

/// What to do about pods of a kind that is not known, where more can be said than of any.
const KNOWN: [(&str, &str, &str); 3] = [
    (
        "apps.openshift.io",
        "DeploymentConfig",
        "OpenShift has given it up: move it to a Deployment, and inject that",
    ),
    ("serving.knative.dev", "", "Knative's own proxy beside the application lets it finish its requests"),
    (
        "apps.kruise.io",
        "",
        "a Deployment, StatefulSet or DaemonSet of Kubernetes itself can be injected in its place",
    ),
];

/// Objects of unknown kinds that have pods of their own, and routes that are not read. `injected`: some workload is.
pub(super) fn tell(decisions: &mut Decisions, objects: &[Object], injected: bool) {
    for object in objects {
        if object.kind == Kind::OtherRoute && injected {
            decisions.note(Rule::UnreadRoute, object, UNREAD_ROUTE);
        }
        let group = object.api_version.split_once('/').map_or("", |(group, _)| group);
        if END.contains(&(group, object.kind_name.as_str())) {
            decisions.note(Rule::EndsByItself, object, ENDS);
        } else if object.foreign_pods().is_some() {
            let text = format!(
                "it is left alone: it has pods, and inject does not know its kind. These get no agent and leave without a drain: {}",
                advice(object)
            );
            decisions.note(Rule::UnknownKind, object, (object.api_version.clone(), text));
        }
    }
}

/// What is said of pods that end by themselves.
pub(super) const ENDS: &str = "it is left alone: its pods end by themselves";

/// Kinds whose pods have no template of the usual shape, and end by themselves.
const END: [(&str, &str); 6] = [
    ("argoproj.io", "Workflow"),
    ("argoproj.io", "CronWorkflow"),
    ("sparkoperator.k8s.io", "SparkApplication"),
    ("sparkoperator.k8s.io", "ScheduledSparkApplication"),
    ("tekton.dev", "TaskRun"),
    ("tekton.dev", "PipelineRun"),
];

const UNREAD_ROUTE: &str = "it is not read: how late its router hears of a pod that leaves is not counted. If it leads to these pods and is later than the \
                            paths that are known, let a longer --bound kube-proxy=D stand for it";

fn advice(object: &Object) -> &'static str {
    let group = object.api_version.split_once('/').map_or("", |(group, _)| group);
    let known =
        KNOWN.iter().find(|(own, kind, _)| *own == group && (kind.is_empty() || *kind == object.kind_name));
    known.map_or(
        "if they serve requests, let a kind that is known make them, or give them a preStop.sleep",
        |(.., advice)| advice,
    )
}

/// Objects of unknown kinds that concern one workload: they share its Services, lead to them, name its ports, or replace its pods.
pub(super) fn beside(draft: &mut Draft, objects: &[Object], ports: &Ports) {
    let workload = draft.workload;
    let mut said: Vec<(Rule, &Object, Words)> = Vec::new();
    for object in objects.iter().filter(|object| object.shares_namespace(workload.object)) {
        let names: Vec<_> =
            ports.moved().filter(|(application, _)| object.names_port(*application)).collect();
        // Policies that are not read are told whatever they name.
        if object.kind != Kind::OtherPolicy && object.foreign_pods().is_none() {
            for (application, guard) in names {
                let words = (
                    format!("port {application} of {}, the guard's {guard}", workload.object),
                    "it names this port and is not read: if it means these pods' port, let it name the guard's too, for with the guard \
                     requests come there",
                );
                said.push((Rule::UnreadPort, object, words.into()));
            }
        }
        let services = workload.bindings.iter().map(|binding| binding.object);
        let led: Vec<_> =
            services.clone().filter(|service| object.leads_to(service.meta.shown_name())).collect();
        if object.foreign_pods().is_none() && !led.is_empty() {
            said.push((Rule::UnreadRoute, object, (format!("leads to {}", led[0]), UNREAD_ROUTE).into()));
        }
        if object.steers(workload.object) {
            let text = if object.kind == Kind::Rollout {
                format!(
                    "it replaces these pods and takes only their template from there: see that its own maxUnavailable is 0, and that its own \
                     minReadySeconds is as long as the longest join in the plan ({PLAN_ANNOTATION})"
                )
            } else {
                "it decides how these pods are replaced, and is not read: see that it starts new pods before it ends old ones"
                    .to_owned()
            };
            said.push((Rule::ReplacedByOther, object, (workload.object.to_string(), text).into()));
            if strategy::is_paused(object) {
                said.push((Rule::Paused, object, strategy::PAUSED.into()));
            }
        }
        if let Some(labels) = object.foreign_pods() {
            for binding in workload.bindings.iter().filter(|binding| binding.service.picks(&labels)) {
                let words =
                    (binding.object.to_string(), "this Service sends to its pods too, which have no agent");
                said.push((Rule::PodsWithoutAgent, object, words.into()));
            }
        }
    }
    if let Some(controller) = workload.object.controller() {
        let words = (
            format!("of {controller}"),
            "its controller may take back what is injected: let that one's own settings say it, if it has any",
        );
        draft.note_at(Rule::OwnedByOther, &Pointer::keys(["metadata", "ownerReferences"]), words);
    }
    for (rule, object, words) in said {
        draft.decisions.note(rule, object, words);
    }
}
