//! Which ports the guard takes over, and how.

use segue_core::pod::{Port, Protocol};
use serde_json::json;

use super::*;

fn ports(injected: &Injected) -> Vec<(u16, Option<u16>)> {
    injected.plan().ports.iter().map(|port| (port.application, port.guard)).collect()
}

#[test]
fn a_name_that_a_service_sends_to_keeps_its_place_and_gets_the_guards_number() {
    let container = "ports:\n- {name: metrics, containerPort: 9090}\n- {name: http, containerPort: 8080}\n\
                     readinessProbe: {httpGet: {path: /ready, port: http}}\nlivenessProbe: {tcpSocket: {port: http}}\n\
                     startupProbe: {httpGet: {port: metrics}}\nlifecycle: {postStart: {httpGet: {port: http}}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NAMED), &guarded());
    let ports_of =
        json!([{"name": "metrics", "containerPort": 9090}, {"name": "http", "containerPort": 15080}]);
    assert_eq!(injected.pod("/containers/0/ports"), Some(&ports_of));
    for (place, port) in [
        ("readinessProbe/httpGet/port", json!(8080)),
        ("livenessProbe/tcpSocket/port", json!(8080)),
        ("startupProbe/httpGet/port", json!("metrics")),
        ("lifecycle/postStart/httpGet/port", json!(8080)),
    ] {
        assert_eq!(injected.pod(&format!("/containers/0/{place}")), Some(&port), "{place}");
    }
    assert_eq!(ports(&injected), [(9090, None), (8080, Some(15080))]);
    assert_eq!(
        injected.at(1, ""),
        Some(streams(NAMED)[0].documents()[0].json()),
        "the Service is left alone"
    );
}

#[test]
fn without_the_guard_no_port_changes() {
    let injected =
        Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &Options::default());
    assert_eq!(injected.pod("/containers/0/ports/0/containerPort"), Some(&json!(8080)));
    assert_eq!(ports(&injected), [(8080, None)]);
}

#[test]
fn a_number_that_a_service_sends_to_is_left_alone_in_the_first_step() {
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NUMERIC), &guarded());
    assert_eq!(injected.pod("/containers/0/ports/0/containerPort"), Some(&json!(8080)));
    assert_eq!(injected.at(1, "/spec/ports/0/targetPort"), Some(&json!(8080)));
    assert_eq!(ports(&injected), [(8080, Some(15080))]);
    injected.says("left alone in this first step");
}

#[test]
fn a_service_without_a_target_port_sends_to_its_own_number_even_if_no_container_declares_it() {
    let service = NUMERIC.replace(", targetPort: 8080", "");
    let injected = Injected::of(&Web::default().behind(&service), &guarded());
    assert_eq!(ports(&injected), [(80, Some(15080))]);
}

#[test]
fn a_service_that_selects_other_pods_guards_nothing_here() {
    for service in [
        NAMED.replace("app: web", "app: web, tier: front"),
        NAMED.replace("{name: web}", "{name: web, namespace: other}"),
        NAMED.replace("selector: {app: web}, ", ""),
        NAMED.replace("apiVersion: v1", "apiVersion: serving.knative.dev/v1"),
    ] {
        let web = Web { container: HTTP, ..Web::default() }
            .yaml()
            .replace("name: web\nspec", "name: web\n  namespace: shop\nspec");
        let injected = Injected::of(&format!("{web}---\n{service}"), &guarded());
        injected.says("Deployment shop/web (http): no Service in the input selects these pods: every named TCP port is guarded");
    }
}

#[test]
fn without_any_service_every_named_tcp_port_is_guarded() {
    let container = "ports:\n- {containerPort: 7000}\n- {name: http, containerPort: 8080}\n- {name: dns, containerPort: 53, protocol: UDP}";
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &guarded());
    assert_eq!(ports(&injected), [(7000, None), (8080, Some(15080))]);
    injected.says("(port 53 is UDP): no promise holds");
}

#[test]
fn a_headless_services_clients_go_past_the_guard() {
    let headless = NAMED.replace("spec: {", "spec: {clusterIP: None, ");
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&headless), &guarded());
    assert_eq!(ports(&injected), [(8080, None)]);
    assert_eq!(injected.pod("/containers/0/ports/0/containerPort"), Some(&json!(8080)));
    injected.says("kept-alive connections are not covered");
}

#[test]
fn numbers_that_the_pod_uses_are_not_taken() {
    let container = "ports:\n- {name: http, containerPort: 15080}\n- {containerPort: 15079}\nreadinessProbe: {tcpSocket: {port: 15081}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NAMED), &guarded());
    assert_eq!(ports(&injected), [(15080, Some(15082)), (15079, None)]);
    assert_eq!(injected.plan().control_port, 15078);
    assert_eq!(injected.pod("/initContainers/0/readinessProbe/httpGet/port"), Some(&json!(15078)));
    injected.says("port 15079 is taken by the application: the agent answers on 15078");
}

#[test]
fn eleven_ports_leave_envoys_alone() {
    let named: Vec<_> =
        (0..11).map(|port| format!("- {{name: p{port}, containerPort: {}}}", 8000 + port)).collect();
    let text = Web::default().yaml() + &indented(8, &format!("ports:\n{}", named.join("\n")));
    let guards: Vec<_> =
        Injected::of(&text, &guarded()).plan().ports.iter().filter_map(|port| port.guard).collect();
    assert_eq!(guards.len(), 11);
    assert!(!guards.contains(&15090), "{guards:?}");
}

#[test]
fn what_is_spoken_comes_from_app_protocol() {
    for (word, protocol) in [
        ("http", Protocol::Http),
        ("kubernetes.io/h2c", Protocol::Http),
        ("grpc", Protocol::Http),
        ("postgres", Protocol::Tcp),
        ("https", Protocol::Tcp),
    ] {
        let service = NAMED.replace("port: 80,", &format!("port: 80, appProtocol: {word},"));
        let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&service), &guarded());
        assert_eq!(injected.plan().ports[0].protocol, protocol, "{word}");
        let both = format!("{service}---\n{}", NAMED.replace("name: web", "name: web2"));
        let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&both), &guarded());
        assert_eq!(injected.plan().ports[0].protocol, Protocol::Auto, "{word} and nothing");
    }
}

#[test]
fn one_number_with_two_names_is_one_port() {
    let container = "ports:\n- {name: http, containerPort: 8080}\n- {name: also, containerPort: 8080}";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NAMED), &guarded());
    assert_eq!(injected.pod("/containers/0/ports/0/containerPort"), Some(&json!(15080)));
    assert_eq!(injected.pod("/containers/0/ports/1/containerPort"), Some(&json!(8080)));
    let one = Port {
        name: Some("http".to_owned()),
        application: 8080,
        guard: Some(15080),
        redirect: None,
        protocol: Protocol::Auto,
    };
    assert_eq!(injected.plan().ports, [one]);
}

#[test]
fn a_port_that_only_a_probe_knows_is_better_than_none() {
    let container = "readinessProbe: {tcpSocket: {port: 8080}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &Options::default());
    assert_eq!(ports(&injected), [(8080, None)]);
    Injected::of(&Web::default().yaml(), &Options::default()).says("no TCP port is known");
}

#[test]
fn what_no_promise_holds_for_is_said() {
    let quic = NAMED.replace("targetPort: http}", "targetPort: http}, {port: 443, protocol: UDP}");
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&quic), &guarded());
    injected.says("Service web (port 443 is UDP): no promise holds for it (QUIC and HTTP/3 included)");
    let early = NAMED.replace("spec: {", "spec: {publishNotReadyAddresses: true, ");
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&early), &guarded());
    injected.says("has publishNotReadyAddresses: no promise holds for it");
    let container = "ports: [{name: http, containerPort: 8080, hostPort: 80}]";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NAMED), &guarded());
    injected.says("(hostPort 80): whoever chose the node is not told");
    injected.says("(hostPort 80, port http): it leads to the guard too");
}

#[test]
fn on_the_nodes_network_there_is_no_guard_and_the_clash_is_said() {
    let web = Web { container: HTTP, pod: "hostNetwork: true", ..Web::default() };
    let injected = Injected::of(&web.behind(NAMED), &guarded());
    assert_eq!(ports(&injected), [(8080, None)]);
    injected.says("the guard is left out");
    injected.says("two such pods on one node clash");
}

#[test]
fn ports_of_a_native_sidecar_or_a_mesh_are_not_the_applications() {
    let pod = "- {name: istio-proxy, image: x, ports: [{name: stats, containerPort: 15090}]}\n\
               initContainers:\n- {name: edge, image: edge, restartPolicy: Always, ports: [{name: http, containerPort: 80}]}";
    let injected = Injected::of(&Web { pod, ..Web::default() }.behind(NAMED), &guarded());
    assert_eq!(ports(&injected), []);
    injected
        .says("Service web (port http of Deployment web): it sends to the port of a native sidecar, which is neither guarded nor watched");
    let injected = Injected::of(&Web::default().behind(NAMED), &guarded());
    injected.says("Service web (port http of Deployment web): it sends to a port that no container declares: it is not guarded");
}
