//! Objects as a live cluster has them: labels that controllers wrote into Services, and what controllers made.

use serde_json::json;

use super::*;

/// A StatefulSet's, a Deployment's or a Rollout's pods `app: web` behind a Service with this selector.
fn selected(kind: &'static str, own: &'static str, selector: &str) -> Injected {
    let service = NAMED.replace("selector: {app: web}", &format!("selector: {{{selector}}}"));
    let web = Web { kind: Some(kind), container: HTTP, own, ..Web::default() };
    Injected::of(&web.behind(&service), &guarded())
}

#[test]
fn labels_that_controllers_write_into_a_live_service_are_passed_over() {
    let none = "no Service in the input selects these pods";
    for (kind, label) in [
        ("Rollout", "rollouts-pod-template-hash: 6d4c9b7f5"),
        ("Deployment", "pod-template-hash: '12345'"),
        ("StatefulSet", "controller-revision-hash: web-5d4c"),
        ("DaemonSet", "pod-template-generation: '3'"),
        ("StatefulSet", "apps.kubernetes.io/pod-index: '0'"),
        ("StatefulSet", "statefulset.kubernetes.io/pod-name: web-0"),
    ] {
        selected(kind, "", &format!("app: web, {label}")).is_silent_on(none);
        selected(kind, "", &format!("app: other, {label}")).says(none);
    }
    selected("StatefulSet", "", "statefulset.kubernetes.io/pod-name: web-11").is_silent_on(none);
    selected("StatefulSet", "", "statefulset.kubernetes.io/pod-name: web-x").says(none);
    selected("StatefulSet", "", "statefulset.kubernetes.io/pod-name: other-0").says(none);
    selected("Deployment", "", "statefulset.kubernetes.io/pod-name: web-0").says(none);
    selected("Deployment", "", "pod-template-hash: abc").says(none);
    selected("Deployment", "", "app: web, statefulset.kubernetes.io/pod-name: web-0").says(none);
    let external = NAMED.replace("spec: {", "spec: {type: ExternalName, externalName: example.com, ");
    Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&external), &guarded()).says(none);
}

#[test]
fn labels_that_only_a_rollouts_canary_or_stable_pods_have_are_theirs() {
    let none = "no Service in the input selects these pods";
    let canary = "strategy: {canary: {canaryMetadata: {labels: {role: canary}}, stableMetadata: {labels: {role: stable}}}}";
    selected("Rollout", canary, "app: web, role: canary").is_silent_on(none);
    selected("Rollout", canary, "app: web, role: stable").is_silent_on(none);
    selected("Rollout", canary, "app: web, role: other").says(none);
    let blue = "strategy: {blueGreen: {activeService: web, previewMetadata: {labels: {role: preview}}}}";
    selected("Rollout", blue, "app: web, role: preview").is_silent_on(none);
    selected("Deployment", canary, "app: web, role: canary").says(none);
}

#[test]
fn a_policy_for_one_pod_of_a_stateful_set_is_one_of_the_workloads() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: allow}\nspec:\n  podSelector: {matchExpressions: \
                  [{key: apps.kubernetes.io/pod-index, operator: In, values: ['0']}]}\n  ingress:\n  - ports: [{port: 8080}]\n";
    let web = Web { kind: Some("StatefulSet"), container: HTTP, ..Web::default() };
    let injected = Injected::of(&web.behind(&format!("{NAMED}---\n{policy}")), &guarded());
    assert_eq!(injected.at(2, "/spec/ingress/0/ports/1/port"), Some(&json!(15080)));
    let by_name = policy.replace("apps.kubernetes.io/pod-index", "statefulset.kubernetes.io/pod-name");
    let deployment = Web { container: HTTP, ..Web::default() };
    let injected = Injected::of(&deployment.behind(&format!("{NAMED}---\n{by_name}")), &guarded());
    assert_eq!(injected.at(2, "/spec/ingress/0/ports/1"), None, "a Deployment's pods have no such label");
}

#[test]
fn the_albs_path_to_a_live_rollout_is_found_by_its_services() {
    let service = |name: &str, hash: &str| {
        NAMED
            .replace("{name: web}", &format!("{{name: {name}}}"))
            .replace("{app: web}", &format!("{{app: web, rollouts-pod-template-hash: {hash}}}"))
    };
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop, annotations: {alb.ingress.kubernetes.io/target-type: ip}}\n\
                   spec: {ingressClassName: alb, defaultBackend: {service: {name: web-root, port: {name: use-annotation}}}}\n";
    let around = [
        service("web-stable", "a1"),
        service("web-canary", "b2"),
        service("web-root", "a1"),
        ingress.to_owned(),
    ];
    let web = Web { kind: Some("Rollout"), container: HTTP, ..Web::default() };
    let injected = Injected::of(&web.behind(&around.join("---\n")), &guarded());
    let names: Vec<_> = injected.plan().drain.paths.iter().map(|path| path.name.clone()).collect();
    assert_eq!(names, ["service/web-stable", "service/web-canary", "service/web-root", "alb/shop"]);
}

const OWNER: &str =
    "  ownerReferences:\n  - {apiVersion: apps/v1, kind: Deployment, name: web, uid: x, controller: true}\n";

#[test]
fn what_a_controller_made_is_left_alone_byte_by_byte_and_told() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let made = web
        .replace("kind: Deployment", "kind: ReplicaSet")
        .replace("  name: web\nspec", &format!("  name: web-1\n{OWNER}spec"));
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web-1-x\n  labels: {{app: web}}\n{OWNER}spec: {{containers: [{{name: web}}]}}\n"
    );
    let injected = Injected::of(&format!("{web}---\n{NAMED}---\n{made}---\n{pod}"), &guarded());
    assert!(injected.text.ends_with(&format!("{made}---\n{pod}")));
    injected.says("ReplicaSet web-1 (of Deployment web): it is left alone");
    injected.says("Pod web-1-x (of Deployment web): it is left alone");
    let alone = made.replace("controller: true", "controller: false");
    let outcome = with(&alone, &Options::default()).unwrap();
    assert_eq!(outcome.changed, 1, "an owner that is no controller makes nothing anew");
}

#[test]
fn a_replica_sets_copy_of_its_deployments_record_is_not_its_own() {
    let web = Web { container: HTTP, ..Web::default() }.behind(NUMERIC);
    let once = Injected::of(&web, &guarded()).text;
    let deployment = once.split("---\n").next().unwrap();
    let made = deployment
        .replace("kind: Deployment", "kind: ReplicaSet")
        .replace("  name: web\n  annotations", &format!("  name: web-1\n{OWNER}  annotations"));
    assert!(made.contains("ownerReferences") && made.contains(RECORD));
    let live = format!("{once}---\n{made}");
    let again = Injected::of(&live, &guarded());
    assert_eq!(again.text, live);
    let second = Injected::of(&live, &Options { second_step: true, ..Options::default() });
    assert!(second.text.ends_with(&made));
    assert_eq!(second.at(1, "/spec/ports/0/targetPort"), Some(&json!(15080)));
    assert_eq!(undone(&live).texts.concat(), format!("{web}---\n{made}"));
}

const RECORD: &str = super::super::RECORD_ANNOTATION;

#[test]
fn status_managed_fields_and_the_copy_of_the_last_applied_object_stay_as_they_are() {
    let live = "  uid: x\n  resourceVersion: '1'\n  managedFields: [{manager: kubectl, fieldsV1: {f:spec: {f:template: {}}}}]\n  annotations:\n    \
                kubectl.kubernetes.io/last-applied-configuration: |\n      {\"kind\":\"Deployment\",\"spec\":{\"template\":{\"spec\":{\"containers\":[]}}}}\nspec";
    let web = Web { container: HTTP, ..Web::default() }
        .yaml()
        .replace("  name: web\nspec", &format!("  name: web\n{live}"));
    let web = format!("{web}status: {{replicas: 2, conditions: []}}\n---\n{NAMED}");
    let injected = Injected::of(&web, &guarded());
    let before = streams(&web)[0].documents()[0].json().clone();
    for at in [
        "/status",
        "/metadata/managedFields",
        "/metadata/resourceVersion",
        "/metadata/uid",
        "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
    ] {
        assert_eq!(injected.at(0, at), before.pointer(at), "{at}");
    }
    assert_eq!(undone(&injected.text).texts.concat(), web);
}

#[test]
fn items_of_a_typed_list_without_a_kind_are_of_the_lists_kind() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let named = streams(&web)[0].documents()[0].json().clone();
    let mut bare = named.clone();
    bare.as_object_mut().unwrap().retain(|key, _| !["apiVersion", "kind"].contains(&key.as_str()));
    let list = |kind: &str, items: &[&Value]| json!({"kind": kind, "apiVersion": "apps/v1", "metadata": {}, "items": items});
    let one_line = list("DeploymentList", &[&bare]).to_string();
    let pretty = format!("{:#}\n", list("DeploymentList", &[&bare, &named]));
    let block = format!(
        "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- {}",
        web.split_once("kind: Deployment\n").unwrap().1.replace('\n', "\n  ")
    )
    .trim_end()
    .to_owned()
        + "\n";
    for (text, count) in [(one_line, 1), (pretty, 2), (block, 1)] {
        let outcome = with(&text, &guarded()).unwrap();
        let told: Vec<_> = outcome.workloads.iter().map(|one| one.object.as_str()).collect();
        assert_eq!((outcome.changed, told), (count, vec!["Deployment web"; count]), "{text}");
        let injected = Injected::of(&text, &guarded());
        assert!(injected.at(0, "/items/0/spec/template/spec/initContainers/0").is_some());
        assert_eq!(injected.at(0, "/items/0/kind"), None, "nothing but what is meant is written");
        assert_eq!(Injected::of(&injected.text, &guarded()).text, injected.text);
        assert_eq!(undone(&injected.text).texts.concat(), text);
    }
    // As kubectl has it: only where both are missing, and never of a plain `List`.
    let mut half = bare.clone();
    half["kind"] = json!("Deployment");
    for text in [list("DeploymentList", &[&half]), list("List", &[&bare])] {
        assert_eq!(with(&text.to_string(), &guarded()).unwrap().objects, 0, "{text}");
    }
}
