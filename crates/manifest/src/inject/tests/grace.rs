//! Bounds, the grace period that they need, and what the agent is told.

use std::time::Duration;

use segue_core::path::Direction;

use super::*;
use crate::paths::Overrides;

const GRACE: &str = "/spec/template/spec/terminationGracePeriodSeconds";

fn bound(sets: &[(&str, u64)]) -> Options {
    let mut bounds = Overrides::default();
    for (stage, seconds) in sets {
        bounds.set(stage, Duration::from_secs(*seconds)).unwrap();
    }
    Options { bounds, ..Options::default() }
}

#[test]
fn the_grace_period_is_the_sum_of_what_a_drain_may_take() {
    // 15 until the last client knows, 2 quiet, 30 a request, 5 until a connection counts as idle, 10 to stop, 5 kept free.
    let injected =
        Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &Options::default());
    assert_eq!(injected.number(GRACE), Some(67));
    assert_eq!(injected.plan().drain.deadline, Duration::from_secs(52));
    // The guard knows at once what is idle.
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &guarded());
    assert_eq!(injected.number(GRACE), Some(62));
    assert_eq!(injected.plan().drain.deadline, Duration::from_secs(47));
}

#[test]
fn each_flag_moves_what_it_says() {
    let text = Web { container: HTTP, ..Web::default() }.behind(NAMED);
    let seconds = Duration::from_secs;
    let grace = |options| Injected::of(&text, &options).number(GRACE).unwrap();
    assert_eq!(grace(bound(&[("kube-proxy", 3)])), 55);
    assert_eq!(grace(Options { longest_request: seconds(60), ..Options::default() }), 97);
    assert_eq!(grace(Options { stop_time: seconds(20), ..Options::default() }), 77);
    assert_eq!(grace(Options { idle_after: seconds(10), ..Options::default() }), 72);
    assert_eq!(
        grace(Options { longest_request: Duration::from_millis(500), ..guarded() }),
        35,
        "the linger is longer"
    );
}

#[test]
fn the_sum_in_words_is_the_sum_that_was_granted() {
    let text = Web { container: HTTP, ..Web::default() }.behind(NAMED);
    let plan = |options| {
        let injected = Injected::of(&text, &options);
        let plan = injected.at(0, "/spec/template/metadata/annotations/segue.dev~1plan").unwrap();
        plan.as_str().unwrap().to_owned()
    };
    let short = Options { longest_request: Duration::from_secs(1), ..guarded() };
    let words = "grace 35s: 15s until the last client knows + 5s until idle connections are closed + 10s to stop + 5s margin";
    assert!(plan(short).starts_with(words));
    let words = "grace 62s: 15s until the last client knows + 2s quiet + 30s longest request + 10s to stop + 5s margin";
    assert!(plan(guarded()).starts_with(words));
}

#[test]
fn a_grace_period_that_is_long_enough_stays_and_is_used() {
    let pod = "terminationGracePeriodSeconds: 300";
    let injected =
        Injected::of(&Web { container: HTTP, pod, ..Web::default() }.behind(NAMED), &Options::default());
    assert_eq!(injected.number(GRACE), Some(300));
    assert_eq!(injected.plan().drain.deadline, Duration::from_secs(285));
    let plan = injected.at(0, "/spec/template/metadata/annotations/segue.dev~1plan").unwrap();
    assert!(plan.as_str().unwrap().starts_with("grace 300s as it was; 67s are needed: "), "{plan}");
}

#[test]
fn kubernetes_own_grace_period_is_left_unwritten_where_it_is_enough() {
    let options = Options {
        longest_request: Duration::from_secs(1),
        stop_time: Duration::from_secs(5),
        guard: true,
        ..bound(&[("kube-proxy", 3)])
    };
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &options);
    assert_eq!(injected.number(GRACE), None);
    assert_eq!(injected.plan().drain.deadline, Duration::from_secs(20));
}

#[test]
fn a_short_grace_period_is_raised() {
    for pod in ["terminationGracePeriodSeconds: 0", "terminationGracePeriodSeconds: 66"] {
        let injected =
            Injected::of(&Web { container: HTTP, pod, ..Web::default() }.behind(NAMED), &Options::default());
        assert_eq!(injected.number(GRACE), Some(67), "{pod}");
    }
}

#[test]
fn the_plan_has_every_path_with_its_source_and_the_setting_that_shortens_it() {
    let injected = Injected::of(
        &Web { container: HTTP, ..Web::default() }.behind(NAMED),
        &bound(&[("kube-proxy.leave", 3)]),
    );
    let paths = injected.plan().drain.paths;
    assert_eq!(paths.len(), 1);
    assert_eq!(paths[0].name, "service/web");
    assert_eq!(paths[0].bound(Direction::Leave), Some(Duration::from_secs(3)));
    assert_eq!(paths[0].bound(Direction::Join), Some(Duration::ZERO));
    assert!(paths[0].stages[0].source.starts_with("leave set by --bound; join: a Deployment deletes"));
    assert_eq!(paths[0].stages[0].setting, "--bound kube-proxy=D");
}

#[test]
fn a_websocket_is_told_once_its_client_will_not_come_back_here() {
    let injected =
        Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &bound(&[("kube-proxy", 3)]));
    assert_eq!(injected.plan().websocket_grace.0, Duration::from_secs(3));
}

#[test]
fn a_bound_for_a_stage_that_no_path_has_is_told() {
    let text = Web { container: HTTP, ..Web::default() }.behind(NAMED);
    Injected::of(&text, &bound(&[("alb", 45)])).says("--bound alb=D: no path in the input has this stage");
    Injected::of(&text, &bound(&[("kube-proxy", 3)])).is_silent_on("no path in the input");
}

#[test]
fn probes_scrapers_and_health_checks_are_discounted_but_never_the_front_door() {
    let container = "ports: [{name: http, containerPort: 8080}]\nreadinessProbe: {httpGet: {path: '/ready?full=1', port: 8080}}\n\
                     livenessProbe: {httpGet: {path: /, port: 8080}}";
    let meta = "annotations: {prometheus.io/scrape: 'true', prometheus.io/path: /prom}";
    let around = format!(
        "{}---\n{}",
        NAMED.replace(
            "{name: web}",
            "{name: web, annotations: {alb.ingress.kubernetes.io/healthcheck-path: /lb}}"
        ),
        "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: m}\nspec: {selector: {matchLabels: {app: web}}, \
         podMetricsEndpoints: [{port: http}]}\n"
    );
    let injected = Injected::of(&Web { container, meta, ..Web::default() }.behind(&around), &guarded());
    let discount = injected.plan().discount;
    assert_eq!(discount.paths, ["/ready", "/metrics", "/prom", "/lb"]);
    assert!(discount.user_agents.iter().any(|agent| agent == "kube-probe/"));
    injected.says("Deployment web (PodMonitor m, port http): it is scraped through the guard on 15080");
}

#[test]
fn the_first_rollout_is_told_of_with_a_bridge_as_long_as_the_slowest_path() {
    let injected =
        Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &bound(&[("kube-proxy", 7)]));
    injected.says("(preStop.sleep 7s): the first rollout after this still removes pods without the agent");
}
