//! Objects to paths: which stages each way has, and how long they take.

mod classes;

use super::*;
use crate::objects::{Service, objects};
use crate::workload::World;
use segue_core::path::Direction;
use segue_yaml::parse;

const WEB: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web}]}}}
";

/// The paths to `web` behind these objects: each path's name with its stages as `name join/leave`, in seconds.
fn found(around: &str, overrides: &Overrides) -> (Vec<(String, Vec<String>)>, String) {
    let streams = [parse("app.yaml", &format!("{WEB}---\n{around}")).unwrap()];
    let objects = objects(&streams).unwrap();
    let world = World::of(&objects, Service::of).unwrap();
    let workload = world.workload(&objects[0]).unwrap().unwrap();
    let paths = paths(&workload, overrides, AgentHealth { port: 15079 });
    let seconds = |stage: &Stage, way| stage.bounds(way).max.unwrap().0.as_secs();
    let shown = |stage: &Stage| {
        format!("{} {}/{}", stage.name, seconds(stage, Direction::Join), seconds(stage, Direction::Leave))
    };
    let each = paths.paths.iter().map(|path| (path.name.clone(), path.stages.iter().map(shown).collect()));
    (each.collect(), paths.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn service(meta: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: web, {meta}}}\nspec: {{selector: {{app: web}}, ports: [{{port: 80}}], {spec}}}\n"
    )
}

fn ingress(meta: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: shop, {meta}}}\nspec: {{{spec} rules: [{{http: {{paths: \
         [{{path: /, backend: {{service: {{name: web, port: {{number: 80}}}}}}}}]}}}}]}}\n"
    )
}

fn is(around: &str, expected: &[(&str, &[&str])]) {
    let (paths, _) = found(around, &Overrides::default());
    let paths: Vec<_> = paths.iter().map(|(name, stages)| (name.as_str(), stages.clone())).collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, stages)| (*name, stages.iter().map(|&stage| stage.to_owned()).collect()))
        .collect();
    assert_eq!(paths, expected, "{around}");
}

#[test]
fn a_service_is_as_fast_as_kube_proxy() {
    is(&service("", ""), &[("service/web", &["kube-proxy 15/15"])]);
    is(&service("", "type: NodePort"), &[("service/web", &["kube-proxy 15/15"])]);
    is(&service("", "type: LoadBalancer"), &[("service/web", &["kube-proxy 15/15"])]);
}

#[test]
fn without_a_service_a_cluster_ip_is_assumed_and_that_is_said() {
    is("", &[("service", &["kube-proxy 15/15"])]);
    assert!(found("", &Overrides::default()).1.contains("no Service in the input selects these pods"));
}

#[test]
fn a_headless_service_is_as_fast_as_dns_and_its_caches() {
    let headless = service("", "clusterIP: None");
    is(&headless, &[("headless/web", &["dns 30/30", "dns-client 30/30"])]);
    assert!(found(&headless, &Overrides::default()).1.contains("never resolves again"));
}

#[test]
fn a_local_policy_adds_the_nodes_health() {
    let paths: &[(&str, &[&str])] =
        &[("service/web", &["kube-proxy 15/15"]), ("nodes/web", &["kube-proxy 15/15", "node-health 20/20"])];
    is(&service("", "type: NodePort, externalTrafficPolicy: Local"), paths);
    is(&service("", "externalTrafficPolicy: Local"), &paths[..1]);
}

#[test]
fn an_nlb_with_ip_targets_keeps_the_pods_addresses() {
    let ip = "annotations: {service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip}";
    let old = "annotations: {service.beta.kubernetes.io/aws-load-balancer-type: nlb-ip}";
    for meta in [ip, old] {
        is(
            &service(meta, "type: LoadBalancer"),
            &[
                ("service/web", &["kube-proxy 15/15"]),
                ("nlb/web", &["lb-controller 5/5", "nlb 300/300", "nlb-health 30/0"]),
            ],
        );
    }
    let instance = "annotations: {service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: instance}";
    is(&service(instance, "type: LoadBalancer"), &[("service/web", &["kube-proxy 15/15"])]);
    is(&service(ip, "type: ClusterIP"), &[("service/web", &["kube-proxy 15/15"])]);
}

#[test]
fn an_nlb_that_asks_the_agent_leaves_by_its_health_checks() {
    let prefix = "service.beta.kubernetes.io/aws-load-balancer-";
    let meta = |port: &str| {
        format!(
            "annotations: {{{prefix}nlb-target-type: ip, {prefix}healthcheck-path: /segue/lb-health, {prefix}healthcheck-port: '{port}', {prefix}healthcheck-protocol: http, \
             {prefix}healthcheck-interval: '5', {prefix}healthcheck-unhealthy-threshold: '2'}}"
        )
    };
    is(
        &service(&meta("15079"), "type: LoadBalancer"),
        &[
            ("service/web", &["kube-proxy 15/15"]),
            ("nlb/web", &["lb-controller 5/5", "nlb 300/0", "nlb-health 15/20"]),
        ],
    );
    is(
        &service(&meta("8080"), "type: LoadBalancer"),
        &[
            ("service/web", &["kube-proxy 15/15"]),
            ("nlb/web", &["lb-controller 5/5", "nlb 300/300", "nlb-health 15/0"]),
        ],
    );
    // Over TCP the agent always answers; over TLS it never does.
    for protocol in ["", ", PREhealthcheck-protocol: TCP", ", PREhealthcheck-protocol: https"] {
        let meta = meta("15079")
            .replace(&format!(", {prefix}healthcheck-protocol: http"), &protocol.replace("PRE", prefix));
        let deaf = service(&meta, "type: LoadBalancer");
        is(
            &deaf,
            &[
                ("service/web", &["kube-proxy 15/15"]),
                ("nlb/web", &["lb-controller 5/5", "nlb 300/300", "nlb-health 15/0"]),
            ],
        );
        let notes = found(&deaf, &Overrides::default()).1;
        assert!(notes.contains("does not hear when a drain begins"), "{protocol}: {notes}");
    }
    let plain = service(
        "annotations: {service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip}",
        "type: LoadBalancer",
    );
    assert!(
        found(&plain, &Overrides::default())
            .1
            .contains("stops sending 40 s after a drain's beginning, instead of 300 s")
    );
}

#[test]
fn an_alb_with_ip_targets_keeps_the_pods_addresses() {
    let ip = "annotations: {alb.ingress.kubernetes.io/target-type: ip, alb.ingress.kubernetes.io/healthcheck-interval-seconds: '10'}";
    let around = format!("{}---\n{}", service("", ""), ingress(ip, ""));
    is(
        &around,
        &[
            ("service/web", &["kube-proxy 15/15"]),
            ("alb/shop", &["lb-controller 5/5", "alb 20/60", "alb-health 20/0"]),
        ],
    );
    let instance = format!("{}---\n{}", service("", "type: NodePort"), ingress("", "ingressClassName: alb,"));
    is(&instance, &[("service/web", &["kube-proxy 15/15"])]);
    let by_service = service("annotations: {alb.ingress.kubernetes.io/target-type: ip}", "");
    let around = format!("{by_service}---\n{}", ingress("", "ingressClassName: alb,"));
    is(
        &around,
        &[
            ("service/web", &["kube-proxy 15/15"]),
            ("alb/shop", &["lb-controller 5/5", "alb 20/60", "alb-health 30/0"]),
        ],
    );
}

#[test]
fn an_alb_may_send_by_an_action_that_an_annotation_describes() {
    let annotations = "annotations: {alb.ingress.kubernetes.io/target-type: ip, \
         alb.ingress.kubernetes.io/actions.fw: '{\"type\":\"forward\",\"forwardConfig\":{\"targetGroups\":[{\"serviceName\":\"web\",\"servicePort\":80}]}}'}";
    let ingress = ingress(annotations, "").replace("name: web", "name: fw");
    is(
        &format!("{}---\n{ingress}", service("", "")),
        &[
            ("service/web", &["kube-proxy 15/15"]),
            ("alb/shop", &["lb-controller 5/5", "alb 20/60", "alb-health 30/0"]),
        ],
    );
}

#[test]
fn targets_whose_kind_is_not_said_are_told() {
    let notes = |text: &str| found(text, &Overrides::default()).1;
    let alb = |meta: &str| format!("{}---\n{}", service("", ""), ingress(meta, "ingressClassName: alb,"));
    let untold = "does not say its target type";
    assert!(notes(&alb("")).contains(untold));
    assert!(!notes(&alb("annotations: {alb.ingress.kubernetes.io/target-type: instance}")).contains(untold));
    let nlb = |spec: &str| notes(&service("", &format!("type: LoadBalancer{spec}")));
    assert!(nlb(", loadBalancerClass: service.k8s.aws/nlb").contains(untold));
    assert!(!nlb("").contains(untold), "it may be of no AWS controller");
}

#[test]
fn other_ingresses_and_gateways_have_a_stage_of_their_own() {
    let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {rules: [{backendRefs: [{name: web, port: 80}]}]}\n";
    let around = format!("{}---\n{}---\n{route}", service("", ""), ingress("", "ingressClassName: nginx,"));
    is(
        &around,
        &[
            ("service/web", &["kube-proxy 15/15"]),
            ("ingress/shop", &["ingress 30/30"]),
            ("gateway/r", &["gateway 30/30"]),
        ],
    );
}

#[test]
fn a_target_group_counts_as_the_slower_kind_of_load_balancer() {
    let binding = "apiVersion: elbv2.k8s.aws/v1beta1\nkind: TargetGroupBinding\nmetadata: {name: tg}\nspec: {serviceRef: {name: web, port: 80}, targetType: ip}\n";
    let paths: &[(&str, &[&str])] = &[
        ("service/web", &["kube-proxy 15/15"]),
        ("target-group/tg", &["lb-controller 5/5", "nlb 300/300", "nlb-health 30/0"]),
    ];
    is(&format!("{}---\n{binding}", service("", "")), paths);
    let instance = binding.replace("targetType: ip", "targetType: instance");
    is(&format!("{}---\n{instance}", service("", "")), &paths[..1]);
}

#[test]
fn an_ingress_to_another_service_is_no_path_here() {
    let around = format!("{}---\n{}", service("", ""), ingress("", "").replace("name: web", "name: other"));
    is(&around, &[("service/web", &["kube-proxy 15/15"])]);
    let elsewhere = ingress("namespace: other", "");
    let around = format!("{}---\n{elsewhere}", service("namespace: shop", ""));
    is(&around, &[("service/web", &["kube-proxy 15/15"])]);
}

#[test]
fn the_users_bound_replaces_a_stages_in_every_path() {
    let mut overrides = Overrides::default();
    overrides.set("kube-proxy", Duration::from_secs(3)).unwrap();
    let (paths, _) = found(&service("", "type: NodePort, externalTrafficPolicy: Local"), &overrides);
    assert_eq!(paths[0].1, ["kube-proxy 3/3"]);
    assert_eq!(paths[1].1, ["kube-proxy 3/3", "node-health 20/20"]);
}

#[test]
fn every_stage_says_where_its_bound_comes_from_and_what_changes_it() {
    let (name, join, leave) = known_stages().next().unwrap();
    assert_eq!((name, join.as_secs(), leave.as_secs()), ("kube-proxy", 15, 15));
    let stage = KUBE_PROXY.stage();
    assert!(stage.source.starts_with("default: "));
    assert_eq!(stage.setting, "--bound kube-proxy=D");
}
