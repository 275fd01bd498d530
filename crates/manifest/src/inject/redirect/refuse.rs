//! Pods whose network can't lead to the guard, and why.

use segue_yaml::Pointer;

use super::super::draft::Draft;
use crate::notes::Rule;
use crate::objects::Object;
use crate::rules::mesh;
use crate::workload::Workload;

/// What a Namespace holds its pods to.
const ENFORCED: &str = "pod-security.kubernetes.io/enforce";

/// The levels that allow no container NET_ADMIN.
const STRICT: [&str; 2] = ["baseline", "restricted"];

const WITHOUT: &str =
    "inject this workload without --redirect: let its Services name their targetPort, or take two steps";

/// What speaks against it: whose part, and where; why; and what to do.
struct Against<'w> {
    object: &'w Object,
    at: Pointer,
    why: String,
    help: String,
}

/// Refuses a workload whose pods can't have it.
pub(in crate::inject) fn workload(draft: &mut Draft) {
    let workload = draft.workload;
    for Against { object, at, why, help } in against(workload) {
        draft.decisions.refuse(Rule::NotRedirectable, draft.streams, (object, &at), (why, help));
    }
}

/// Whether a workload's pods can have it.
pub(in crate::inject) fn is_possible(workload: &Workload) -> bool {
    against(workload).is_empty()
}

fn against<'w>(workload: &'w Workload) -> Vec<Against<'w>> {
    let mut against = Vec::new();
    if workload.template.spec.host_network {
        against.push(Against {
            object: workload.object,
            at: workload.template.spec_at().then("hostNetwork"),
            why:
                "these pods have the node's network (hostNetwork): the rule of --redirect would be the node's"
                    .to_owned(),
            help: "inject this workload without --redirect: it gets the agent, and no guard".to_owned(),
        });
    }
    if let Some(namespace) = workload.namespace
        && let Some(level) =
            namespace.meta.labels.get(ENFORCED).filter(|level| STRICT.contains(&level.as_str()))
    {
        against.push(Against {
            object: namespace,
            at: Pointer::keys(["metadata", "labels", ENFORCED]),
            why: format!(
                "it enforces Pod Security {level} (label {ENFORCED}), which allows no container NET_ADMIN: --redirect needs it in one init container of {}",
                workload.object
            ),
            help: WITHOUT.to_owned(),
        });
    }
    for seen in mesh::seen(workload) {
        let whose = if seen.object.address == workload.object.address {
            "these pods are".to_owned()
        } else {
            format!("the pods of {} are", workload.object)
        };
        against.push(Against {
            object: seen.object,
            at: seen.at,
            why: format!(
                "{whose} in a mesh ({}, by {}): what comes into a pod is led to the mesh already, and --redirect would lead it elsewhere",
                seen.mesh.name(),
                seen.what
            ),
            help: WITHOUT.to_owned(),
        });
    }
    against
}
