//! When a kube-proxy's join bound is nothing, and when it stays.

use std::time::Duration;

use segue_core::path::Direction;
use serde_json::json;

use super::*;

/// The Deployment (or other kind) behind these objects.
fn web(kind: &'static str, own: &'static str, around: &str) -> String {
    Web { kind: Some(kind), own, container: HTTP, ..Web::default() }.behind(around)
}

fn bound(sets: &[(&str, u64)]) -> Options {
    let mut options = Options::default();
    for (stage, seconds) in sets {
        options.bounds.set(stage, Duration::from_secs(*seconds)).unwrap();
    }
    options
}

fn min_ready(text: &str, options: &Options) -> Option<u64> {
    Injected::of(text, options).number("/spec/minReadySeconds")
}

#[test]
fn a_rollout_that_replaces_before_it_deletes_waits_for_no_kube_proxy() {
    for (kind, own) in [
        ("Deployment", ""),
        ("Deployment", "paused: true"),
        ("Deployment", "strategy: {type: RollingUpdate, rollingUpdate: {maxUnavailable: 25%, maxSurge: 0}}"),
        ("Rollout", "strategy: {canary: {}}"),
        ("Rollout", "strategy: {canary: {maxUnavailable: 0, maxSurge: 2, steps: [{setWeight: 25}]}}"),
    ] {
        for service in [NAMED, NUMERIC, &NAMED.replace("spec: {", "spec: {type: NodePort, ")] {
            assert_eq!(min_ready(&web(kind, own, service), &Options::default()), None, "{kind} {own}");
        }
    }
    let alone = Web { container: HTTP, ..Web::default() }.yaml();
    assert_eq!(min_ready(&alone, &Options::default()), None, "taken to be behind a ClusterIP");
    let kept = Options { keep_strategy: true, ..Options::default() };
    let own = "strategy: {rollingUpdate: {maxUnavailable: 0%}}";
    Injected::of(&web("Deployment", own, NAMED), &kept).is_silent_on("minReadySeconds stays");
}

#[test]
fn a_deployment_whose_pods_another_replaces_keeps_the_wait_and_it_is_told() {
    let reference = "workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}";
    for (api, spec, told) in [
        (
            "argoproj.io/v1alpha1",
            format!("{reference}, strategy: {{canary: {{maxUnavailable: 1}}}}"),
            "takes only their template",
        ),
        (
            "rollouts.kruise.io/v1beta1",
            reference.to_owned(),
            "(Deployment web): it decides how these pods are replaced",
        ),
    ] {
        let other = format!("apiVersion: {api}\nkind: Rollout\nmetadata: {{name: r}}\nspec: {{{spec}}}\n");
        let text = format!("{}---\n{other}", web("Deployment", "", NAMED));
        let injected = Injected::of(&text, &Options::default());
        assert_eq!(injected.number("/spec/minReadySeconds"), Some(15), "{api}");
        injected.is_silent_on("no minReadySeconds is needed");
        injected.says(told);
    }
    let of_another = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {workloadRef: {kind: Deployment, name: api}}\n";
    let text = format!("{}---\n{of_another}", web("Deployment", "", NAMED));
    assert_eq!(min_ready(&text, &Options::default()), None);
}

#[test]
fn the_plan_says_why_and_so_does_a_note() {
    let injected = Injected::of(&web("Deployment", "", NAMED), &Options::default());
    let why = "a Deployment deletes an old pod only after its replacement is Ready, and each kube-proxy reads changes in order";
    let plan = injected.at(0, "/spec/template/metadata/annotations/segue.dev~1plan").unwrap();
    let words = format!(
        "path service/web: kube-proxy 0s to join, 15s to leave (join: {why}; leave default: it syncs every second"
    );
    assert!(plan.as_str().unwrap().contains(&words), "{plan}");
    injected.says(&format!("no minReadySeconds is needed for kube-proxy: {why}"));
    let stage = &injected.plan().drain.paths[0].stages[0];
    assert_eq!(stage.join.max.unwrap().0, Duration::ZERO);
    assert!(stage.source.contains(why), "{}", stage.source);
    let rollout = Injected::of(&web("Rollout", "strategy: {canary: {}}", NAMED), &Options::default());
    rollout.says("kube-proxy: a Rollout deletes an old pod only after");
}

#[test]
fn what_deletes_before_its_replacement_is_ready_waits_for_kube_proxy() {
    for (kind, own, expected) in [
        ("StatefulSet", "replicas: 3", 15),
        ("DaemonSet", "", 15),
        ("Rollout", "strategy: {blueGreen: {activeService: web}}", 15),
        (
            "Rollout",
            "strategy: {canary: {canaryService: c, stableService: web, trafficRouting: {nginx: {}}}}",
            15,
        ),
    ] {
        let injected = Injected::of(&web(kind, own, NAMED), &Options::default());
        assert_eq!(injected.number("/spec/minReadySeconds"), Some(expected), "{kind} {own}");
        injected.is_silent_on("no minReadySeconds is needed");
    }
    // Its pods may find no place beside the old ones, so its strategy stays.
    let own = "strategy: {rollingUpdate: {maxUnavailable: 1, maxSurge: 0}}";
    let pod = "hostNetwork: true";
    let text = Web { own, pod, container: HTTP, ..Web::default() }.behind(NAMED);
    assert_eq!(min_ready(&text, &Options::default()), Some(15));
    // 25 % of three pods are none, but of four they are one: how many there will be is not known.
    for own in [
        "",
        "strategy: {rollingUpdate: {maxUnavailable: 25%}}",
        "strategy: {rollingUpdate: {maxUnavailable: 0, maxSurge: 0%}}",
        "strategy: {type: Recreate}",
    ] {
        let kept = Options { keep_strategy: true, ..Options::default() };
        let injected = Injected::of(&web("Deployment", own, NAMED), &kept);
        let join = injected.plan().drain.paths[0].bound(Direction::Join);
        assert_eq!(join, Some(Duration::from_secs(15)), "{own}");
    }
}

#[test]
fn a_router_behind_whom_kube_proxies_stand_has_not_heard_them_in_order() {
    // The new pod's node may be late and the old pod's not: the balancer asks both.
    let local = NAMED.replace("spec: {", "spec: {type: NodePort, externalTrafficPolicy: Local, ");
    assert_eq!(min_ready(&web("Deployment", "", &local), &Options::default()), Some(35));
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i}\nspec: {ingressClassName: nginx, \
                   defaultBackend: {service: {name: web, port: {number: 80}}}}\n";
    let around = format!("{NAMED}{ingress}");
    assert_eq!(min_ready(&web("Deployment", "", &around), &Options::default()), Some(30));
    let headless = NAMED.replace("spec: {", "spec: {clusterIP: None, ");
    assert_eq!(min_ready(&web("Deployment", "", &headless), &Options::default()), Some(60));
    // How its router hears of pods is not known: kube-proxy's bound stands for it.
    let other = "---\napiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: r}\nspec: {}\n";
    let around = format!("{NAMED}{other}");
    assert_eq!(min_ready(&web("Deployment", "", &around), &Options::default()), Some(15));
}

#[test]
fn the_users_own_bound_and_value_hold() {
    let text = web("Deployment", "", NAMED);
    assert_eq!(min_ready(&text, &bound(&[("kube-proxy.join", 7)])), Some(7));
    assert_eq!(min_ready(&text, &bound(&[("kube-proxy", 3)])), Some(3));
    assert_eq!(min_ready(&text, &bound(&[("kube-proxy.leave", 3)])), None);
    assert_eq!(min_ready(&text, &bound(&[("kube-proxy.join", 0)])), None);
    let injected = Injected::of(&text, &bound(&[("kube-proxy.join", 7)]));
    injected.is_silent_on("no minReadySeconds is needed");
    let own = web("Deployment", "minReadySeconds: 20", NAMED);
    assert_eq!(min_ready(&own, &Options::default()), Some(20), "never lowered");
    let local = NAMED.replace("spec: {", "spec: {type: NodePort, externalTrafficPolicy: Local, ");
    assert_eq!(min_ready(&web("Deployment", "", &local), &bound(&[("kube-proxy.join", 0)])), Some(20));
}

#[test]
fn what_an_older_segue_has_raised_for_kube_proxy_is_taken_back() {
    let text = web("Deployment", "minReadySeconds: 2", NAMED);
    let before = Injected::of(&text, &bound(&[("kube-proxy.join", 15)]));
    assert_eq!(before.number("/spec/minReadySeconds"), Some(15));
    let now = Injected::of(&before.text, &Options::default());
    assert_eq!(now.at(0, "/spec/minReadySeconds"), Some(&json!(2)));
}
