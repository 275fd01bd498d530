//! What looks like a workload and is none: pods that end by themselves, and patches.

use super::*;
use crate::inject::RECORD_ANNOTATION;

/// A bare Pod with the application's labels.
fn pod(meta: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: try\n  labels: {{app: web}}\n{}spec:\n  containers: [{{name: c, image: c}}] # ü\n{}",
        indented(2, meta),
        indented(2, spec)
    )
}

const WEB: Web = Web { container: HTTP, pod: "", meta: "", own: "", kind: None };

#[test]
fn a_bare_pod_that_ends_by_itself_is_left_alone_to_the_byte_and_told() {
    let hook = |kind: &str| format!("annotations: {{helm.sh/hook: '{kind}'}}");
    for (meta, spec, why) in [
        (
            String::new(),
            "restartPolicy: Never\n",
            "Pod try (restartPolicy: Never): it is left alone: its pods end by themselves",
        ),
        (String::new(), "restartPolicy: OnFailure\n", "Pod try (restartPolicy: OnFailure)"),
        (hook("test"), "", "Helm"),
        (hook("test-success"), "restartPolicy: Always\n", "Helm"),
        ("annotations: {argocd.argoproj.io/hook: PreSync}".to_owned(), "", "Argo CD"),
        (hook("pre-install,pre-upgrade"), "restartPolicy: Never\n", "by itself"),
    ] {
        let own = pod(&meta, spec);
        let injected = Injected::of(&format!("{}---\n{own}", WEB.behind(NUMERIC)), &guarded());
        assert!(injected.text.ends_with(&own), "{}", injected.text);
        injected.says("): it is left alone: ");
        injected.says(why);
        assert_eq!(injected.notes.matches("Pod try").count(), 1, "{}", injected.notes);
        // Alone, nothing is there to inject.
        assert_eq!(Injected::of(&own, &guarded()).text, own);
    }
    let template = "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: try}\ntemplate: {spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}\n";
    assert_eq!(Injected::of(template, &guarded()).text, template);
    let serving = Injected::of(&pod("", "restartPolicy: Always\n"), &guarded());
    assert!(serving.text.contains(RECORD_ANNOTATION));
}

#[test]
fn it_is_no_workload_behind_a_service() {
    let own = pod("annotations: {helm.sh/hook: test}", "restartPolicy: Never\n");
    let text = format!("{own}---\n{}", WEB.behind(NUMERIC));
    let first = Injected::of(&text, &guarded());
    let second = Injected::of(&first.text, &Options { second_step: true, ..Options::default() });
    assert_eq!(second.at(2, "/spec/ports/0/targetPort"), Some(&15080.into()));
    let back = undo(&streams(&second.text), true).unwrap();
    assert_eq!(undone(&back.texts.concat()).texts.concat(), text);
}

#[test]
fn what_only_helm_test_runs_is_left_alone_whatever_its_kind_and_what_serves_is_injected() {
    let hook = |hook: &'static str| {
        Web { container: HTTP, ..Web::default() }.yaml().replace(
            "  name: web\nspec",
            &format!("  name: web\n  annotations: {{\"helm.sh/hook\": {hook}}}\nspec"),
        )
    };
    let injected = Injected::of(&hook("test"), &guarded());
    assert_eq!(injected.text, hook("test"));
    injected.says("Deployment web (hook test): it is left alone: Helm runs it as a hook");
    assert!(Injected::of(&hook("post-install"), &guarded()).text.contains(RECORD_ANNOTATION));
}

#[test]
fn a_partial_workload_is_never_injected_and_told() {
    let whole = WEB.yaml();
    for (partial, why) in [
        (whole.replace("        image: web\n", ""), "no image"),
        (whole.replace("  selector: {matchLabels: {app: web}}\n", ""), "no selector"),
        (whole.replace("    metadata:\n      labels: {app: web}\n", ""), "no labels"),
        (whole.replace("        image: web\n", "        image: web\n        $patch: replace\n"), "$patch"),
        (whole.replace("      containers:\n", "      $setElementOrder/containers: [{name: web}]\n      containers:\n"), "$setElementOrder/containers"),
        (whole.replace("        image: web\n", "        $patch: delete\n"), "$patch"),
        (whole.replace("      containers:\n", "      $retainKeys: [containers]\n      containers:\n"), "$retainKeys"),
        (whole.replace("kind: Deployment", "kind: StatefulSet").replace("        image: web\n", ""), "no image"),
        (whole.replace("kind: Deployment", "kind: DaemonSet").replace("        image: web\n", "        env: []\n"), "no image"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers: []\n".to_owned(), "no containers"),
        ("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      terminationGracePeriodSeconds: 9\n".to_owned(), "no containers"),
        ("apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers: [{name: web, resources: {}}]\n".to_owned(), "no image"),
    ] {
        let text = format!("{partial}---\n{NAMED}");
        let injected = Injected::of(&text, &guarded());
        assert_eq!(injected.text, text);
        injected.says("is no whole workload");
        injected.says(why);
        injected.says("kubectl kustomize");
    }
}

#[test]
fn a_replication_controller_needs_no_selector() {
    let text = "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: web}\nspec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}}\n";
    assert!(Injected::of(text, &guarded()).text.contains(RECORD_ANNOTATION));
}

#[test]
fn a_partial_workload_beside_a_whole_one_does_not_hinder_it() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, env: []}]}}}\n";
    let injected = Injected::of(&format!("{}---\n{patch}", WEB.behind(NUMERIC)), &guarded());
    assert!(injected.text.ends_with(patch));
    let second = Injected::of(&injected.text, &Options { second_step: true, ..Options::default() });
    assert_eq!(second.at(1, "/spec/ports/0/targetPort"), Some(&15080.into()));
}

#[test]
fn two_variants_of_one_workload_keep_each_their_own_guards() {
    let variant = |container: &'static str| Web { container, ..Web::default() }.yaml();
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 1001}, {port: 1002, name: b}, {port: 1003, name: c}]}\n";
    let three = variant("ports: [{containerPort: 1001}, {containerPort: 1002}, {containerPort: 1003}]");
    let two = variant("ports: [{containerPort: 1001}, {containerPort: 1003}]");
    let once = Injected::of(&format!("{three}---\n{two}---\n{service}"), &guarded()).text;
    assert_eq!(Injected::of(&once, &guarded()).text, once);
}
