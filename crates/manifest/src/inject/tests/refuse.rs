//! What is refused or left alone.

use super::*;

#[test]
fn windows_pods_are_refused() {
    for pod in [
        "os: {name: windows}",
        "nodeSelector: {kubernetes.io/os: windows}",
        "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [\
         {key: kubernetes.io/os, operator: In, values: [windows]}]}]}}}",
    ] {
        let diagnostic = refused(&Web { pod, ..Web::default() }.yaml(), &Options::default());
        assert!(diagnostic.message.contains("run on Windows"), "{diagnostic}");
        assert_eq!(line_of(&diagnostic), 14);
    }
    for pod in ["os: {name: linux}", "nodeSelector: {kubernetes.io/os: linux}"] {
        Injected::of(&Web { pod, ..Web::default() }.yaml(), &Options::default());
    }
}

#[test]
fn pods_that_may_run_on_linux_too_are_injected() {
    let term = |expression: &str| format!("{{matchExpressions: [{{{expression}}}]}}");
    let windows = term("key: kubernetes.io/os, operator: In, values: [windows]");
    for terms in [
        term("key: kubernetes.io/os, operator: NotIn, values: [windows]"),
        term("key: kubernetes.io/os, operator: In, values: [windows, linux]"),
        term("key: other, operator: In, values: [windows]"),
        // One of them is enough.
        format!("{windows}, {}", term("key: zone, operator: Exists")),
        String::new(),
    ] {
        let pod = format!(
            "affinity: {{nodeAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: {{nodeSelectorTerms: [{terms}]}}}}}}"
        );
        let pod = Box::leak(pod.into_boxed_str());
        Injected::of(&Web { pod, ..Web::default() }.yaml(), &Options::default());
    }
}

#[test]
fn names_that_inject_would_give_are_refused_where_they_are_taken() {
    for (web, reason, line) in [
        (
            Web { pod: "initContainers:\n- {name: segue-agent, image: other}", ..Web::default() },
            "init container named segue-agent",
            15,
        ),
        (
            Web { pod: "- {name: segue-agent, image: other}", ..Web::default() },
            "container named segue-agent",
            14,
        ),
        (Web { pod: "volumes:\n- {name: segue, emptyDir: {}}", ..Web::default() }, "volume named segue", 15),
        (
            Web { container: "volumeMounts:\n- {name: x, mountPath: /segue/}", ..Web::default() },
            "/segue is taken",
            15,
        ),
    ] {
        let diagnostic = refused(&web.yaml(), &Options::default());
        assert!(diagnostic.message.contains(reason), "{diagnostic}");
        assert_eq!(line_of(&diagnostic), line, "{diagnostic}");
    }
}

#[test]
fn every_reason_is_told_at_once_and_nothing_is_changed() {
    let one = Web { pod: "os: {name: windows}", own: "strategy: {type: Recreate}", ..Web::default() }.yaml();
    let Refused(reasons) = with(&format!("{one}---\n{one}"), &Options::default()).unwrap_err();
    assert_eq!(reasons.len(), 4);
}

#[test]
fn a_manifest_for_a_cluster_without_native_sidecars_is_refused() {
    let old = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\n";
    let diagnostic = refused(&format!("{}---\n{old}", Web::default().yaml()), &Options::default());
    assert!(diagnostic.message.contains("removed in Kubernetes 1.25"), "{diagnostic}");
    let cluster = |version: &str| {
        let cluster = format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: c, version: '{version}'}}\n"
        );
        with(&format!("{}---\n{cluster}", Web::default().yaml()), &Options::default())
    };
    assert!(cluster("1.28").unwrap_err().0[0].message.contains("has Kubernetes 1.28"));
    assert!(cluster("1.29").is_ok());
}

#[test]
fn a_version_is_understood_as_clusters_write_it() {
    let all = ["1.28", "v1.29.3", "1.30+", "1.31.2-eks-7f9249a"].map(super::super::version_of);
    assert_eq!(all, [Some((1, 28)), Some((1, 29)), Some((1, 30)), Some((1, 31))]);
    assert_eq!(["1", "latest", ""].map(super::super::version_of), [None; 3]);
}

#[test]
fn jobs_and_unknown_kinds_are_passed_through_untouched() {
    let text = "\
apiVersion: batch/v1
kind: Job
metadata: {name: j}
spec: {template: {spec: {containers: [{name: j, image: j}]}}}
---
apiVersion: example.com/v1
kind: Widget
metadata: {name: w}
spec: {template: {spec: {containers: [{name: w, image: w}]}}}
---
just: a values file
";
    let injected = Injected::of(text, &guarded());
    assert_eq!(injected.text, text);
    injected.says("Job j: it is left alone: its pods end by themselves");
    injected.says("no workload in the input");
}

#[test]
fn a_rollout_that_takes_its_pods_from_a_deployment_says_which() {
    let text = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {workloadRef: {kind: Deployment, name: web}}\n";
    let injected = Injected::of(text, &Options::default());
    assert_eq!(injected.text, text);
    injected.says("Rollout r (workloadRef web): it takes its pods from there: inject that");
}

#[test]
fn a_part_that_has_another_shape_is_refused_with_its_place() {
    let web = Web { container: "ports:\n- {name: http, containerPort: many}", ..Web::default() };
    let diagnostic = refused(&web.yaml(), &Options::default());
    let field = ".spec.template.spec.containers[0].ports[0].containerPort is not as Kubernetes reads it";
    assert!(diagnostic.message.contains(field), "{diagnostic}");
    assert!(
        web.yaml().lines().nth(line_of(&diagnostic) - 1).is_some_and(|line| line.contains("many")),
        "{diagnostic}"
    );
}

#[test]
fn an_edit_behind_an_alias_is_refused() {
    let text = Web::default()
        .yaml()
        .replace("labels: {app: web}", "labels: &labels {app: web}\n      annotations: *labels");
    let diagnostic = refused(&text, &Options::default());
    assert_eq!(line_of(&diagnostic), 10, "{diagnostic}");
}

#[test]
fn a_plan_that_no_agent_could_hold_to_is_refused() {
    let web = Web { container: HTTP, ..Web::default() }.yaml();
    let options = Options { idle_after: std::time::Duration::ZERO, ..Options::default() };
    assert!(refused(&web, &options).message.contains("idle_after is 0"));
}

#[test]
fn an_unknown_kind_may_keep_anything_in_its_metadata() {
    let text = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {labels: [1, 2]}\n";
    assert_eq!(Injected::of(text, &Options::default()).text, text);
    let deployment = Web::default().yaml().replace("  name: web\nspec", "  labels: [1, 2]\nspec");
    assert!(
        refused(&deployment, &Options::default())
            .message
            .contains(".metadata.labels is not as Kubernetes reads it")
    );
}

#[test]
fn a_volume_claim_of_our_name_is_refused() {
    let own = "volumeClaimTemplates: [{metadata: {name: segue-state}}]";
    let diagnostic =
        refused(&Web { kind: Some("StatefulSet"), own, ..Web::default() }.yaml(), &Options::default());
    assert!(diagnostic.message.contains("a volume claim named segue-state"), "{diagnostic}");
    assert_eq!(line_of(&diagnostic), 7);
}

#[test]
fn a_mount_below_ours_is_refused() {
    let refused_at = |path: &str| {
        let container = format!("volumeMounts: [{{name: x, mountPath: {path}}}]");
        let web = Web { container: Box::leak(container.into_boxed_str()), ..Web::default() };
        with(&web.yaml(), &Options::default()).is_err()
    };
    assert!(refused_at("/segue") && refused_at("/segue/") && refused_at("/segue/x"));
    assert!(!refused_at("/segue-x") && !refused_at("/x/segue"));
}

#[test]
fn routes_of_other_routers_are_told() {
    let route = "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: shop}\nspec: {}\n";
    let web = Web { container: HTTP, ..Web::default() };
    Injected::of(&web.behind(route), &Options::default()).says("IngressRoute shop: it is not read");
    assert_eq!(Injected::of(route, &Options::default()).notes.matches("is not read").count(), 0);
}
