//! What a rolling update must keep to: no pod leaves before its replacement is ready and known to every client.
//!
//! Each value is changed only where today's breaks that. `--keep-strategy` leaves them all and says what it costs.

use std::time::Duration;

use segue_yaml::Pointer;
use serde_json::{Value, json};

use super::finding::{Change, Finding, Severity};
use crate::duration::{seconds, words};
use crate::notes::{Rule, Words};
use crate::objects::{Kind, Object};
use crate::workload::Workload;

/// Kubernetes' own `progressDeadlineSeconds`.
const PROGRESS_DEADLINE: u64 = 600;

/// At most so much of today's deadline is kept for a pod's start, in seconds.
const START: u64 = 120;

/// What is to be said of a Deployment or a Rollout that is paused.
pub(crate) const PAUSED: &str =
    "it is paused: no pod is replaced, so none gets the agent, until it is resumed";

/// How long a new pod must be ready before an old one may leave.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) needed: Duration,
    /// How that comes about, in words.
    pub(crate) sum: String,
}

/// Finds each value of a workload's rollout that breaks a promise. `keep`: the values are left, and it is said what that costs.
pub(crate) fn find(workload: &Workload, keep: bool, ready: &Ready) -> Vec<Finding> {
    let mut rollout = Rollout { workload, keep, ready, findings: Vec::new() };
    rollout.look();
    rollout.findings
}

/// Whether nothing is rolled until somebody says so.
pub(crate) fn is_paused(object: &Object) -> bool {
    matches!(object.kind, Kind::Deployment | Kind::Rollout)
        && object.json.pointer("/spec/paused") == Some(&Value::Bool(true))
}

/// Whether, by the values that the edits of [`find`] leave, an old pod goes only once its replacement is Ready. A percentage that is kept
/// may be none of few pods and one of more: how many there will be is not known.
pub(crate) fn ready_first(workload: &Workload, keep: bool) -> bool {
    let strategy = Pointer::keys(["spec", "strategy"]);
    let has = |at: &Pointer| word(workload, at).is_some();
    let values = match workload.object.kind {
        Kind::Deployment if word(workload, &strategy.then("type")) != Some(json!("Recreate")) => {
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
    let is_nothing = |key| word(workload, &values.then(key)).is_some_and(|value| is_nothing(&value));
    let (no_surge, none_unavailable) = (is_nothing("maxSurge"), is_nothing("maxUnavailable"));
    if keep || (no_surge && alone_on_its_node(workload).is_some()) {
        return none_unavailable && !no_surge;
    }
    true
}

fn word(workload: &Workload, at: &Pointer) -> Option<Value> {
    workload.object.value(at).filter(|value| !value.is_null()).cloned()
}

fn number(workload: &Workload, at: &Pointer) -> Option<u64> {
    word(workload, at)?.as_u64()
}

/// What keeps a pod from running beside those that it replaces.
fn alone_on_its_node(workload: &Workload) -> Option<&'static str> {
    if matches!(workload.object.kind, Kind::DaemonSet) {
        return None;
    }
    if has_host_ports(workload) {
        return Some("a node has its ports only once (hostNetwork or hostPort)");
    }
    let spec = &workload.template.spec;
    let apart = spec.affinity.pointer("/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution");
    let apart = apart.and_then(Value::as_array).into_iter().flatten();
    if apart.into_iter().any(|term| term["topologyKey"] == "kubernetes.io/hostname") {
        return Some("a podAntiAffinity keeps its pods on nodes of their own");
    }
    let claims = spec.volumes.iter().any(|volume| volume.persistent_volume_claim.is_some());
    claims.then_some("it has a volume by a claim, which other nodes may not have at the same time")
}

fn has_host_ports(workload: &Workload) -> bool {
    let spec = &workload.template.spec;
    let mut ports = spec.containers.iter().flat_map(|container| &container.ports);
    spec.host_network || ports.any(|port| port.host_port.is_some())
}

fn is_nothing(value: &Value) -> bool {
    value.as_u64() == Some(0) || value.as_str() == Some("0%")
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One workload's values, and what is found of them.
struct Rollout<'r> {
    workload: &'r Workload<'r>,
    keep: bool,
    ready: &'r Ready,
    findings: Vec<Finding>,
}

impl Rollout<'_> {
    fn look(&mut self) {
        let spec = Pointer::keys(["spec"]);
        if is_paused(self.workload.object) {
            self.tell(Rule::Paused, Severity::Info, &spec.then("paused"), PAUSED);
        }
        let kind = self.workload.object.kind;
        match kind {
            Kind::Deployment if self.recreates(&spec.then("strategy").then("type")) => {}
            Kind::Deployment | Kind::Rollout => {
                self.ready_long_enough();
                let strategy = spec.then("strategy");
                if kind == Kind::Deployment {
                    self.surge(&strategy.then("rollingUpdate"), "25%", "25%");
                } else if word(self.workload, &strategy.then("blueGreen")).is_none() {
                    self.surge(&strategy.then("canary"), "25%", "25%");
                }
                self.progress();
            }
            Kind::DaemonSet | Kind::StatefulSet => {
                self.ready_long_enough();
                if self.replaced_by_hand() {
                    return;
                }
                if kind == Kind::DaemonSet {
                    self.daemons();
                } else {
                    self.in_place();
                }
            }
            Kind::ReplicaSet => self.tell(
                Rule::NothingReplaces,
                Severity::Warning,
                &spec,
                "nothing rolls these pods: those that are there keep running without the agent until they are deleted",
            ),
            Kind::Pod => self.tell(
                Rule::NothingReplaces,
                Severity::Warning,
                &Pointer::root(),
                "a bare pod has no replacement: when it leaves, nothing serves in its place; one that runs can't be given the agent, it must be made anew",
            ),
            _ => {}
        }
    }

    /// Something that no edit mends.
    fn tell(&mut self, rule: Rule, severity: Severity, below: &Pointer, words: impl Into<Words>) {
        self.findings.push(Finding::told(rule, severity, (self.workload.object, below), words));
    }

    /// A value that breaks a promise, and the one that does not; `kept`: what it costs to leave it.
    fn wrong(&mut self, rule: Rule, below: &Pointer, what: String, right: u64, kept: impl Into<Words>) {
        if self.keep {
            self.tell(rule, Severity::Warning, below, kept);
        } else {
            let object = self.workload.object;
            let finding = Finding::of(rule, Severity::Warning, (object, below), what);
            self.findings.push(finding.mended_by(Change::put(object, below, right.into())));
        }
    }

    /// Recreate stops every pod before the first new one starts: there is nothing to drain to.
    fn recreates(&mut self, at: &Pointer) -> bool {
        if word(self.workload, at) != Some(json!("Recreate")) {
            return false;
        }
        if self.keep {
            self.tell(
                Rule::Recreate,
                Severity::Warning,
                at,
                "strategy Recreate is kept (--keep-strategy): each rollout stops every pod before the first new one starts, and serves nothing meanwhile",
            );
        } else {
            self.findings.push(Finding::error(
                Rule::Recreate,
                (self.workload.object, at),
                "strategy Recreate stops every pod before the first new one starts: no drain can help",
                "use RollingUpdate; if two versions can't run side by side, --keep-strategy injects the rest and leaves this gap",
            ));
        }
        true
    }

    fn ready_long_enough(&mut self) {
        let at = Pointer::keys(["spec", "minReadySeconds"]);
        let today = number(self.workload, &at).unwrap_or(0);
        let needed = seconds(self.ready.needed);
        if today >= needed {
            return;
        }
        let missing = words(self.ready.needed.saturating_sub(Duration::from_secs(today)));
        let early = format!("an old pod may leave up to {missing} before every client knows its replacement");
        let kept = (
            format!("minReadySeconds stays {today}, {missing} too short"),
            "an old pod may leave before every client knows its replacement (--keep-strategy)",
        );
        self.wrong(Rule::MinReadySeconds, &at, format!("minReadySeconds is {today}: {early}"), needed, kept);
        if let Some(finding) = self.findings.last_mut() {
            finding.sum = Some(self.ready.sum.clone());
        }
    }

    /// Replacements come first: none unavailable, at least one more than asked for.
    fn surge(&mut self, at: &Pointer, unavailable: impl Into<Value>, surge: impl Into<Value>) {
        let (unavailable_at, surge_at) = (at.then("maxUnavailable"), at.then("maxSurge"));
        let unavailable = word(self.workload, &unavailable_at).unwrap_or_else(|| unavailable.into());
        let surge = word(self.workload, &surge_at).unwrap_or_else(|| surge.into());
        if let Some(why) = alone_on_its_node(self.workload) {
            if is_nothing(&surge) {
                let what = format!(
                    "maxSurge stays 0: {why}, so a new pod may find no place before an old one leaves. Each old pod leaves before its \
                     replacement starts; with room for one more, maxSurge: 1 and maxUnavailable: 0 keep the floor"
                );
                self.tell(Rule::NoRoomToSurge, Severity::Warning, &surge_at, what);
                return;
            }
            let what = format!("{why}: where no place is free for one more pod a rollout waits for one");
            self.tell(Rule::SurgeMayWait, Severity::Info, &surge_at, what);
        }
        if !is_nothing(&unavailable) {
            self.unavailable(&unavailable_at, &unavailable, 0);
        }
        if is_nothing(&surge) {
            let what = "maxSurge is 0: each old pod leaves before its replacement exists".to_owned();
            let kept =
                "maxSurge stays 0 (--keep-strategy): each old pod leaves before its replacement exists";
            self.wrong(Rule::MaxSurge, &surge_at, what, 1, kept);
        }
    }

    fn unavailable(&mut self, at: &Pointer, today: &Value, right: u64) {
        let today = shown(today);
        let cost = "during a rollout so many pods fewer serve than were asked for";
        let kept = (format!("maxUnavailable stays {today}"), format!("{cost} (--keep-strategy)"));
        self.wrong(Rule::MaxUnavailable, at, format!("maxUnavailable is {today}: {cost}"), right, kept);
    }

    /// A rollout that waits for minReadySeconds must not be taken for one that hangs.
    fn progress(&mut self) {
        let at = Pointer::keys(["spec", "progressDeadlineSeconds"]);
        let today = number(self.workload, &at).unwrap_or(PROGRESS_DEADLINE);
        let own = number(self.workload, &Pointer::keys(["spec", "minReadySeconds"])).unwrap_or(0);
        let start = today.saturating_sub(own).clamp(1, START);
        let ready = seconds(self.ready.needed).max(own);
        let needed = ready + start;
        if today < needed && !self.keep {
            let object = self.workload.object;
            let what = format!(
                "progressDeadlineSeconds is {today}: a rollout that only waits would count as one that hangs"
            );
            let finding = Finding::of(Rule::ProgressDeadline, Severity::Warning, (object, &at), what)
                .sum(format!("{ready}s that a new pod must be ready + {start}s for its start"))
                .mended_by(Change::put(object, &at, needed.into()));
            self.findings.push(finding);
        }
    }

    fn replaced_by_hand(&mut self) -> bool {
        let at = Pointer::keys(["spec", "updateStrategy", "type"]);
        let by_hand = word(self.workload, &at) == Some(json!("OnDelete"));
        if by_hand {
            let what = "updateStrategy OnDelete: a pod gets the agent when it is deleted, one fewer serves meanwhile";
            self.tell(Rule::OnDelete, Severity::Warning, &at, what);
        }
        by_hand
    }

    fn daemons(&mut self) {
        let rolling = Pointer::keys(["spec", "updateStrategy", "rollingUpdate"]);
        if !has_host_ports(self.workload) {
            self.surge(&rolling, 1, 0);
            return;
        }
        let at = rolling.then("maxUnavailable");
        let fewer = word(self.workload, &at).map_or_else(|| "one".to_owned(), |value| shown(&value));
        let what = (
            format!("the floor is {fewer} less (maxUnavailable)"),
            "a node has its ports only once (hostNetwork or hostPort): each pod leaves before its replacement starts, and what is bound to \
             a node is not served there meanwhile",
        );
        self.tell(Rule::NoRoomToSurge, Severity::Warning, &at, what);
    }

    /// A StatefulSet's pod leaves before the one of its name comes back.
    fn in_place(&mut self) {
        let replicas = Pointer::keys(["spec", "replicas"]);
        let (rule, severity, what) = if number(self.workload, &replicas).unwrap_or(1) == 1 {
            (
                Rule::SingleReplica,
                Severity::Warning,
                "one replica that is replaced in place: nothing serves between its end and its replacement's readiness; with two or more the others do",
            )
        } else {
            (
                Rule::ReplacedInPlace,
                Severity::Info,
                "a StatefulSet's pods are replaced in place: the floor is one less than its replicas",
            )
        };
        self.tell(rule, severity, &replicas, what);
        let rolling = Pointer::keys(["spec", "updateStrategy", "rollingUpdate"]);
        let at = rolling.then("partition");
        if let Some(partition) = number(self.workload, &at).filter(|partition| *partition > 0) {
            let what = (
                format!("partition {partition}"),
                "a rollout replaces only pods from that number on; the others stay without the agent until it is lowered to 0",
            );
            self.tell(Rule::Partition, Severity::Info, &at, what);
        }
        let at = rolling.then("maxUnavailable");
        if let Some(unavailable) = word(self.workload, &at).filter(|value| value.as_u64() != Some(1)) {
            self.unavailable(&at, &unavailable, 1);
        }
    }
}
