//! Network policies and meshes.

use serde_json::json;

use super::*;

fn policy(spec: &str) -> String {
    format!(
        "{NAMED}---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: allow}}\nspec:\n{}",
        indented(2, spec)
    )
}

/// The policy's `spec` after injecting, and the notes.
fn patched(spec: &str, options: &Options) -> (Value, Injected) {
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&policy(spec)), options);
    (injected.at(2, "/spec").unwrap().clone(), injected)
}

#[test]
fn a_policy_that_allows_the_old_number_allows_the_guards_too() {
    let spec = "podSelector: {matchLabels: {app: web}}\ningress:\n- ports: [{port: 9090}]\n- from: []\n  ports:\n  - {port: 8080, protocol: TCP}";
    let (after, injected) = patched(spec, &guarded());
    assert_eq!(after["ingress"][0]["ports"], json!([{"port": 9090}]));
    assert_eq!(
        after["ingress"][1]["ports"],
        json!([{"port": 8080, "protocol": "TCP"}, {"port": 15080, "protocol": "TCP"}])
    );
    injected.says("NetworkPolicy allow (port 15080 beside 8080): it allows the guard's port");
}

#[test]
fn a_range_that_holds_the_old_number_only_is_widened_by_one_port() {
    let (after, _) = patched("podSelector: {}\ningress:\n- ports: [{port: 8000, endPort: 8999}]", &guarded());
    assert_eq!(after["ingress"][0]["ports"][1], json!({"port": 15080, "protocol": "TCP"}));
    let (after, _) =
        patched("podSelector: {}\ningress:\n- ports: [{port: 8000, endPort: 20000}]", &guarded());
    assert_eq!(after["ingress"][0]["ports"], json!([{"port": 8000, "endPort": 20000}]));
}

#[test]
fn policies_that_need_nothing_stay() {
    for spec in [
        "podSelector: {matchLabels: {app: other}}\ningress:\n- ports: [{port: 8080}]",
        "podSelector: {}\ningress:\n- ports: [{port: http}]",
        "podSelector: {}\ningress:\n- ports: [{port: 8080, protocol: UDP}]",
        "podSelector: {}\ningress:\n- from: [{podSelector: {}}]",
        "podSelector: {}\ningress:\n- ports: [{protocol: TCP}]",
        "podSelector: {}\negress:\n- to: [{podSelector: {matchLabels: {app: other}}}]\n  ports: [{port: 8080}]",
    ] {
        let before = streams(&policy(spec))[0].documents()[1].json()["spec"].clone();
        assert_eq!(patched(spec, &guarded()).0, before, "{spec}");
    }
    let spec = "podSelector: {}\ningress:\n- ports: [{port: 8080}]";
    assert_eq!(
        patched(spec, &Options::default()).0["ingress"][0]["ports"],
        json!([{"port": 8080}]),
        "no guard"
    );
}

#[test]
fn a_clients_policy_that_lets_it_reach_the_old_number_lets_it_reach_the_guard() {
    for to in ["to: [{podSelector: {matchLabels: {app: web}}}]\n  ", "to: [{namespaceSelector: {}}]\n  ", ""]
    {
        let spec =
            format!("podSelector: {{matchLabels: {{app: client}}}}\negress:\n- {to}ports: [{{port: 8080}}]");
        let (after, _) = patched(&spec, &guarded());
        assert_eq!(after["egress"][0]["ports"][1], json!({"port": 15080, "protocol": "TCP"}), "{spec}");
    }
}

#[test]
fn a_policy_that_can_not_be_patched_is_refused() {
    let spec = "podSelector: {}\ningress:\n- ports: &ports [{port: 8080}]\n- ports: *ports";
    let diagnostic = refused(&Web { container: HTTP, ..Web::default() }.behind(&policy(spec)), &guarded());
    assert!(line_of(&diagnostic) > 20, "{diagnostic}");
}

#[test]
fn a_policy_of_another_kind_is_told_and_left() {
    let cilium = format!(
        "{NAMED}---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: c}}\nspec: {{}}\n"
    );
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&cilium), &guarded());
    injected.says("CiliumNetworkPolicy c (Deployment web, 15080 beside 8080): it is not read: if it names ports of these pods by number");
}

#[test]
fn istio_does_not_intercept_the_agent_but_goes_on_to_carry_the_guards_traffic() {
    let key = "/spec/template/metadata/annotations/traffic.sidecar.istio.io~1excludeInboundPorts";
    for (meta, expected) in [
        ("annotations: {sidecar.istio.io/inject: 'true'}", Some("15079")),
        ("annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '9090'}", Some("9090,15079")),
        (
            "annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '9090, 8080'}",
            Some("9090,8080,15080,15079"),
        ),
        ("annotations: {sidecar.istio.io/inject: 'false'}", None),
        ("", None),
    ] {
        let injected =
            Injected::of(&Web { container: HTTP, meta, ..Web::default() }.behind(NAMED), &guarded());
        assert_eq!(injected.at(0, key).and_then(Value::as_str), expected, "{meta}");
    }
    let meta = "annotations: {traffic.sidecar.istio.io/includeInboundPorts: '8080'}";
    let injected = Injected::of(&Web { container: HTTP, meta, ..Web::default() }.behind(NAMED), &guarded());
    let include = injected.at(0, &key.replace("exclude", "include"));
    assert_eq!(include, Some(&json!("8080,15080")));
    injected.says("Istio's proxy must outlive the drain");
}

#[test]
fn a_mesh_is_known_by_the_namespace_too() {
    let meshed = |labels: &str| {
        let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, {labels}}}\n");
        let web = Web { container: HTTP, ..Web::default() }
            .yaml()
            .replace("name: web\nspec", "name: web\n  namespace: shop\nspec");
        Injected::of(&format!("{web}---\n{namespace}"), &Options::default())
    };
    meshed("labels: {istio-injection: enabled}").says("Istio does not intercept the agent's port 15079");
    let linkerd = meshed("annotations: {linkerd.io/inject: enabled}");
    linkerd.says("Linkerd does not intercept the agent's port 15079");
    let skip = linkerd.at(0, "/spec/template/metadata/annotations/config.linkerd.io~1skip-inbound-ports");
    assert_eq!(skip, Some(&json!("15079")));
    meshed("labels: {istio-injection: disabled}").is_silent_on("Istio");
}

#[test]
fn the_autoscaler_may_still_move_the_pod() {
    let key =
        "/spec/template/metadata/annotations/cluster-autoscaler.kubernetes.io~1safe-to-evict-local-volumes";
    for (meta, expected) in [
        ("", "segue,segue-state"),
        (
            "annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes: cache}",
            "cache,segue,segue-state",
        ),
        (
            "annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes: 'segue, cache'}",
            "segue,cache,segue-state",
        ),
    ] {
        let web = Web { container: HTTP, meta, ..Web::default() }.behind(NAMED);
        let injected = Injected::of(&web, &Options::default());
        assert_eq!(injected.at(0, key), Some(&json!(expected)), "{meta}");
    }
}

#[test]
fn a_policy_that_keeps_a_load_balancers_checks_from_the_agent_is_told() {
    let prefix = "service.beta.kubernetes.io/aws-load-balancer-";
    let meta = format!(
        "metadata: {{name: web, annotations: {{{prefix}nlb-target-type: ip, {prefix}healthcheck-path: /segue/lb-health, \
         {prefix}healthcheck-port: '15079', {prefix}healthcheck-protocol: http}}}}"
    );
    let told = |spec: &str, asks: bool| {
        let mut around = policy(spec).replace("spec: {selector", "spec: {type: LoadBalancer, selector");
        if asks {
            around = around.replacen("metadata: {name: web}", &meta, 1);
        }
        let web = Web { container: HTTP, ..Web::default() };
        Injected::of(&web.behind(&around), &Options::default())
            .notes
            .contains("NetworkPolicy allow (port 15079 of Deployment web): it does not let the load balancer's health checks through")
    };
    assert!(told("podSelector: {}\ningress:\n- ports: [{port: 8080}]", true));
    assert!(!told("podSelector: {}\ningress:\n- ports: [{port: 8080}]", false));
    assert!(!told("podSelector: {}\ningress:\n- ports: [{port: 8080}]\n- ports: [{port: 15079}]", true));
    assert!(!told("podSelector: {matchLabels: {app: other}}\ningress:\n- ports: [{port: 8080}]", true));
}

#[test]
fn a_range_of_ports_lists_the_applications_port_too() {
    let meta = "annotations: {linkerd.io/inject: enabled, config.linkerd.io/opaque-ports: '25,8000-9000', config.linkerd.io/skip-inbound-ports: '8000-8080'}";
    let injected = Injected::of(&Web { container: HTTP, meta, ..Web::default() }.behind(NAMED), &guarded());
    let annotations = injected.at(0, "/spec/template/metadata/annotations").unwrap();
    assert_eq!(annotations["config.linkerd.io/opaque-ports"], "25,8000-9000,15080");
    assert_eq!(annotations["config.linkerd.io/skip-inbound-ports"], "8000-8080,15080,15079");
    let meta = "annotations: {linkerd.io/inject: enabled, config.linkerd.io/skip-inbound-ports: '8081-9000,15000-15090'}";
    let injected = Injected::of(&Web { container: HTTP, meta, ..Web::default() }.behind(NAMED), &guarded());
    let annotations = injected.at(0, "/spec/template/metadata/annotations").unwrap();
    assert_eq!(
        annotations["config.linkerd.io/skip-inbound-ports"], "8081-9000,15000-15090",
        "the agent's own is in it"
    );
}

#[test]
fn linkerd_takes_the_guards_port_as_it_takes_the_applications() {
    let meta = "annotations: {linkerd.io/inject: enabled, config.linkerd.io/opaque-ports: '8080'}";
    let web = Web { container: HTTP, meta, ..Web::default() };
    let injected = Injected::of(&web.behind(NAMED), &guarded());
    let annotations = injected.at(0, "/spec/template/metadata/annotations").unwrap();
    assert_eq!(annotations["config.linkerd.io/opaque-ports"], "8080,15080");
}
