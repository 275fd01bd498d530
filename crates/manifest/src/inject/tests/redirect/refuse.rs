//! Pods whose network can't lead to the guard.

use super::*;

fn web(pod: &'static str, meta: &'static str) -> String {
    Web { container: HTTP, pod, meta, ..Web::default() }.behind(NUMERIC)
}

/// In a Namespace of its own that has this in its `metadata`.
fn within(namespace: &str, meta: &'static str) -> String {
    let text = web("", meta).replace("  name: web\nspec", "  name: web\n  namespace: shop\nspec");
    let text = text.replace("metadata: {name: web}", "metadata: {name: web, namespace: shop}");
    format!("{text}---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, {namespace}}}\n")
}

/// It is refused only where it is asked for, where these words stand, for this reason, with this advice.
fn is_refused(text: &str, place: &str, why: &str, help: &str) {
    let diagnostic = refused(text, &redirected());
    let (message, line) = (&diagnostic.message, line_of(&diagnostic));
    assert!(message.contains(why), "{message}");
    assert!(diagnostic.help.as_deref().unwrap().contains(help), "{diagnostic}");
    let at = text.lines().nth(line - 1).unwrap();
    assert!(at.contains(place), "line {line} `{at}` has no `{place}`: {message}");
    let without = with(text, &guarded()).unwrap();
    assert_eq!(without.refused().count(), 0, "it is refused without the flag too");
    is_injected(&without);
}

fn is_injected(outcome: &Outcome) {
    assert!(outcome.texts.concat().contains("segue-agent"));
}

const WITHOUT: &str =
    "inject this workload without --redirect: let its Services name their targetPort, or take two steps";

#[test]
fn pods_with_the_nodes_network_are_refused() {
    let why = "the rule of --redirect would be the node's";
    is_refused(&web("hostNetwork: true", ""), "hostNetwork: true", why, "it gets the agent, and no guard");
    is_injected(&with(&web("hostNetwork: false", ""), &redirected()).unwrap());
}

#[test]
fn a_namespace_that_allows_no_net_admin_is_named() {
    for level in ["baseline", "restricted"] {
        let label = format!("labels: {{pod-security.kubernetes.io/enforce: {level}}}");
        let why = format!(
            "Namespace shop: it enforces Pod Security {level} (label pod-security.kubernetes.io/enforce), which allows no container NET_ADMIN"
        );
        is_refused(&within(&label, ""), "name: shop", &why, WITHOUT);
    }
    for label in ["enforce: privileged", "warn: restricted", "audit: baseline"] {
        let text = within(&format!("labels: {{pod-security.kubernetes.io/{label}}}"), "");
        is_injected(&with(&text, &redirected()).unwrap());
    }
}

#[test]
fn pods_in_a_mesh_are_refused_by_whatever_tells_of_it() {
    for (mesh, pod, meta, place) in [
        ("Istio, by the container istio-proxy", "- {name: istio-proxy, image: x}", "", "istio-proxy"),
        (
            "Istio, by the annotation sidecar.istio.io/inject",
            "",
            "annotations: {sidecar.istio.io/inject: 'true'}",
            "sidecar.istio.io/inject",
        ),
        (
            "Istio, by the annotation proxy.istio.io/config",
            "",
            "annotations: {proxy.istio.io/config: x}",
            "proxy.istio.io/config",
        ),
        (
            "Istio's ambient mode, by the annotation istio.io/dataplane-mode",
            "",
            "annotations: {istio.io/dataplane-mode: ambient}",
            "ambient",
        ),
        (
            "Linkerd, by the annotation linkerd.io/inject",
            "",
            "annotations: {linkerd.io/inject: enabled}",
            "linkerd.io/inject",
        ),
        (
            "Linkerd, by the container linkerd-proxy",
            "initContainers:\n- {name: linkerd-proxy, image: x, restartPolicy: Always}",
            "",
            "linkerd-proxy",
        ),
        (
            "AWS App Mesh, by the annotation",
            "",
            "annotations: {appmesh.k8s.aws/sidecarInjectorWebhook: enabled}",
            "appmesh",
        ),
        (
            "AWS App Mesh, by the container envoy",
            "- {name: envoy, image: x, env: [{name: A, value: b}, {name: APPMESH_RESOURCE_ARN, value: arn}]}",
            "",
            "envoy",
        ),
        (
            "Kuma, by the annotation kuma.io/sidecar-injection",
            "",
            "annotations: {kuma.io/sidecar-injection: enabled}",
            "kuma",
        ),
        ("Kuma, by the container kuma-sidecar", "- {name: kuma-sidecar, image: x}", "", "kuma"),
        (
            "Consul, by the annotation consul.hashicorp.com/connect-inject",
            "",
            "annotations: {consul.hashicorp.com/connect-inject: 'true'}",
            "consul",
        ),
        ("Consul, by the container consul-dataplane", "- {name: consul-dataplane, image: x}", "", "consul"),
    ] {
        is_refused(
            &web(pod, meta),
            place,
            &format!("Deployment web: these pods are in a mesh ({mesh}"),
            WITHOUT,
        );
    }
    let label = web("", "")
        .replace("      labels: {app: web}", "      labels: {app: web, kuma.io/sidecar-injection: enabled}");
    is_refused(&label, "kuma", "Kuma, by the label kuma.io/sidecar-injection", WITHOUT);
}

#[test]
fn a_namespace_whose_pods_are_in_a_mesh_is_named() {
    for (mesh, meta) in [
        ("Istio, by the label istio-injection", "labels: {istio-injection: enabled}"),
        ("Istio, by the label istio.io/rev", "labels: {istio.io/rev: stable}"),
        (
            "Istio's ambient mode, by the label istio.io/dataplane-mode",
            "labels: {istio.io/dataplane-mode: ambient}",
        ),
        ("Linkerd, by the annotation linkerd.io/inject", "annotations: {linkerd.io/inject: enabled}"),
        ("AWS App Mesh, by the label", "labels: {appmesh.k8s.aws/sidecarInjectorWebhook: enabled}"),
        ("Kuma, by the label kuma.io/sidecar-injection", "labels: {kuma.io/sidecar-injection: enabled}"),
        ("Consul, by the annotation", "annotations: {consul.hashicorp.com/connect-inject: 'true'}"),
    ] {
        let why = format!("Namespace shop: the pods of Deployment shop/web are in a mesh ({mesh}");
        is_refused(&within(meta, ""), "name: shop", &why, WITHOUT);
    }
}

#[test]
fn pods_that_are_left_out_of_a_mesh_and_those_of_none_are_injected() {
    for (namespace, meta) in [
        ("labels: {istio-injection: enabled}", "annotations: {sidecar.istio.io/inject: 'false'}"),
        ("labels: {istio.io/dataplane-mode: ambient}", "annotations: {istio.io/dataplane-mode: none}"),
        ("annotations: {linkerd.io/inject: enabled}", "annotations: {linkerd.io/inject: disabled}"),
        (
            "labels: {appmesh.k8s.aws/sidecarInjectorWebhook: enabled}",
            "annotations: {appmesh.k8s.aws/sidecarInjectorWebhook: disabled}",
        ),
        (
            "labels: {kuma.io/sidecar-injection: enabled}",
            "annotations: {kuma.io/sidecar-injection: disabled}",
        ),
        (
            "annotations: {consul.hashicorp.com/connect-inject: 'true'}",
            "annotations: {consul.hashicorp.com/connect-inject: 'false'}",
        ),
        ("labels: {istio-injection: disabled}", ""),
        ("labels: {istio.io/dataplane-mode: none}", ""),
        ("annotations: {linkerd.io/inject: disabled}", ""),
        ("labels: {kuma.io/sidecar-injection: disabled}", ""),
    ] {
        let outcome =
            with(&within(namespace, meta), &redirected()).unwrap_or_else(|refused| panic!("{refused}"));
        is_injected(&outcome);
    }
    // An Envoy of the application's own is no mesh.
    is_injected(
        &with(&web("- {name: envoy, image: envoy, env: [{name: A, value: b}]}", ""), &redirected()).unwrap(),
    );
}

#[test]
fn windows_and_containers_of_our_names_are_refused() {
    let why = |text: &str| refused(text, &redirected()).to_string();
    assert!(why(&web("os: {name: windows}", "")).contains("run on Windows"));
    let init = "initContainers:\n- {name: segue-redirect, image: x}";
    assert!(
        why(&web(init, ""))
            .contains("there is an init container named segue-redirect that is not of this injection")
    );
    assert!(
        why(&web("- {name: segue-redirect, image: x}", ""))
            .contains("there is a container named segue-redirect")
    );
}

#[test]
fn what_is_refused_is_one_workloads_and_an_earlier_injection_of_it_stays() {
    let other = web("", "").replace("web", "api");
    let outcome = with(&format!("{}---\n{other}", web("hostNetwork: true", "")), &redirected()).unwrap();
    let text = outcome.texts.concat();
    assert_eq!(outcome.refused().count(), 1);
    assert!(text.starts_with(&web("hostNetwork: true", "")), "byte by byte as it was");
    assert_eq!(text.matches("name: segue-redirect").count(), 1);
    let first = Injected::of(&format!("{}---\n{other}", web("hostNetwork: true", "")), &guarded());
    let again = with(&first.text, &redirected()).unwrap();
    assert_eq!(again.refused().count(), 1);
    assert_eq!(again.texts.concat().matches("name: segue-agent").count(), 2);
    assert_eq!(again.texts.concat().matches("name: segue-redirect").count(), 1);
}
