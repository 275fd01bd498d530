//! Each rule alone: what it finds can be listed, with its name, how much it matters, its place, the sum and the edits, and the text stays.

use std::time::Duration;

use segue_core::path::{Bounds, Path, Stage};
use segue_yaml::{Edit, Stream, parse};

use super::grace::{Grace, Times};
use super::strategy::Ready;
use super::{Finding, environment, grace, scrapers, stop_hook, strategy};
use crate::objects::{Service, objects};
use crate::ports::{Named, Ports};
use crate::workload::{Workload, World};

/// The Deployment of these texts, with what is given of it.
fn deployment(own: &str, pod: &str, container: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  selector: {{matchLabels: {{app: web}}}}\n{own}  template:\n    \
         metadata: {{labels: {{app: web}}}}\n    spec:\n{pod}      containers:\n      - name: web\n        image: web\n{container}"
    )
}

fn plain() -> String {
    deployment("", "", "        ports: [{name: http, containerPort: 8080}]\n")
}

/// What is found of the first object of a text, a line each: the rule's name, how much it matters, the line, the sum, and the edits.
fn listed(text: &str, find: impl FnOnce(&Workload) -> Vec<Finding>) -> Vec<String> {
    let streams = [parse("app.yaml", text).unwrap()];
    let objects = objects(&streams).unwrap();
    let world = World::of(&objects, Service::of).unwrap();
    let findings = find(&world.workload(&objects[0]).unwrap().unwrap());
    assert_eq!(streams[0].text(), text, "a rule touches no text");
    for finding in &findings {
        let diagnostic = finding.diagnostic(&streams);
        assert!(diagnostic.message.starts_with(&format!("{}: {}", finding.object, finding.what)));
        assert!(!finding.what.is_empty(), "{finding:?}");
    }
    findings.iter().map(|one| line(&streams, one)).collect()
}

fn line(streams: &[Stream], finding: &Finding) -> String {
    let place = finding.origin.place(streams).unwrap();
    let mut parts = vec![format!("{} {:?} at {}", finding.rule.id(), finding.severity, place.line)];
    parts.extend(finding.sum.iter().map(|sum| format!(", {sum}")));
    parts.extend(finding.edits.iter().map(|change| match &change.edit {
        Edit::Set { at, value } => format!("; {at} = {value}"),
        Edit::Insert { at, value, .. } => format!("; {at} + {value}"),
        Edit::Remove { at } => format!("; {at} -"),
    }));
    parts.concat()
}

fn hooks(container: &str, keep_sleep: bool) -> Vec<String> {
    let settings = stop_hook::Settings { keep_sleep, stop_time: Duration::from_secs(10) };
    listed(&deployment("", "", container), |workload| stop_hook::find(workload, settings).findings)
}

const MOUNT: &str = r#"; .spec.template.spec.containers[0].volumeMounts[0] + {"mountPath":"/segue","name":"segue","readOnly":true}"#;
const HOOK: &str = ".spec.template.spec.containers[0].lifecycle.preStop";

#[test]
fn a_container_without_a_hook_that_waits_is_found() {
    let hook = r#"{"exec":{"command":["/segue/segue-agent","hook"]}}"#;
    assert_eq!(hooks("", false), [format!("pre-stop-wait Warning at 10{MOUNT}; {HOOK} + {hook}")]);
    let own = "        lifecycle: {preStop: {exec: {command: [quit]}}}\n";
    let hook = r#"{"exec":{"command":["/segue/segue-agent","hook","--","quit"]}}"#;
    assert_eq!(hooks(own, false), [format!("pre-stop-wait Warning at 12{MOUNT}; {HOOK} = {hook}")]);
}

#[test]
fn a_sleep_in_a_hook_is_found() {
    let sleep = "        lifecycle:\n          preStop: {sleep: {seconds: 15}}\n";
    let hook = r#"{"exec":{"command":["/segue/segue-agent","hook"]}}"#;
    assert_eq!(hooks(sleep, false), [format!("pre-stop-sleep Warning at 13{MOUNT}; {HOOK} = {hook}")]);
    let hook = r#"{"exec":{"command":["/segue/segue-agent","hook","--sleep","15s"]}}"#;
    let sum = "15 s of sleep after the drain";
    assert_eq!(hooks(sleep, true), [format!("pre-stop-sleep Warning at 13, {sum}{MOUNT}; {HOOK} = {hook}")]);
    let script = "        lifecycle: {preStop: {exec: {command: [sh, -c, sleep 15; quit]}}}\n";
    let found = hooks(script, false);
    assert!(found[0].starts_with(&format!("pre-stop-sleep Warning at 12, {sum}")), "{found:?}");
}

#[test]
fn a_hook_that_can_not_be_kept_and_a_mount_that_is_taken_are_found() {
    let tcp = "        lifecycle: {preStop: {tcpSocket: {port: 1}}}\n";
    assert_eq!(hooks(tcp, false), ["pre-stop-kind Error at 12"]);
    let mount = "        volumeMounts: [{name: a, mountPath: /segue/b}]\n";
    assert_eq!(hooks(mount, false), ["mount-taken Error at 12"]);
}

fn path(join: u64, leave: u64) -> Path {
    let stage = Stage {
        join: Bounds::at_most(Duration::from_secs(join)),
        leave: Bounds::at_most(Duration::from_secs(leave)),
        name: "kube-proxy".to_owned(),
        source: "default".to_owned(),
        setting: String::new(),
        evidence: None,
    };
    Path { name: "service/web".to_owned(), stages: vec![stage] }
}

#[test]
fn a_grace_period_that_is_too_short_is_found_with_its_sum() {
    let times = Times {
        longest_request: Duration::from_secs(30),
        stop_time: Duration::from_secs(10),
        idle_after: Duration::from_secs(5),
    };
    let find = |workload: &Workload| {
        let grace = Grace::of(workload, &times, true, vec![path(15, 15)]);
        grace::find(workload, &grace)
    };
    let found = listed(&plain(), find);
    let sum = "grace 62s: 15s until the last client knows + 2s quiet + 30s longest request + 10s to stop + 5s margin; path service/web: kube-proxy 15s (default)";
    let edit = "; .spec.template.spec.terminationGracePeriodSeconds + 62";
    assert_eq!(found, [format!("grace-period Warning at 9, {sum}{edit}")]);
    let long = deployment("", "      terminationGracePeriodSeconds: 90\n", "");
    assert_eq!(listed(&long, find), [""; 0]);
}

fn strategy(own: &str, pod: &str, keep: bool) -> Vec<String> {
    let ready = Ready { needed: Duration::from_secs(20), sum: "20s of a path".to_owned() };
    listed(&deployment(own, pod, ""), |workload| strategy::find(workload, keep, &ready))
}

#[test]
fn values_of_a_rollout_that_break_a_promise_are_found() {
    let own = "  minReadySeconds: 5\n  progressDeadlineSeconds: 30\n  strategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}\n";
    assert_eq!(
        strategy(own, "", false),
        [
            "min-ready-seconds Warning at 6, 20s of a path; .spec.minReadySeconds = 20",
            "max-unavailable Warning at 8; .spec.strategy.rollingUpdate.maxUnavailable = 0",
            "max-surge Warning at 8; .spec.strategy.rollingUpdate.maxSurge = 1",
            "progress-deadline Warning at 7, 20s that a new pod must be ready + 25s for its start; .spec.progressDeadlineSeconds = 45",
        ]
    );
    assert_eq!(
        strategy(own, "", true),
        [
            "min-ready-seconds Warning at 6, 20s of a path",
            "max-unavailable Warning at 8",
            "max-surge Warning at 8",
        ]
    );
}

#[test]
fn a_rollout_that_no_edit_mends_is_found() {
    let kept = "  minReadySeconds: 20\n  strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 0}}\n";
    assert_eq!(strategy(kept, "      hostNetwork: true\n", false), ["no-room-to-surge Warning at 7"]);
    assert_eq!(strategy("  strategy: {type: Recreate}\n", "", false), ["recreate Error at 6"]);
    assert_eq!(strategy("  strategy: {type: Recreate}\n", "", true), ["recreate Warning at 6"]);
    let fine = "  paused: true\n  minReadySeconds: 20\n  strategy: {rollingUpdate: {maxUnavailable: 0}}\n";
    assert_eq!(strategy(fine, "", false), ["paused Info at 6"]);
    let ready = Ready { needed: Duration::ZERO, sum: String::new() };
    let of = |kind: &str, own: &str| {
        let text = deployment(own, "", "").replace("kind: Deployment", &format!("kind: {kind}"));
        listed(&text, |workload| strategy::find(workload, false, &ready))
    };
    let rolling = "  replicas: 1\n  updateStrategy: {rollingUpdate: {partition: 2}}\n";
    assert_eq!(of("StatefulSet", rolling), ["single-replica Warning at 6", "partition Info at 7"]);
    assert_eq!(of("DaemonSet", "  updateStrategy: {type: OnDelete}\n"), ["on-delete Warning at 6"]);
    assert_eq!(of("ReplicaSet", ""), ["nothing-replaces Warning at 5"]);
}

/// The application's 8080 behind the guard's 15080.
fn ports(workload: &Workload) -> Ports {
    let port = &workload.template.spec.containers[0].ports[0];
    let list = vec![segue_core::pod::Port {
        name: port.name.clone(),
        application: 8080,
        guard: Some(15080),
        redirect: None,
        protocol: segue_core::pod::Protocol::Auto,
    }];
    let names = vec![Named { name: "http".to_owned(), before: 8080, after: 15080 }];
    Ports { list, control: 15079, names, passed_by: [].into() }
}

const POLICY: &str = "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: in}\nspec:\n  podSelector: {}\n  ingress:\n  - ports: [{port: 8080}]\n";

#[test]
fn a_policy_that_does_not_let_the_guard_or_a_health_check_through_is_found() {
    let text = plain() + POLICY;
    let find = |workload: &Workload| environment::policies(workload, &ports(workload), true);
    let edit = r#"; .spec.ingress[0].ports[0] + {"port":15080,"protocol":"TCP"}"#;
    assert_eq!(
        listed(&text, find),
        ["health-check-policy Warning at 20".to_owned(), format!("network-policy Warning at 18{edit}"),]
    );
    let unread = plain() + "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: in}\n";
    assert_eq!(listed(&unread, find), ["unread-policy Info at 14"]);
}

#[test]
fn a_mesh_and_volumes_that_keep_a_node_are_found() {
    let meshed = plain().replace(
        "labels: {app: web}}\n    spec",
        "labels: {app: web}, annotations: {linkerd.io/inject: enabled}}\n    spec",
    );
    let found = listed(&meshed, |workload| environment::mesh(workload, &ports(workload)));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("mesh-ports Info at 7; "), "{found:?}");
    assert!(found[0].ends_with(r#" + "15079""#), "{found:?}");
    assert_eq!(found[1], "mesh-proxy-end Warning at 9");
    let found = listed(&plain(), |workload| environment::evictable(workload).into_iter().collect());
    assert!(found[0].starts_with("safe-to-evict Info at 7; "), "{found:?}");
    assert!(found[0].ends_with(r#" + "segue,segue-state""#), "{found:?}");
}

#[test]
fn a_scraped_port_behind_the_guard_is_found() {
    let monitor = "---\napiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: m}\nspec: {selector: {}, podMetricsEndpoints: [{port: http}]}\n";
    let found = listed(&(plain() + monitor), |workload| scrapers::find(workload, &ports(workload)));
    assert_eq!(found, ["scraped-port Info at 5"]);
}
