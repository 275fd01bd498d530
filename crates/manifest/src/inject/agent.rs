//! The agent's container and its volumes.

use segue_core::pod::{PlanError, PodPlan};
use segue_yaml::Position;
use serde_json::{Value, json};

use super::draft::Draft;
use super::refused::not_as_written;
use super::{redirect, sizes};
use crate::names::{AGENT, MOUNT, PLAN_VARIABLE, STATE_VOLUME, VOLUME, no_token};
use crate::objects::{Container, Resources};

/// Puts the agent into the pod, before all other init containers: the first of the native sidecars to start is the last one to
/// be stopped. Before it comes only who leads to it, so that nothing ever finds the application without it. Answers what the agent
/// asks for.
pub(super) fn decide(draft: &mut Draft, plan: &PodPlan) -> Resources {
    let spec_at = draft.template().spec_at();
    for volume in [VOLUME, STATE_VOLUME] {
        draft.add(&spec_at.then("volumes"), json!({"name": volume, "emptyDir": {}}), Position::Last);
    }
    let resources = sizes::decide(draft, plan.guarded());
    let (image, written) = (&draft.options.agent_image, sizes::written(&resources));
    let agent = container(image, plan, &written);
    let redirect = redirect::container(image, plan, &written);
    for container in std::iter::once(agent).chain(redirect) {
        draft.add(&spec_at.then("initContainers"), container, Position::First);
    }
    resources
}

fn container(image: &str, plan: &PodPlan, resources: &Value) -> Value {
    json!({
        "name": AGENT,
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
            no_token(),
        ],
    })
}

/// The plan as an environment variable's value. Kubernetes expands `$(NAME)` and makes one dollar of two there; JSON can
/// write a dollar without writing it.
fn variable(plan: &PodPlan) -> String {
    let json = serde_json::to_string(plan).expect("keys that are texts");
    json.replace('$', "\\u0024")
}

/// Reads the plan out of an agent's container; what is right where it can't be read stands beside the reason.
pub(super) fn plan_of(container: &Container) -> Result<PodPlan, (String, String)> {
    let anew = "take it out with `segue inject --undo` and inject anew";
    let Some(json) = container.env_value(PLAN_VARIABLE) else {
        return Err((format!("the agent has no plan: {PLAN_VARIABLE} is not set here"), anew.to_owned()));
    };
    PodPlan::read(json).map_err(|error| {
        let help = match error {
            PlanError::Later(_) => format!("use the segue that injected it, or a later one; or {anew}"),
            _ => format!("put the plan back as it was injected; or {anew}"),
        };
        let why = match error {
            PlanError::Unreadable(why) => format!("the plan can't be read: {}", not_as_written(&why)),
            error => error.to_string(),
        };
        (format!("the agent in it was told what can't be used: {why}"), help)
    })
}
