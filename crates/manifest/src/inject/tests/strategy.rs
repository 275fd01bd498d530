//! The values of a rolling update.

use serde_json::json;

use super::*;

fn web(kind: &'static str, own: &'static str) -> String {
    Web { kind: Some(kind), own, container: HTTP, ..Web::default() }.behind(NAMED)
}

fn spec(injected: &Injected, pointer: &str) -> Option<Value> {
    injected.at(0, &format!("/spec{pointer}")).cloned()
}

fn keep() -> Options {
    Options { keep_strategy: true, ..Options::default() }
}

/// kube-proxy takes so many seconds to join, on the user's word.
fn joined(seconds: u64) -> Options {
    let mut options = Options::default();
    options.bounds.set("kube-proxy.join", std::time::Duration::from_secs(seconds)).unwrap();
    options
}

#[test]
fn a_deployment_that_says_nothing_gets_what_breaks_a_law_and_no_more() {
    let injected = Injected::of(&web("Deployment", "replicas: 4"), &Options::default());
    assert_eq!(spec(&injected, "/minReadySeconds"), None, "its replacement comes first");
    assert_eq!(spec(&injected, "/strategy"), Some(json!({"rollingUpdate": {"maxUnavailable": 0}})));
    assert_eq!(spec(&injected, "/progressDeadlineSeconds"), None, "600 is enough");
}

#[test]
fn values_that_keep_the_laws_stay() {
    let own = "minReadySeconds: 20\nprogressDeadlineSeconds: 900\nstrategy: {rollingUpdate: {maxUnavailable: 0%, maxSurge: 2}}";
    let injected = Injected::of(&web("Deployment", own), &Options::default());
    assert_eq!(spec(&injected, "/minReadySeconds"), Some(json!(20)));
    assert_eq!(spec(&injected, "/progressDeadlineSeconds"), Some(json!(900)));
    assert_eq!(
        spec(&injected, "/strategy"),
        Some(json!({"rollingUpdate": {"maxUnavailable": "0%", "maxSurge": 2}}))
    );
}

#[test]
fn a_rollout_needs_room_to_surge() {
    let own = "strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}";
    let injected = Injected::of(&web("Deployment", own), &Options::default());
    assert_eq!(spec(&injected, "/strategy/rollingUpdate"), Some(json!({"maxUnavailable": 0, "maxSurge": 1})));
}

#[test]
fn pods_that_may_find_no_place_beside_the_old_ones_keep_their_strategy_and_are_told() {
    let zero = "strategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}";
    for (container, pod) in [
        ("ports: [{name: http, containerPort: 8080, hostPort: 80}]", ""),
        (HTTP, "hostNetwork: true"),
        (
            HTTP,
            "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname}]}}",
        ),
        (HTTP, "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]"),
    ] {
        let web = |own| Web { container, pod, own, ..Web::default() }.yaml();
        let injected = Injected::of(&web(zero), &Options::default());
        let kept = json!({"maxUnavailable": 1, "maxSurge": 0});
        assert_eq!(spec(&injected, "/strategy/rollingUpdate"), Some(kept), "{container} {pod}");
        injected.says("maxSurge stays 0: ");
        let injected = Injected::of(&web(""), &Options::default());
        assert_eq!(spec(&injected, "/strategy"), Some(json!({"rollingUpdate": {"maxUnavailable": 0}})));
        injected.says("where no place is free for one more pod a rollout waits for one");
    }
}

#[test]
fn the_progress_deadline_keeps_the_time_that_was_left_for_a_start() {
    for (own, expected) in [
        ("progressDeadlineSeconds: 30", 45),
        ("progressDeadlineSeconds: 30\nminReadySeconds: 10", 35),
        ("progressDeadlineSeconds: 30\nminReadySeconds: 20", 30),
        ("progressDeadlineSeconds: 130", 135),
        ("progressDeadlineSeconds: 600", 600),
    ] {
        let injected = Injected::of(&web("Deployment", own), &joined(15));
        assert_eq!(spec(&injected, "/progressDeadlineSeconds"), Some(json!(expected)), "{own}");
    }
}

#[test]
fn recreate_is_refused_unless_it_is_kept_on_purpose() {
    let diagnostic = refused(&web("Deployment", "strategy: {type: Recreate}"), &Options::default());
    assert!(diagnostic.message.contains("stops every pod before the first new one starts"), "{diagnostic}");
    assert_eq!(line_of(&diagnostic), 7);
    let injected = Injected::of(&web("Deployment", "strategy: {type: Recreate}"), &keep());
    assert_eq!(spec(&injected, "/strategy"), Some(json!({"type": "Recreate"})));
    injected.says("serves nothing meanwhile");
}

#[test]
fn a_strategy_that_is_kept_is_told_with_its_cost() {
    let own = "minReadySeconds: 5\nstrategy: {rollingUpdate: {maxUnavailable: 2, maxSurge: 0}}";
    let injected = Injected::of(&web("Deployment", own), &keep());
    assert_eq!(spec(&injected, "/minReadySeconds"), Some(json!(5)));
    assert_eq!(spec(&injected, "/strategy/rollingUpdate"), Some(json!({"maxUnavailable": 2, "maxSurge": 0})));
    injected.says("(minReadySeconds stays 5, 10s too short): an old pod may leave before every client knows its replacement");
    injected.says("maxUnavailable stays 2");
    injected.says("maxSurge stays 0");
}

#[test]
fn an_argo_rollout_has_its_values_in_its_canary() {
    let injected = Injected::of(
        &web("Rollout", "strategy: {canary: {maxSurge: 0, maxUnavailable: 1}}"),
        &Options::default(),
    );
    assert_eq!(spec(&injected, "/strategy/canary"), Some(json!({"maxSurge": 1, "maxUnavailable": 0})));
    assert_eq!(spec(&injected, "/minReadySeconds"), None);
    let injected =
        Injected::of(&web("Rollout", "strategy: {blueGreen: {activeService: web}}"), &Options::default());
    assert_eq!(spec(&injected, "/strategy"), Some(json!({"blueGreen": {"activeService": "web"}})));
}

#[test]
fn a_daemon_set_surges_where_its_node_has_room() {
    let injected = Injected::of(&web("DaemonSet", ""), &Options::default());
    let expected = json!({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
    assert_eq!(spec(&injected, "/updateStrategy"), Some(expected));
    assert_eq!(spec(&injected, "/progressDeadlineSeconds"), None);
    let web = Web { kind: Some("DaemonSet"), pod: "hostNetwork: true", ..Web::default() };
    let injected = Injected::of(&web.yaml(), &Options::default());
    assert_eq!(spec(&injected, "/updateStrategy"), None);
    injected.says("the floor is one less");
    let own = "updateStrategy: {rollingUpdate: {maxUnavailable: 10%}}";
    let web = Web { kind: Some("DaemonSet"), pod: "hostNetwork: true", own, ..Web::default() };
    Injected::of(&web.yaml(), &Options::default()).says("the floor is 10% less");
}

#[test]
fn a_stateful_set_is_replaced_in_place_one_by_one() {
    let injected = Injected::of(
        &web("StatefulSet", "replicas: 3\nupdateStrategy: {rollingUpdate: {maxUnavailable: 2}}"),
        &Options::default(),
    );
    assert_eq!(spec(&injected, "/updateStrategy"), Some(json!({"rollingUpdate": {"maxUnavailable": 1}})));
    assert_eq!(spec(&injected, "/minReadySeconds"), Some(json!(15)));
    assert_eq!(spec(&injected, "/strategy"), None);
    injected.says("the floor is one less than its replicas");
    Injected::of(&web("StatefulSet", ""), &Options::default()).says("nothing serves between its end");
}

#[test]
fn what_is_replaced_by_hand_is_told() {
    for kind in ["StatefulSet", "DaemonSet"] {
        let injected = Injected::of(&web(kind, "updateStrategy: {type: OnDelete}"), &Options::default());
        assert_eq!(spec(&injected, "/updateStrategy"), Some(json!({"type": "OnDelete"})));
        injected.says("a pod gets the agent when it is deleted");
    }
}

#[test]
fn a_bare_pod_gets_the_agent_and_no_strategy() {
    let text =
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\nspec:\n  containers:\n  - {name: p, image: p}\n";
    let injected = Injected::of(text, &Options::default());
    assert_eq!(injected.at(0, "/spec/initContainers/0/name"), Some(&json!("segue-agent")));
    assert!(injected.at(0, "/metadata/annotations/segue.dev~1plan").is_some());
    assert_eq!(injected.at(0, "/spec/minReadySeconds"), None);
    injected.says("a bare pod has no replacement");
}

#[test]
fn a_stateful_set_that_is_replaced_one_by_one_already_is_not_spoken_of() {
    let own = "replicas: 3\nupdateStrategy: {rollingUpdate: {maxUnavailable: 1}}";
    Injected::of(&web("StatefulSet", own), &keep()).is_silent_on("maxUnavailable stays");
}

#[test]
fn the_volume_of_a_daemon_set_is_its_nodes_own_and_keeps_nothing_from_surging() {
    let pod = "volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]";
    let own = "updateStrategy: {rollingUpdate: {maxSurge: 0}}";
    let web = Web { kind: Some("DaemonSet"), pod, own, container: HTTP, ..Web::default() };
    let injected = Injected::of(&web.yaml(), &Options::default());
    let expected = json!({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}});
    assert_eq!(spec(&injected, "/updateStrategy"), Some(expected));
    injected.is_silent_on("may find no place");
}
