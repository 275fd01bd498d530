//! Objects of kinds that are not known: they pass through byte by byte, and what they mean is told.

use super::*;

fn object(api: &str, kind: &str, spec: &str) -> String {
    format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: other}}\nspec: {{{spec}}}\n")
}

fn beside(other: &str, options: &Options) -> Injected {
    let web = Web { container: HTTP, ..Web::default() };
    let injected = Injected::of(&web.behind(&format!("{NAMED}---\n{other}")), options);
    assert!(injected.text.ends_with(other), "{}", injected.text);
    injected
}

#[test]
fn pods_of_a_kind_that_is_not_known_are_told_by_their_shape() {
    let pods = "template: {metadata: {labels: {app: other}}, spec: {containers: [{name: a, image: a}]}}";
    for (api, kind, spec) in [
        ("apps.openshift.io/v1", "DeploymentConfig", pods),
        ("apps.kruise.io/v1beta1", "StatefulSet", pods),
        ("apps.kruise.io/v1alpha1", "CloneSet", pods),
        ("serving.knative.dev/v1", "Service", pods),
        ("example.com/v1", "Fleet", pods),
        ("ray.io/v1", "RayCluster", &format!("headGroupSpec: {{{pods}}}") as &str),
        ("ray.io/v1", "RayCluster", &format!("workerGroupSpecs: [{{{pods}}}]")),
        (
            "elasticsearch.k8s.elastic.co/v1",
            "Elasticsearch",
            "nodeSets: [{podTemplate: {spec: {containers: [{name: a, image: a}]}}}]",
        ),
    ] {
        let text = object(api, kind, spec);
        let expected =
            format!("{kind} other ({api}): it is left alone: it has pods, and inject does not know its kind");
        beside(&text, &Options::default()).says(&expected);
        Injected::of(&text, &Options::default()).says(&expected);
    }
    for (api, kind, spec) in [
        (
            "kyverno.io/v1",
            "ClusterPolicy",
            format!("rules: [{{validate: {{pattern: {{spec: {{{pods}}}}}}}}}]"),
        ),
        ("example.com/v1", "Fleet", "template: {spec: {containers: []}}".to_owned()),
        ("example.com/v1", "Fleet", "template: {spec: {containers: {type: array}}}".to_owned()),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", pods.to_owned()),
    ] {
        beside(&object(api, kind, &spec), &Options::default()).is_silent_on("it has pods");
    }
}

#[test]
fn pods_of_other_kinds_that_end_by_themselves_are_left_alone_with_that_word() {
    for (api, kind) in [
        ("argoproj.io/v1alpha1", "Workflow"),
        ("sparkoperator.k8s.io/v1beta2", "SparkApplication"),
        ("tekton.dev/v1", "TaskRun"),
    ] {
        let text = object(api, kind, "templates: [{container: {image: a}}]");
        beside(&text, &Options::default())
            .says(&format!("{kind} other: it is left alone: its pods end by themselves"));
    }
}

#[test]
fn a_workload_that_belongs_to_an_operators_object_is_injected_and_that_is_told() {
    let owner =
        "  ownerReferences: [{apiVersion: example.com/v1, kind: Shop, name: all, controller: true}]\nspec";
    let web = Web::default().yaml().replace("spec:\n  selector", &format!("{owner}:\n  selector"));
    let injected = Injected::of(&web, &Options::default());
    injected.says("Deployment web (of Shop all): its controller may take back what is injected");
    assert!(injected.pod("/initContainers/0").is_some());
}

#[test]
fn known_groups_of_such_kinds_get_advice_of_their_own() {
    let pods = "template: {spec: {containers: [{name: a, image: a}]}}";
    for (api, kind, advice) in [
        ("apps.openshift.io/v1", "DeploymentConfig", "move it to a Deployment"),
        ("serving.knative.dev/v1", "Service", "Knative's own proxy"),
        ("apps.kruise.io/v1alpha1", "CloneSet", "of Kubernetes itself can be injected in its place"),
        ("example.com/v1", "Fleet", "give them a preStop.sleep"),
    ] {
        beside(&object(api, kind, pods), &Options::default()).says(advice);
    }
}

#[test]
fn objects_of_unknown_kinds_that_name_the_old_port_are_told_with_the_guard() {
    for (api, kind, spec) in [
        (
            "networking.istio.io/v1",
            "Sidecar",
            "ingress: [{port: {number: 8080, protocol: HTTP, name: http}, defaultEndpoint: '127.0.0.1:8080'}]",
        ),
        (
            "networking.istio.io/v1",
            "DestinationRule",
            "host: web, trafficPolicy: {portLevelSettings: [{port: {number: 8080}}]}",
        ),
        (
            "networking.istio.io/v1",
            "VirtualService",
            "http: [{route: [{destination: {host: web, port: {number: 8080}}}]}]",
        ),
        ("networking.istio.io/v1", "EnvoyFilter", "configPatches: [{match: {listener: {portNumber: 8080}}}]"),
        ("networking.gke.io/v1", "HealthCheckPolicy", "default: {config: {httpHealthCheck: {port: 8080}}}"),
        ("example.com/v1", "Gate", "ports: ['8080']"),
    ] {
        let text = object(api, kind, spec);
        let told = "(port 8080 of Deployment web, the guard's 15080): it names this port and is not read";
        beside(&text, &guarded()).says(&format!("{kind} other {told}"));
        beside(&text, &Options::default()).is_silent_on(told);
        beside(&text.replace("8080", "8081"), &guarded()).is_silent_on("names this port");
        let elsewhere = text.replace("name: other", "name: other, namespace: far");
        let web = Web { container: HTTP, ..Web::default() }
            .yaml()
            .replace("  name: web\nspec", "  name: web\n  namespace: shop\nspec");
        Injected::of(&format!("{web}---\n{NAMED}---\n{elsewhere}"), &guarded())
            .is_silent_on("names this port");
    }
    beside(&object("example.com/v1", "Gate", "names: {'8080': a}"), &guarded())
        .is_silent_on("names this port");
    beside(&object("example.com/v1", "Gate", "size: 8080"), &guarded()).is_silent_on("names this port");
    beside("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\nspec: {port: 8080}\n", &guarded())
        .is_silent_on("names this port");
    for (api, kind, spec) in [
        ("security.istio.io/v1", "PeerAuthentication", "portLevelMtls: {'8080': {mode: STRICT}}"),
        ("security.istio.io/v1", "AuthorizationPolicy", "rules: [{to: [{operation: {ports: ['8080']}}]}]"),
        ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", "ingress: [{ports: [{port: 8080}]}]"),
    ] {
        beside(&object(api, kind, spec), &guarded()).says(
            "(Deployment web, 15080 beside 8080): it is not read: if it names ports of these pods by number",
        );
    }
}

#[test]
fn other_routers_that_lead_to_its_service_are_told() {
    for (api, kind, spec) in [
        (
            "networking.internal.knative.dev/v1alpha1",
            "Ingress",
            "rules: [{http: {paths: [{splits: [{serviceName: web, servicePort: 80}]}]}}]",
        ),
        ("example.com/v1", "Door", "backends: [{name: web, port: 80}]"),
        ("example.com/v1", "Door", "service: web.shop.svc"),
        ("gateway.solo.io/v1", "RouteTable", "routes: [{destination: {host: web}}]"),
    ] {
        beside(&object(api, kind, spec), &Options::default()).says("(leads to Service web): it is not read");
        beside(&object(api, kind, &spec.replace("web", "webshop")), &Options::default())
            .is_silent_on("leads to");
    }
    let hook = "webhooks: [{clientConfig: {service: {name: web}}}]";
    beside(
        &object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", hook),
        &Options::default(),
    )
    .is_silent_on("leads to");
}

#[test]
fn who_decides_how_its_pods_are_replaced_is_told() {
    let told = "(Deployment web): it decides how these pods are replaced, and is not read";
    let reference = "{apiVersion: apps/v1, kind: Deployment, name: web}";
    beside(
        &object("rollouts.kruise.io/v1beta1", "Rollout", &format!("workloadRef: {reference}")),
        &Options::default(),
    )
    .says(told);
    beside(&object("flagger.app/v1beta1", "Canary", &format!("targetRef: {reference}")), &Options::default())
        .says(told);
    beside(
        &object("flagger.app/v1beta1", "Canary", "targetRef: {kind: Service, name: web}"),
        &Options::default(),
    )
    .is_silent_on(told);
    beside(
        &object("flagger.app/v1beta1", "Canary", "targetRef: {kind: Deployment, name: api}"),
        &Options::default(),
    )
    .is_silent_on(told);
    beside(
        &object("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", &format!("targetRef: {reference}")),
        &Options::default(),
    )
    .is_silent_on(told);
}

#[test]
fn a_service_that_sends_to_pods_without_a_guard_too_is_not_sent_to_the_guard() {
    let pods = "template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, image: a}]}}";
    let other = object("apps.kruise.io/v1alpha1", "CloneSet", pods);
    beside(&other, &guarded())
        .says("CloneSet other (Service web): this Service sends to its pods too, which have no agent");
    let web = Web { container: HTTP, ..Web::default() };
    let first = Injected::of(&web.behind(&format!("{NUMERIC}---\n{other}")), &guarded());
    let diagnostic = refused(&first.text, &Options { second_step: true, ..Options::default() });
    assert!(diagnostic.message.contains("have different guards"), "{diagnostic}");
    let apart = first.text.replace(
        "labels: {app: web}}, spec: {containers: [{name: a",
        "labels: {app: api}}, spec: {containers: [{name: a",
    );
    let second = Injected::of(&apart, &Options { second_step: true, ..Options::default() });
    assert_eq!(second.at(1, "/spec/ports/0/targetPort"), Some(&serde_json::json!(15080)));
}

#[test]
fn policies_and_routes_that_are_told_as_such_are_told_once() {
    let policy =
        object("security.istio.io/v1", "PeerAuthentication", "portLevelMtls: {'8080': {mode: STRICT}}");
    beside(&policy, &guarded()).is_silent_on("names this port");
    let route =
        object("networking.istio.io/v1", "VirtualService", "http: [{route: [{destination: {host: web}}]}]");
    let injected = beside(&route, &guarded());
    injected.says("VirtualService other: it is not read");
    injected.is_silent_on("leads to Service web");
}
