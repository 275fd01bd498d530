//! What the agent is called in a pod, and where its parts stand there: whoever adds, finds or removes it needs the same names.

use serde_json::{Value, json};

/// The annotation that tells a reader why the grace period is what it is.
pub const PLAN_ANNOTATION: &str = "segue.dev/plan";
/// The annotation that names the ports which the agent binds.
pub const PORTS_ANNOTATION: &str = "segue.dev/ports";
/// The annotation that holds the record of an injection.
pub const RECORD_ANNOTATION: &str = "segue.dev/injected";
/// The agent's container.
pub(crate) const AGENT: &str = "segue-agent";
/// The init container that has the pod's network lead to the guard.
pub(crate) const REDIRECT: &str = "segue-redirect";
/// Both of ours.
pub(crate) const CONTAINERS: [&str; 2] = [AGENT, REDIRECT];
/// The volume in which the application's containers find the hook's binary.
pub(crate) const VOLUME: &str = "segue";
/// The agent's own volume.
pub(crate) const STATE_VOLUME: &str = "segue-state";
/// Where the shared volume is in every container.
pub(crate) const MOUNT: &str = "/segue";
/// The agent's binary as the application's containers see it.
pub(crate) const BINARY: &str = "/segue/segue-agent";
/// The variable in which the agent finds its plan.
pub(crate) const PLAN_VARIABLE: &str = "SEGUE_PLAN";
/// The path below which the agent makes the connection of a `tcpSocket` probe; the application's port follows.
pub(crate) const TCP_PROBE: &str = "/segue/tcp-probe/";

/// Keeps a container from the API server: where something is mounted at this place, no service account's token is. An empty folder
/// of our own volume is.
pub(crate) fn no_token() -> Value {
    json!({
        "name": VOLUME,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        "subPath": "no-service-account",
        "readOnly": true,
    })
}
