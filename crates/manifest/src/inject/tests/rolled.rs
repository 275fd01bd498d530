//! What keeps pods from being rolled, or changes the agent in them: told, with what to do.

use super::*;

fn web(kind: &'static str, own: &'static str) -> Injected {
    Injected::of(
        &Web { kind: Some(kind), own, container: HTTP, ..Web::default() }.behind(NAMED),
        &Options::default(),
    )
}

fn beside(other: &str) -> Injected {
    Injected::of(
        &Web { container: HTTP, ..Web::default() }.behind(&format!("{NAMED}---\n{other}")),
        &Options::default(),
    )
}

#[test]
fn a_partition_is_told() {
    let told = "(partition 2): a rollout replaces only pods from that number on; the others stay without the agent until it is lowered to 0";
    web("StatefulSet", "replicas: 3\nupdateStrategy: {rollingUpdate: {partition: 2}}").says(told);
    for own in [
        "updateStrategy: {rollingUpdate: {partition: 0}}",
        "updateStrategy: {type: OnDelete, rollingUpdate: {partition: 2}}",
        "updateStrategy: {type: RollingUpdate}",
    ] {
        web("StatefulSet", own).is_silent_on("partition");
    }
}

#[test]
fn a_rollout_that_is_paused_is_told() {
    let told = "it is paused: no pod is replaced, so none gets the agent, until it is resumed";
    for kind in ["Deployment", "Rollout"] {
        web(kind, "paused: true").says(&format!("{kind} web: {told}"));
        web(kind, "paused: false").is_silent_on("paused");
    }
    let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {workloadRef: {kind: Deployment, name: web}}\n";
    beside(&rollout.replace("spec: {", "spec: {paused: true, ")).says(&format!("Rollout r: {told}"));
    beside(rollout).is_silent_on("paused");
}

/// A VerticalPodAutoscaler of Deployment `web`.
fn vertical(more: &str) -> String {
    format!(
        "apiVersion: autoscaling.k8s.io/v1\nkind: VerticalPodAutoscaler\nmetadata: {{name: v}}\nspec: {{targetRef: {{kind: Deployment, name: web}}{more}}}\n"
    )
}

#[test]
fn a_vertical_autoscaler_that_may_size_the_agent_is_told() {
    let told = "VerticalPodAutoscaler v (Deployment web): it may size the agent too, where it looks at native sidecars";
    let right = "containerName: segue-agent with mode: \"Off\"";
    for more in [
        "",
        ", updatePolicy: {updateMode: Initial}",
        ", resourcePolicy: {containerPolicies: [{containerName: '*', maxAllowed: {memory: 20Mi}}]}",
        ", resourcePolicy: {containerPolicies: [{containerName: '*', minAllowed: {cpu: 1}}, {containerName: web, mode: 'Off'}]}",
        ", resourcePolicy: {containerPolicies: [{containerName: '*', mode: 'Off'}, {containerName: segue-agent, maxAllowed: {cpu: 1}}]}",
    ] {
        let injected = beside(&vertical(more));
        injected.says(told);
        injected.says(right);
    }
    for more in [
        ", updatePolicy: {updateMode: 'Off'}",
        ", resourcePolicy: {containerPolicies: [{containerName: '*', mode: 'Off'}]}",
        ", resourcePolicy: {containerPolicies: [{containerName: '*'}, {containerName: segue-agent, mode: 'Off'}]}",
    ] {
        beside(&vertical(more)).is_silent_on("may size the agent");
    }
    beside(&vertical("").replace("name: web", "name: other")).is_silent_on("may size the agent");
    beside(&vertical("").replace("kind: Deployment", "kind: StatefulSet")).is_silent_on("may size the agent");
}

#[test]
fn a_load_balancer_of_an_unknown_class_is_told_with_the_flag_that_stands_in() {
    let balanced = |more: &str| NAMED.replace("spec: {", &format!("spec: {{type: LoadBalancer{more}, "));
    let web = Web { container: HTTP, ..Web::default() };
    let told = "Service web (loadBalancerClass example.com/lb): no bound of its load balancer is known: it is taken to send to nodes";
    let unknown = web.behind(&balanced(", loadBalancerClass: example.com/lb"));
    let injected = Injected::of(&unknown, &Options::default());
    injected.says(told);
    injected.says("--bound kube-proxy=D");
    let mut bounded = Options::default();
    bounded.bounds.set("kube-proxy", std::time::Duration::from_mins(1)).unwrap();
    Injected::of(&unknown, &bounded).is_silent_on("no bound of its load balancer");
    for class in ["service.k8s.aws/nlb", "eks.amazonaws.com/nlb"] {
        let known = web.behind(&balanced(&format!(", loadBalancerClass: {class}")));
        Injected::of(&known, &Options::default()).is_silent_on("no bound of its load balancer");
    }
    // A controller of AWS may be given another class.
    let other = balanced(", loadBalancerClass: example.com/lb").replace(
        "{name: web}",
        "{name: web, annotations: {service.beta.kubernetes.io/aws-load-balancer-nlb-target-type: ip}}",
    );
    Injected::of(&web.behind(&other), &Options::default()).is_silent_on("no bound of its load balancer");
    // The class is of a type LoadBalancer alone.
    let other = web.behind(&NAMED.replace("spec: {", "spec: {loadBalancerClass: example.com/lb, "));
    Injected::of(&other, &Options::default()).is_silent_on("no bound of its load balancer");
}

#[test]
fn a_port_of_a_native_sidecar_is_told_without_the_guard_too() {
    let pod = "initContainers: [{name: proxy, image: p, restartPolicy: Always, ports: [{name: http, containerPort: 9000}]}]";
    let web = Web { pod, ..Web::default() }.behind(NAMED);
    for options in [Options::default(), guarded()] {
        let injected = Injected::of(&web, &options);
        injected.says("Service web (port http of Deployment web): it sends to the port of a native sidecar, which is neither guarded nor watched, so no promise holds for it");
        injected.is_silent_on("that no container declares");
    }
}
