//! The pods' own network leads what comes for the application to the guard: an init container, the probes that would find the guard
//! in the application's place, the pods that can't have it, and what a reader must know.

mod probes;
mod refuse;
pub(super) mod taken_back;
mod tell;

use segue_core::pod::PodPlan;
use serde_json::{Value, json};

use crate::names::{REDIRECT, no_token};

pub(super) use probes::decide as probes;
pub(super) use refuse::{is_possible, workload as refuse};
pub(super) use tell::{tell, would_spare};

/// The init container that writes the rules, if anything is redirected. Its resources are the agent's, which meet what the namespace
/// demands of every container; a pod asks for the larger of what its init containers and its others ask for, so it asks for no more.
pub(super) fn container(image: &str, plan: &PodPlan, resources: &Value) -> Option<Value> {
    let pairs = plan.ports.iter().filter_map(|port| Some((port.application, port.redirect?)));
    let pairs = pairs.map(|(application, guard)| format!("{application}:{guard}"));
    let args: Vec<String> = std::iter::once("redirect".to_owned()).chain(pairs).collect();
    (args.len() > 1).then(|| {
        json!({
            "name": REDIRECT,
            "image": image,
            "imagePullPolicy": "IfNotPresent",
            "args": args,
            "resources": resources,
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": {
                "runAsNonRoot": false,
                "runAsUser": 0,
                "runAsGroup": 0,
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumeMounts": [no_token()],
        })
    })
}
