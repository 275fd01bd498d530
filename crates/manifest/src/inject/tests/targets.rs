//! A Service's targetPort in all the ways that the API server takes, and some that it does not.

use serde_json::json;

use super::*;

fn sent(target: &str, container: &'static str, options: &Options) -> Injected {
    let service = NUMERIC.replace("port: 80, targetPort: 8080", &format!("port: 8080{target}"));
    Injected::of(&Web { container, ..Web::default() }.behind(&service), options)
}

fn applications(injected: &Injected) -> Vec<u16> {
    injected.plan().ports.iter().map(|port| port.application).collect()
}

#[test]
fn zero_nothing_and_null_mean_the_services_own_port() {
    for target in [
        "",
        ", targetPort: 0",
        ", targetPort: ''",
        ", targetPort: null",
        ", targetPort: ",
        ", targetPort: 8080",
    ] {
        let injected = sent(target, "", &guarded());
        assert_eq!(applications(&injected), [8080], "{target}");
        let second = Injected::of(&injected.text, &Options { second_step: true, ..Options::default() });
        assert_eq!(second.at(1, "/spec/ports/0/targetPort"), Some(&json!(15080)), "{target}");
        let back = undo(&streams(&second.text), true).unwrap().texts.concat();
        assert_eq!(back, injected.text, "{target}");
    }
}

#[test]
fn a_headless_service_of_target_port_zero_is_as_any_other() {
    let service = NUMERIC
        .replace("spec: {", "spec: {clusterIP: None, ")
        .replace("80, targetPort: 8080", "55555, targetPort: 0");
    let injected = Injected::of(&Web::default().behind(&service), &guarded());
    assert_eq!(applications(&injected), [55555]);
    assert_eq!(injected.plan().drain.paths[0].name, "headless/web");
}

#[test]
fn a_number_in_quotes_is_a_name_that_the_api_server_refuses() {
    sent(", targetPort: '8080'", HTTP, &Options::default())
        .says("(port 8080 of Deployment web): the targetPort is in quotes");
    sent(", targetPort: http", HTTP, &Options::default()).is_silent_on("in quotes");
}

#[test]
fn a_name_that_no_container_declares_is_told_without_the_guard_too() {
    for options in [Options::default(), guarded()] {
        sent(", targetPort: web", HTTP, &options)
            .says("(port web of Deployment web): it sends to a port that no container declares");
        sent(", targetPort: http", HTTP, &options).is_silent_on("that no container declares");
    }
}

#[test]
fn a_port_without_a_number_is_told_and_is_none() {
    for container in [
        "ports:\n- {name: http, containerPort: 0}\n- {containerPort: 9090}",
        "ports:\n- {name: http}\n- {containerPort: 9090}",
    ] {
        let injected = Injected::of(&Web { container, ..Web::default() }.behind(NUMERIC), &guarded());
        assert_eq!(applications(&injected), [9090, 8080]);
        injected.says("(port http): its containerPort has no number");
    }
    let probe = "readinessProbe: {httpGet: {port: 0}}";
    let injected = Injected::of(&Web { container: probe, ..Web::default() }.yaml(), &Options::default());
    assert_eq!(applications(&injected), [0_u16; 0]);
}

#[test]
fn a_services_port_of_zero_is_no_port_of_the_plan() {
    let service = NUMERIC.replace("port: 80, targetPort: 8080", "port: 0");
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&service), &guarded());
    assert_eq!(applications(&injected), [8080]);
}

#[test]
fn a_host_port_of_zero_is_none() {
    let container = "ports: [{name: http, containerPort: 8080, hostPort: 0}]";
    Injected::of(&Web { container, ..Web::default() }.behind(NAMED), &guarded()).is_silent_on("hostPort");
}

#[test]
fn an_empty_protocol_is_tcp() {
    let container = "ports: [{name: http, containerPort: 8080, protocol: ''}]";
    let service = NAMED.replace("targetPort: http", "targetPort: http, protocol: ''");
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(&service), &guarded());
    assert_eq!(injected.plan().ports[0].guard, Some(15080));
    injected.is_silent_on("no promise holds");
}

#[test]
fn two_ports_of_one_name_are_told() {
    let container = "ports: [{name: http, containerPort: 8080}]";
    let pod = "- {name: other, image: x, ports: [{name: http, containerPort: 9090}]}";
    let injected = Injected::of(&Web { container, pod, ..Web::default() }.behind(NAMED), &guarded());
    injected.says("(http: 8080, 9090): several ports have one name: a Service that names it finds the first");
    assert_eq!(injected.pod("/containers/1/ports/0/containerPort"), Some(&json!(9090)));
    let both = "ports: [{name: dns, containerPort: 53, protocol: UDP}, {name: dns, containerPort: 53}]";
    Injected::of(&Web { container: both, ..Web::default() }.yaml(), &guarded()).is_silent_on("several ports");
}
