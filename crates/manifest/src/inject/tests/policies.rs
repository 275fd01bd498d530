//! Network policies that name ports: a name means the guard's number once the pods are injected.

use serde_json::json;

use super::*;

const BY_NAME: &str = "podSelector: {matchLabels: {app: web}}\ningress:\n- from: [{podSelector: {}}]\n  ports:\n  - port: http   # a name\n    protocol: TCP";

fn policy(meta: &str, spec: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: allow{meta}}}\nspec:\n{}",
        indented(2, spec)
    )
}

fn text(services: &[String], policy: &str) -> String {
    let web = Web { container: HTTP, ..Web::default() };
    let around: Vec<_> = services.iter().cloned().chain([policy.to_owned()]).collect();
    web.behind(&around.join("---\n"))
}

fn numeric() -> String {
    NUMERIC.replace("name: web", "name: inside")
}

fn headless() -> String {
    NAMED.replace("name: web", "name: peers").replace("spec: {", "spec: {clusterIP: None, ")
}

/// The ports that the policy's first rule of this way allows after injecting.
fn allowed(text: &str, way: &str, options: &Options) -> (Vec<Value>, Injected) {
    let injected = Injected::of(text, options);
    let policy = injected.documents.iter().find(|one| one["kind"] == "NetworkPolicy").unwrap();
    let ports = policy["spec"][way][0]["ports"].as_array().unwrap();
    let ports = ports.iter().map(|port| port["port"].clone()).collect();
    assert_eq!(undone(&injected.text).texts.concat(), text, "undone to the byte");
    (ports, injected)
}

#[test]
fn a_name_keeps_the_old_number_beside_it_while_somebody_sends_there() {
    let by_name = policy("", BY_NAME);
    for services in [vec![NAMED.to_owned(), numeric()], vec![NAMED.to_owned(), headless()]] {
        let (ports, injected) = allowed(&text(&services, &by_name), "ingress", &guarded());
        assert_eq!(ports, [json!("http"), json!(8080)]);
        injected.says("NetworkPolicy allow (port 8080 beside 15080): it names a port of which the number is the guard's now");
    }
    let (ports, _) = allowed(&text(&[NAMED.to_owned()], &by_name), "ingress", &guarded());
    assert_eq!(ports, [json!("http")], "nobody sends to the old number");
    let (ports, _) = allowed(&text(&[], &by_name), "ingress", &guarded());
    assert_eq!(ports, [json!("http"), json!(8080)], "where no Service is known anybody may");
    let (ports, _) = allowed(&text(&[NAMED.to_owned(), numeric()], &by_name), "ingress", &Options::default());
    assert_eq!(ports, [json!("http")], "without the guard nothing changes");
}

#[test]
fn a_name_that_keeps_its_number_gets_the_guards_beside_it() {
    let (ports, injected) = allowed(&text(&[numeric()], &policy("", BY_NAME)), "ingress", &guarded());
    assert_eq!(ports, [json!("http"), json!(15080)], "the second step sends there");
    injected.says("(port 15080 beside 8080): it allows the guard's port");
}

#[test]
fn scrapers_by_number_are_somebody() {
    let monitor = "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: m}\nspec: {selector: {matchLabels: {app: web}}, \
                   podMetricsEndpoints: [{portNumber: 8080}]}\n";
    let (ports, _) =
        allowed(&text(&[NAMED.to_owned(), monitor.to_owned()], &policy("", BY_NAME)), "ingress", &guarded());
    assert_eq!(ports, [json!("http"), json!(8080)]);
    let annotated = text(&[NAMED.to_owned()], &policy("", BY_NAME)).replace(
        "      labels: {app: web}\n",
        "      labels: {app: web}\n      annotations: {prometheus.io/port: '8080'}\n",
    );
    assert_eq!(allowed(&annotated, "ingress", &guarded()).0, [json!("http"), json!(8080)]);
}

#[test]
fn rules_that_allow_both_stay() {
    for ports in
        ["[{port: http}, {port: 8080}]", "[{port: http}, {port: 8000, endPort: 9000}]", "[{protocol: TCP}]"]
    {
        let spec = format!("podSelector: {{}}\ningress:\n- ports: {ports}");
        let before = serde_json::to_value(streams(&policy("", &spec))[0].documents()[0].json()).unwrap();
        let injected = Injected::of(&text(&[NAMED.to_owned(), numeric()], &policy("", &spec)), &guarded());
        assert_eq!(injected.at(3, "/spec"), before.get("spec"), "{ports}");
    }
    let udp = "podSelector: {}\ningress:\n- ports: [{port: http, protocol: UDP}]";
    let injected = Injected::of(&text(&[NAMED.to_owned(), numeric()], &policy("", udp)), &guarded());
    assert_eq!(injected.at(3, "/spec/ingress/0/ports"), Some(&json!([{"port": "http", "protocol": "UDP"}])));
}

#[test]
fn clients_policies_that_name_the_port_are_widened_too_in_other_namespaces_as_well() {
    let expressions = "podSelector: {matchLabels: {app: client}}\negress:\n- to: [{podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}]\n  \
                       ports: [{port: http}]";
    let services = [NAMED.to_owned(), numeric()];
    let (ports, _) = allowed(&text(&services, &policy("", expressions)), "egress", &guarded());
    assert_eq!(ports, [json!("http"), json!(8080)]);
    let far = "podSelector: {}\negress:\n- to: [{namespaceSelector: {}, podSelector: {matchLabels: {app: web}}}]\n  ports: [{port: http}]";
    let shop = text(&services, &policy(", namespace: clients", far))
        .replace("  name: web\nspec", "  name: web\n  namespace: shop\nspec");
    let (ports, _) = allowed(&shop, "egress", &guarded());
    assert_eq!(ports, [json!("http"), json!(8080)]);
}

#[test]
fn once_every_service_is_in_its_second_step_the_old_number_is_not_allowed_any_more() {
    let first = Injected::of(&text(&[NAMED.to_owned(), numeric()], &policy("", BY_NAME)), &guarded());
    let second = Injected::of(&first.text, &Options { second_step: true, ..Options::default() });
    let again = Injected::of(&second.text, &guarded());
    let ports: Vec<_> = again
        .at(3, "/spec/ingress/0/ports")
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|port| &port["port"])
        .collect();
    assert_eq!(ports, [&json!("http")]);
}
