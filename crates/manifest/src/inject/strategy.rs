//! What a rolling update must keep to: no pod leaves before its replacement is ready and known to every client.
//!
//! Each value is changed only where today's breaks that. `--keep-strategy` leaves them all and says what it costs.

use std::time::Duration;

use segue_yaml::Pointer;
use serde_json::{Value, json};

use super::draft::Draft;
use crate::duration::{seconds, words};
use crate::objects::{Kind, Object};

/// Kubernetes' own `progressDeadlineSeconds`.
const PROGRESS_DEADLINE: u64 = 600;

/// At most so much of today's deadline is kept for a pod's start, in seconds.
const START: u64 = 120;

/// Decides the values of the workload's kind. `min_ready` is how long until the last client knows of a new pod.
pub(super) fn decide(draft: &mut Draft, min_ready: Duration) {
    let spec = Pointer::keys(["spec"]);
    if is_paused(draft.workload.object) {
        draft.note(PAUSED);
    }
    match draft.workload.object.kind {
        Kind::Deployment => {
            if recreates(draft, &spec.then("strategy")) {
                return;
            }
            ready_long_enough(draft, min_ready);
            surge(draft, &spec.then("strategy").then("rollingUpdate"), "25%", "25%");
            progress(draft, min_ready);
        }
        Kind::Rollout => {
            ready_long_enough(draft, min_ready);
            if word(draft, &spec.then("strategy").then("blueGreen")).is_none() {
                surge(draft, &spec.then("strategy").then("canary"), "25%", "25%");
            }
            progress(draft, min_ready);
        }
        Kind::DaemonSet => {
            ready_long_enough(draft, min_ready);
            if !replaced_by_hand(draft) {
                daemons(draft);
            }
        }
        Kind::StatefulSet => {
            ready_long_enough(draft, min_ready);
            if !replaced_by_hand(draft) {
                in_place(draft);
            }
        }
        Kind::ReplicaSet => draft.note("nothing rolls these pods: those that are there keep running without the agent until they are deleted"),
        Kind::Pod => draft.note("a bare pod has no replacement: when it leaves, nothing serves in its place; one that runs can't be given the agent, it must be made anew"),
        _ => {}
    }
}

/// What is to be said of a Deployment or a Rollout that is paused.
pub(super) const PAUSED: &str =
    "it is paused: no pod is replaced, so none gets the agent, until it is resumed";

/// Whether nothing is rolled until somebody says so.
pub(super) fn is_paused(object: &Object) -> bool {
    matches!(object.kind, Kind::Deployment | Kind::Rollout)
        && object.json.pointer("/spec/paused") == Some(&Value::Bool(true))
}

/// Whether, by the values that [`decide`] leaves, an old pod goes only once its replacement is Ready. A percentage that is kept may
/// be none of few pods and one of more: how many there will be is not known.
pub(super) fn ready_first(draft: &Draft) -> bool {
    let strategy = Pointer::keys(["spec", "strategy"]);
    let has = |at: &Pointer| word(draft, at).is_some();
    let values = match draft.workload.object.kind {
        Kind::Deployment if word(draft, &strategy.then("type")) != Some(json!("Recreate")) => {
            strategy.then("rollingUpdate")
        }
        // Elsewhere whole versions are switched, by a Service's selector or a router's weights.
        Kind::Rollout
            if !has(&strategy.then("blueGreen")) && !has(&strategy.then("canary").then("trafficRouting")) =>
        {
            strategy.then("canary")
        }
        _ => return false,
    };
    let is_nothing = |key| word(draft, &values.then(key)).is_some_and(|value| is_nothing(&value));
    let (no_surge, none_unavailable) = (is_nothing("maxSurge"), is_nothing("maxUnavailable"));
    if draft.options.keep_strategy || (no_surge && alone_on_its_node(draft).is_some()) {
        return none_unavailable && !no_surge;
    }
    true
}

fn word(draft: &Draft, at: &Pointer) -> Option<Value> {
    draft.workload.object.value(at).filter(|value| !value.is_null()).cloned()
}

fn number(draft: &Draft, at: &Pointer) -> Option<u64> {
    word(draft, at)?.as_u64()
}

/// Recreate stops every pod before the first new one starts: there is nothing to drain to.
fn recreates(draft: &mut Draft, strategy: &Pointer) -> bool {
    let kind = strategy.then("type");
    if word(draft, &kind) != Some(json!("Recreate")) {
        return false;
    }
    if draft.options.keep_strategy {
        draft.note("strategy Recreate is kept (--keep-strategy): each rollout stops every pod before the first new one starts, and serves nothing meanwhile");
    } else {
        draft.refuse(
            &kind,
            "strategy Recreate stops every pod before the first new one starts: no drain can help",
            "use RollingUpdate; if two versions can't run side by side, --keep-strategy injects the rest and leaves this gap",
        );
    }
    true
}

fn ready_long_enough(draft: &mut Draft, min_ready: Duration) {
    let at = Pointer::keys(["spec", "minReadySeconds"]);
    let today = number(draft, &at).unwrap_or(0);
    let needed = seconds(min_ready);
    if today >= needed {
        return;
    }
    if draft.options.keep_strategy {
        draft.note(format!(
            "minReadySeconds stays {today} (--keep-strategy): an old pod may leave up to {} before every client knows its replacement",
            words(min_ready.saturating_sub(Duration::from_secs(today)))
        ));
    } else {
        draft.put(&at, needed.into());
    }
}

/// Replacements come first: none unavailable, at least one more than asked for.
fn surge(draft: &mut Draft, at: &Pointer, unavailable: impl Into<Value>, surge: impl Into<Value>) {
    let (unavailable_at, surge_at) = (at.then("maxUnavailable"), at.then("maxSurge"));
    let unavailable = word(draft, &unavailable_at).unwrap_or_else(|| unavailable.into());
    let surge = word(draft, &surge_at).unwrap_or_else(|| surge.into());
    if let Some(why) = alone_on_its_node(draft) {
        if is_nothing(&surge) {
            draft.note(format!(
                "maxSurge stays 0: {why}, so a new pod may find no place before an old one leaves. Each old pod leaves before its \
                 replacement starts; with room for one more, maxSurge: 1 and maxUnavailable: 0 keep the floor"
            ));
            return;
        }
        draft.note(format!("{why}: where no place is free for one more pod a rollout waits for one"));
    }
    if !is_nothing(&unavailable) {
        if draft.options.keep_strategy {
            draft.note(format!(
                "maxUnavailable stays {} (--keep-strategy): during a rollout so many pods fewer serve than were asked for",
                shown(&unavailable)
            ));
        } else {
            draft.put(&unavailable_at, 0.into());
        }
    }
    if is_nothing(&surge) {
        if draft.options.keep_strategy {
            draft.note(
                "maxSurge stays 0 (--keep-strategy): each old pod leaves before its replacement exists",
            );
        } else {
            draft.put(&surge_at, 1.into());
        }
    }
}

/// What keeps a pod from running beside those that it replaces.
fn alone_on_its_node(draft: &Draft) -> Option<&'static str> {
    if matches!(draft.workload.object.kind, Kind::DaemonSet) {
        return None;
    }
    let spec = &draft.template().spec;
    let mut ports = spec.containers.iter().flat_map(|container| &container.ports);
    if spec.host_network || ports.any(|port| port.host_port.is_some()) {
        return Some("a node has its ports only once (hostNetwork or hostPort)");
    }
    let apart = spec.affinity.pointer("/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution");
    let apart = apart.and_then(Value::as_array).into_iter().flatten();
    if apart.into_iter().any(|term| term["topologyKey"] == "kubernetes.io/hostname") {
        return Some("a podAntiAffinity keeps its pods on nodes of their own");
    }
    let claims = spec.volumes.iter().any(|volume| volume.persistent_volume_claim.is_some());
    claims.then_some("it has a volume by a claim, which other nodes may not have at the same time")
}

fn is_nothing(value: &Value) -> bool {
    value.as_u64() == Some(0) || value.as_str() == Some("0%")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A rollout that waits for minReadySeconds must not be taken for one that hangs.
fn progress(draft: &mut Draft, min_ready: Duration) {
    let at = Pointer::keys(["spec", "progressDeadlineSeconds"]);
    let today = number(draft, &at).unwrap_or(PROGRESS_DEADLINE);
    let ready = number(draft, &Pointer::keys(["spec", "minReadySeconds"])).unwrap_or(0);
    let start = today.saturating_sub(ready).clamp(1, START);
    let needed = seconds(min_ready).max(ready) + start;
    if today < needed && !draft.options.keep_strategy {
        draft.put(&at, needed.into());
    }
}

fn replaced_by_hand(draft: &mut Draft) -> bool {
    let by_hand = word(draft, &Pointer::keys(["spec", "updateStrategy", "type"])) == Some(json!("OnDelete"));
    if by_hand {
        draft.note(
            "updateStrategy OnDelete: a pod gets the agent when it is deleted, one fewer serves meanwhile",
        );
    }
    by_hand
}

fn daemons(draft: &mut Draft) {
    let spec = &draft.template().spec;
    let host_port =
        spec.containers.iter().flat_map(|container| &container.ports).any(|port| port.host_port.is_some());
    if spec.host_network || host_port {
        let unavailable =
            word(draft, &Pointer::keys(["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]));
        let fewer = unavailable.map_or_else(|| "one".to_owned(), |value| shown(&value));
        draft.note(format!(
            "a node has its ports only once (hostNetwork or hostPort): each pod leaves before its replacement starts, the floor is {fewer} \
             less (maxUnavailable), and what is bound to a node is not served there meanwhile"
        ));
        return;
    }
    surge(draft, &Pointer::keys(["spec", "updateStrategy", "rollingUpdate"]), 1, 0);
}

/// A StatefulSet's pod leaves before the one of its name comes back.
fn in_place(draft: &mut Draft) {
    if number(draft, &Pointer::keys(["spec", "replicas"])).unwrap_or(1) == 1 {
        draft.note("one replica that is replaced in place: nothing serves between its end and its replacement's readiness; with two or more the others do");
    } else {
        draft.note("a StatefulSet's pods are replaced in place: the floor is one less than its replicas");
    }
    let rolling = Pointer::keys(["spec", "updateStrategy", "rollingUpdate"]);
    if let Some(partition) = number(draft, &rolling.then("partition")).filter(|partition| *partition > 0) {
        draft.note(format!(
            "partition {partition}: a rollout replaces only pods from that number on; the others stay without the agent until it is lowered to 0"
        ));
    }
    let at = rolling.then("maxUnavailable");
    let Some(unavailable) = word(draft, &at) else { return };
    if unavailable.as_u64() == Some(1) {
        return;
    }
    if draft.options.keep_strategy {
        draft.note(format!(
            "maxUnavailable stays {} (--keep-strategy): during a rollout so many pods fewer serve than were asked for",
            shown(&unavailable)
        ));
    } else {
        draft.put(&at, 1.into());
    }
}
