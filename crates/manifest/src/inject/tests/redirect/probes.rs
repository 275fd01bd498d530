//! `tcpSocket` probes of redirected ports ask the agent.

use super::*;

fn asks(port: u16, control: u16) -> Value {
    json!({"path": format!("/segue/tcp-probe/{port}"), "port": control})
}

#[test]
fn a_tcp_probe_of_a_redirected_port_asks_the_agent_as_often_and_as_long_as_before() {
    let container = "ports: [{name: http, containerPort: 8080}]\n\
                     startupProbe: {tcpSocket: {port: http}, failureThreshold: 60, periodSeconds: 1}\n\
                     livenessProbe:\n  initialDelaySeconds: 3 # s\n  tcpSocket:\n    port: 8080 # the shop\n  timeoutSeconds: 2\n\
                     readinessProbe:\n  tcpSocket: {port: 8080}";
    let text = Web { container, ..Web::default() }.behind(NUMERIC);
    let injected = Injected::of(&text, &redirected());
    let probe = |key: &str| injected.pod(&format!("/containers/0/{key}")).unwrap().clone();
    let httpget = asks(8080, 15079);
    assert_eq!(
        probe("startupProbe"),
        json!({"httpGet": httpget, "failureThreshold": 60, "periodSeconds": 1})
    );
    assert_eq!(
        probe("livenessProbe"),
        json!({"httpGet": httpget, "initialDelaySeconds": 3, "timeoutSeconds": 2})
    );
    assert_eq!(probe("readinessProbe"), json!({"httpGet": httpget}));
    assert!(injected.text.contains("initialDelaySeconds: 3 # s\n"), "{}", injected.text);
    assert_eq!(undone(&injected.text).texts.concat(), text);
    // Nothing else has them ask elsewhere.
    for options in [guarded(), Options::default()] {
        assert_eq!(
            Injected::of(&text, &options).pod("/containers/0/readinessProbe"),
            Some(&json!({"tcpSocket": {"port": 8080}}))
        );
    }
}

/// A probe may have one handler, and a live object has keys that nobody wrote.
#[test]
fn a_probe_that_asks_the_agent_is_taken_back_as_a_live_cluster_prints_it() {
    let container = "ports: [{name: http, containerPort: 8080}]\n\
                     startupProbe: {tcpSocket: {port: http}, periodSeconds: 1}\n\
                     livenessProbe:\n  tcpSocket:\n    port: 8080\n  periodSeconds: 2";
    let text = Web { container, ..Web::default() }.behind(NUMERIC);
    let injected = Injected::of(&text, &redirected()).text;
    let (flow, block) = ("8080, port: 15079}", "8080\n            port: 15079\n");
    assert!(injected.contains(flow) && injected.contains(block), "{injected}");
    let live = injected
        .replace(flow, "8080, port: 15079, scheme: HTTP}")
        .replace(block, "8080\n            port: 15079\n            scheme: HTTP\n");
    let probes = |text: &str| {
        let streams = streams(text);
        let container =
            streams[0].documents()[0].json().pointer("/spec/template/spec/containers/0").unwrap().clone();
        ["startupProbe", "livenessProbe"].map(|key| container[key].clone())
    };
    assert_eq!(probes(&undone(&live).texts.concat()), probes(&text));
    for options in [redirected(), guarded(), Options::default()] {
        let again = Injected::of(&live, &options);
        assert_eq!(probes(&again.text), probes(&Injected::of(&text, &options).text), "{}", again.notes);
        again.is_silent_on("is taken by the application");
    }
}

#[test]
fn a_probe_that_somebody_has_replaced_since_keeps_what_it_was_given_and_nothing_beside_it() {
    let container =
        "ports: [{containerPort: 8080}]\nlivenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 2}";
    let text = Web { container, ..Web::default() }.behind(NUMERIC);
    let injected = Injected::of(&text, &redirected()).text;
    let own = "{path: /well, port: 8080}";
    let replaced = injected.replace("{path: /segue/tcp-probe/8080, port: 15079}", own);
    assert_ne!(replaced, injected);
    let back = undone(&replaced).texts.concat();
    assert!(back.contains(own) && !back.contains("tcpSocket"), "{back}");
}

#[test]
fn probes_of_other_kinds_of_other_ports_and_of_other_hosts_stay() {
    let container = "ports: [{name: http, containerPort: 8080}, {name: admin, containerPort: 9090}]\n\
                     startupProbe: {tcpSocket: {port: 8080, host: 10.0.0.1}}\n\
                     livenessProbe: {tcpSocket: {port: 9090}}\n\
                     readinessProbe: {tcpSocket: {port: admin}}\n\
                     lifecycle: {postStart: {tcpSocket: {port: 8080}}}";
    let text = Web { container, ..Web::default() }.behind(NUMERIC);
    let injected = Injected::of(&text, &redirected());
    for place in ["startupProbe", "livenessProbe", "readinessProbe", "lifecycle/postStart"] {
        let was = streams(&text)[0].documents()[0]
            .json()
            .pointer(&format!("/spec/template/spec/containers/0/{place}"))
            .cloned();
        assert_eq!(injected.pod(&format!("/containers/0/{place}")).cloned(), was, "{place}");
    }
    for kind in
        ["httpGet: {port: 8080}", "grpc: {port: 8080}", "exec: {command: [a]}", "tcpSocket: {port: nobodys}"]
    {
        let text = text.replace("tcpSocket: {port: 9090}", kind);
        assert!(
            Injected::of(&text, &redirected()).text.contains(&format!("livenessProbe: {{{kind}}}")),
            "{kind}"
        );
    }
}

#[test]
fn a_host_of_no_name_is_the_pod() {
    let container = "readinessProbe: {tcpSocket: {port: 8080, host: \"\"}}\nlivenessProbe: {tcpSocket: {host: null, port: 8080}, httpGet: null}";
    let text = Web { container, ..Web::default() }.behind(NUMERIC);
    let injected = Injected::of(&text, &redirected());
    for key in ["readinessProbe", "livenessProbe"] {
        assert_eq!(
            injected.pod(&format!("/containers/0/{key}")),
            Some(&json!({"httpGet": asks(8080, 15079)}))
        );
    }
    assert_eq!(undone(&injected.text).texts.concat(), text);
}

#[test]
fn a_name_is_the_containers_own_and_any_container_may_ask() {
    let pod = "- name: other\n  image: other\n  ports: [{name: http, containerPort: 9000}]\n  readinessProbe: {tcpSocket: {port: http}}\n  \
               livenessProbe: {tcpSocket: {port: 8080}}\n\
               initContainers:\n- {name: migrate, image: migrate}\n\
               - {name: edge, image: edge, restartPolicy: Always, startupProbe: {tcpSocket: {port: 8080}}, livenessProbe: {tcpSocket: {port: 9}}}";
    let text = Web { container: HTTP, pod, ..Web::default() }.behind(NUMERIC);
    let injected = Injected::of(&text, &redirected());
    assert_eq!(injected.pod("/containers/1/readinessProbe"), Some(&json!({"tcpSocket": {"port": "http"}})));
    assert_eq!(injected.pod("/containers/1/livenessProbe"), Some(&json!({"httpGet": asks(8080, 15079)})));
    assert_eq!(injected.pod("/initContainers/3/name"), Some(&json!("edge")));
    assert_eq!(injected.pod("/initContainers/3/startupProbe"), Some(&json!({"httpGet": asks(8080, 15079)})));
    assert_eq!(injected.pod("/initContainers/3/livenessProbe"), Some(&json!({"tcpSocket": {"port": 9}})));
    assert_eq!(Injected::of(&injected.text, &redirected()).text, injected.text);
    assert_eq!(undone(&injected.text).texts.concat(), text);
}

#[test]
fn the_agents_port_is_asked_whichever_it_is() {
    let container =
        "ports: [{containerPort: 8080}, {containerPort: 15079}]\nreadinessProbe: {tcpSocket: {port: 8080}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NUMERIC), &redirected());
    assert_eq!(injected.pod("/containers/0/readinessProbe/httpGet"), Some(&asks(8080, 15078)));
}

#[test]
fn what_was_changed_beside_it_since_stays_when_it_is_taken_back() {
    let container = "ports: [{containerPort: 8080}]\nreadinessProbe:\n  tcpSocket: {port: 8080} # the shop\n  periodSeconds: 5";
    let text = Web { container, ..Web::default() }.behind(NUMERIC);
    let injected = Injected::of(&text, &redirected())
        .text
        .replace("periodSeconds: 5\n          httpGet", "periodSeconds: 7\n          httpGet");
    let undone = undone(&injected);
    assert_eq!(undone.texts.concat(), text.replace("periodSeconds: 5", "periodSeconds: 7"));
    assert_eq!(undone.notes, vec![]);
}
