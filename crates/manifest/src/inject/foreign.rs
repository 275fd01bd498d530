//! What a reader must know of objects that are not read: they pass through as they are, but never in silence where they concern
//! pods that are injected, or have pods of their own.

use super::draft::{Decisions, Draft};
use crate::names::PLAN_ANNOTATION;
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
            decisions.note(object, UNREAD_ROUTE);
        }
        let group = object.api_version.split_once('/').map_or("", |(group, _)| group);
        if END.contains(&(group, object.kind_name.as_str())) {
            decisions.note(object, "is left alone: its pods end by themselves");
        } else if object.foreign_pods().is_some() {
            decisions.note(
                object,
                format!(
                    "is left alone: it has pods, and inject does not know its kind ({}). They get no agent and leave without a drain: {}",
                    object.api_version,
                    advice(object)
                ),
            );
        }
    }
}

/// Kinds whose pods have no template of the usual shape, and end by themselves.
const END: [(&str, &str); 6] = [
    ("argoproj.io", "Workflow"),
    ("argoproj.io", "CronWorkflow"),
    ("sparkoperator.k8s.io", "SparkApplication"),
    ("sparkoperator.k8s.io", "ScheduledSparkApplication"),
    ("tekton.dev", "TaskRun"),
    ("tekton.dev", "PipelineRun"),
];

const UNREAD_ROUTE: &str = "is not read: how late its router hears of a pod that leaves is not counted. If it leads to these pods and is later than the \
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
    let mut said = Vec::new();
    for object in objects.iter().filter(|object| object.shares_namespace(workload.object)) {
        let names: Vec<_> =
            ports.guarded().filter(|(application, _)| object.names_port(*application)).collect();
        // Policies that are not read are told whatever they name.
        if object.kind != Kind::OtherPolicy && object.foreign_pods().is_none() {
            for (application, guard) in names {
                said.push((
                    object,
                    format!(
                        "names port {application} and is not read: if it means the port of {}, let it name {guard} too, for with the guard \
                         requests come there",
                        workload.object
                    ),
                ));
            }
        }
        let services = workload.bindings.iter().map(|binding| binding.object);
        let led: Vec<_> =
            services.clone().filter(|service| object.leads_to(service.meta.shown_name())).collect();
        if object.foreign_pods().is_none() && !led.is_empty() {
            said.push((object, format!("leads to {} and {UNREAD_ROUTE}", led[0])));
        }
        if object.steers(workload.object) {
            let replaced = workload.object;
            let text = if object.kind == Kind::Rollout {
                format!(
                    "replaces the pods of {replaced} and takes only their template from it: see that its own maxUnavailable is 0, and that \
                     its own minReadySeconds is as long as the longest join in the plan ({PLAN_ANNOTATION})"
                )
            } else {
                format!(
                    "decides how the pods of {replaced} are replaced, and is not read: see that it starts new pods before it ends old ones"
                )
            };
            said.push((object, text));
            if strategy::is_paused(object) {
                said.push((object, strategy::PAUSED.to_owned()));
            }
        }
        if let Some(labels) = object.foreign_pods() {
            for binding in workload.bindings.iter().filter(|binding| binding.service.picks(&labels)) {
                said.push((object, format!("{} sends to its pods too, which have no agent", binding.object)));
            }
        }
    }
    if let Some(controller) = workload.object.controller() {
        draft.note(format!(
            "it belongs to {controller}, which may take back what is injected: let that one's own settings say it, if it has any"
        ));
    }
    for (object, text) in said {
        draft.decisions.note(object, text);
    }
}
