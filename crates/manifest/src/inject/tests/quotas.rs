//! What a namespace demands of every pod: resource quotas and limit ranges.

use serde_json::json;

use super::*;

const BURSTABLE: &str = "ports: [{name: http, containerPort: 8080}]\nresources: {requests: {cpu: 200m, memory: 256Mi}, limits: {cpu: 1, memory: 512Mi}}";

fn quota(hard: &str, more: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: team}}\nspec: {{hard: {{{hard}}}{more}}}\n"
    )
}

fn range(items: &str) -> String {
    format!("apiVersion: v1\nkind: LimitRange\nmetadata: {{name: sizes}}\nspec: {{limits: [{items}]}}\n")
}

fn injected(web: &Web, around: &[String], options: &Options) -> Injected {
    let around: Vec<_> = std::iter::once(NAMED.to_owned()).chain(around.iter().cloned()).collect();
    Injected::of(&web.behind(&around.join("---\n")), options)
}

fn burstable() -> Web {
    Web { container: BURSTABLE, own: "replicas: 4", ..Web::default() }
}

fn sizes(web: &Web, around: &[String]) -> Value {
    injected(web, around, &guarded()).pod("/initContainers/0/resources").unwrap().clone()
}

#[test]
fn a_quota_that_counts_limits_gets_limits_and_no_other_does() {
    let plain = json!({"requests": {"cpu": "10m", "memory": "42Mi"}});
    for (hard, more, expected) in [
        ("pods: 100", "", plain.clone()),
        ("requests.cpu: 20, requests.memory: 20Gi, count/pods: 100", "", plain.clone()),
        (
            "limits.memory: 20Gi",
            "",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"memory": "84Mi"}}),
        ),
        (
            "limits.cpu: 40",
            "",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"cpu": "500m"}}),
        ),
        (
            "limits.cpu: 40",
            ", scopes: [NotTerminating, NotBestEffort]",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"cpu": "500m"}}),
        ),
        ("limits.cpu: 40", ", scopes: [BestEffort]", plain.clone()),
        ("limits.cpu: 40", ", scopes: [Terminating]", plain.clone()),
        (
            "limits.cpu: 40",
            ", scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}",
            plain.clone(),
        ),
        (
            "limits.cpu: 40",
            ", scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: DoesNotExist}]}",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"cpu": "500m"}}),
        ),
    ] {
        assert_eq!(sizes(&burstable(), &[quota(hard, more)]), expected, "{hard}{more}");
    }
    let high = Web { pod: "priorityClassName: high", ..burstable() };
    let of_high = quota(
        "limits.cpu: 40",
        ", scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}",
    );
    assert_eq!(sizes(&high, &[of_high])["limits"], json!({"cpu": "500m"}));
    let elsewhere = quota("limits.cpu: 40", "").replace("name: team", "name: team, namespace: other");
    let web = burstable().yaml().replace("  name: web\nspec", "  name: web\n  namespace: shop\nspec");
    let injected = Injected::of(&format!("{web}---\n{NAMED}---\n{elsewhere}"), &guarded());
    assert_eq!(injected.pod("/initContainers/0/resources"), Some(&plain));
}

#[test]
fn a_limit_ranges_least_sizes_are_met_and_its_ratio_is_kept() {
    for (items, expected) in [
        (
            "{type: Container, min: {memory: 64Mi, cpu: 25m}}",
            json!({"requests": {"cpu": "25m", "memory": "64Mi"}}),
        ),
        (
            "{type: Container, min: {memory: 64Mi, cpu: 25m}, maxLimitRequestRatio: {cpu: '10'}}",
            json!({"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m"}}),
        ),
        (
            "{type: Container, maxLimitRequestRatio: {memory: '1.5'}}",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"memory": "63Mi"}}),
        ),
        // A default would be the agent's limit, and be too small for it.
        (
            "{type: Container, default: {memory: 32Mi, cpu: 100m}}",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"cpu": "500m", "memory": "84Mi"}}),
        ),
        (
            "{type: Container, max: {cpu: 300m, memory: 64Mi}}",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"cpu": "300m", "memory": "64Mi"}}),
        ),
        (
            "{type: Pod, max: {cpu: '4'}}",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}, "limits": {"cpu": "500m"}}),
        ),
        (
            "{type: PersistentVolumeClaim, min: {storage: 1Gi}}",
            json!({"requests": {"cpu": "10m", "memory": "42Mi"}}),
        ),
    ] {
        assert_eq!(sizes(&burstable(), &[range(items)]), expected, "{items}");
    }
    let both = [
        range("{type: Container, min: {cpu: 25m}}"),
        range("{type: Container, min: {cpu: 30m}}").replace("sizes", "more"),
    ];
    assert_eq!(sizes(&burstable(), &both)["requests"]["cpu"], "30m");
}

#[test]
fn a_guaranteed_pods_agent_grows_with_the_least_sizes_and_stays_guaranteed() {
    let container = "resources: {limits: {cpu: 1, memory: 1Gi}}";
    let web = Web { container, ..Web::default() };
    let sizes = sizes(&web, &[range("{type: Container, min: {cpu: 100m, memory: 64Mi}}")]);
    assert_eq!(
        sizes,
        json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}})
    );
}

#[test]
fn what_can_not_be_met_is_told() {
    let told = |items: &str| injected(&burstable(), &[range(items)], &guarded());
    told("{type: Container, max: {memory: 32Mi}}")
        .says("a LimitRange allows a container at most 32Mi of memory, and the agent needs 42Mi: no new pod is admitted; raise it, or say --max-connections 1408");
    told("{type: Container, max: {memory: 42Mi}}").is_silent_on("is admitted");
    told("{type: Pod, max: {memory: 550Mi}}")
        .says("a LimitRange allows a pod at most 550Mi of memory, and with the agent these have 596Mi");
    told("{type: Pod, max: {memory: 596Mi}}").is_silent_on("is admitted");
    told("{type: Container, min: {cpu: 25m}}").says(
        "(cpu 25m, memory 42Mi): the agent asks for so much, as LimitRange sizes demands of every container",
    );
    let enough = Options { max_connections: 1408, ..guarded() };
    injected(&burstable(), &[range("{type: Container, max: {memory: 32Mi}}")], &enough)
        .is_silent_on("is admitted");
}

#[test]
fn what_a_limit_range_gives_the_applications_own_containers_counts() {
    let bare = || Web { container: HTTP, own: "replicas: 4", ..Web::default() };
    let defaults = "{type: Container, default: {cpu: 400m, memory: 100Mi}}";
    let told = |limits: &str, hard: Option<&str>| {
        let mut around = vec![range(limits)];
        around.extend(hard.map(|hard| quota(hard, "")));
        injected(&bare(), &around, &guarded())
    };
    told(&format!("{defaults}, {{type: Pod, max: {{cpu: 899m}}}}"), None)
        .says("a LimitRange allows a pod at most 899m of cpu, and with the agent these have 900m");
    told(&format!("{defaults}, {{type: Pod, max: {{cpu: 900m}}}}"), None).is_silent_on("is admitted");
    told(defaults, Some("limits.cpu: 4499m"))
        .says("limits.cpu 4499m: with the agent and 1 more during a rollout");
    told(defaults, Some("limits.cpu: 4500m")).is_silent_on("is not admitted");
    // Where no limit is named the largest is the usual, and where no request is, the limit, or else the least.
    told("{type: Container, max: {cpu: 400m}}, {type: Pod, max: {cpu: 799m}}", None)
        .says("with the agent these have 800m");
    told("{type: Container, min: {memory: 64Mi}}", Some("requests.memory: 639Mi")).says("need 640Mi");
    told("{type: Container, defaultRequest: {cpu: 90m}}", Some("requests.cpu: 499m")).says("need 500m");
    told("{type: Container, defaultRequest: {cpu: 90m}}", Some("requests.cpu: 500m"))
        .is_silent_on("is not admitted");
}

#[test]
fn best_effort_pods_stay_so_where_a_quota_tells_them_apart() {
    let web = Web { container: HTTP, ..Web::default() };
    for scope in ["BestEffort", "NotBestEffort"] {
        let injected = injected(&web, &[quota("pods: 100", &format!(", scopes: [{scope}]"))], &guarded());
        assert_eq!(injected.pod("/initContainers/0/resources"), Some(&json!({})), "{scope}");
        injected.says("these pods are BestEffort and stay so");
    }
    injected(&web, &[quota("pods: 100", "")], &guarded()).says("become Burstable");
}

#[test]
fn a_quota_of_pods_without_room_for_those_that_come_first_is_told() {
    let told = |web: &Web, around: &[String]| injected(web, around, &guarded());
    let stands = "there is room for 0 of the 1 that a rollout starts first, so the rollout stands still at that size. Allow 5 or more";
    told(&burstable(), &[quota("pods: '4'", "")]).says(stands);
    told(&burstable(), &[quota("count/pods: 4", "")]).says(stands);
    told(&burstable(), &[quota("pods: 5", "")]).is_silent_on("room for");
    told(&burstable(), &[quota("pods: 4", ", scopes: [BestEffort]")]).is_silent_on("room for");
    let wide = Web { own: "replicas: 4\nstrategy: {rollingUpdate: {maxSurge: 50%}}", ..burstable() };
    told(&wide, &[quota("pods: 5", "")])
        .says("room for 1 of the 2 that a rollout starts first, so the rollout is slower");
    let by_number = Web { own: "replicas: 4\nstrategy: {rollingUpdate: {maxSurge: 3}}", ..burstable() };
    told(&by_number, &[quota("pods: 5", "")]).says("room for 1 of the 3");
    let none = Web { own: "replicas: 4\nstrategy: {rollingUpdate: {maxSurge: 0}}", ..burstable() };
    told(&none, &[quota("pods: 4", "")]).says("room for 0 of the 1");
    let in_place = Web { kind: Some("StatefulSet"), ..burstable() };
    told(&in_place, &[quota("pods: 4", "")]).is_silent_on("room for");
    told(&in_place, &[quota("pods: 3", "")]).is_silent_on("room for");
    let blue = Web {
        kind: Some("Rollout"),
        own: "replicas: 4\nstrategy: {blueGreen: {activeService: web}}",
        ..burstable()
    };
    told(&blue, &[quota("pods: 7", "")]).says("room for 3 of the 4");
}

#[test]
fn an_autoscalers_most_and_other_workloads_count_too() {
    let told = |around: &[String]| injected(&burstable(), around, &guarded());
    let scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {scaleTargetRef: {kind: Deployment, name: web}, \
                  minReplicas: 4, maxReplicas: 8}\n";
    let keda = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: web}\nspec: {scaleTargetRef: {name: web}, maxReplicaCount: 8}\n";
    for scaler in [scaler, keda] {
        told(&[scaler.to_owned(), quota("pods: 8", "")]).says("beside 8 of these (the most that ");
        told(&[scaler.to_owned(), quota("pods: 10", "")]).is_silent_on("room for");
        told(&[scaler.replace("name: web}", "name: other}"), quota("pods: 8", "")]).is_silent_on("room for");
    }
    let other = Web { own: "replicas: 3", ..Web::default() }.yaml().replace("web", "other");
    told(&[other.clone(), quota("pods: 7", "")])
        .says("beside 4 of these and 3 of other workloads in the input there is room for 0 of the 1");
    told(&[other, quota("pods: 8", "")]).is_silent_on("Deployment web: ResourceQuota team allows 8 pods");
}

#[test]
fn of_other_workloads_only_those_count_that_the_quota_counts() {
    let idle = Web { own: "replicas: 3", ..Web::default() }.yaml().replace("web", "other");
    let scoped = quota("pods: 4", ", scopes: [NotBestEffort]");
    injected(&burstable(), &[idle.clone(), scoped], &guarded())
        .says("beside 4 of these there is room for 0 of the 1");
    let best_effort = Web { container: HTTP, own: "replicas: 4", ..Web::default() };
    let scoped = quota("pods: 7", ", scopes: [BestEffort]");
    injected(&best_effort, &[idle, scoped.clone()], &guarded())
        .says("beside 4 of these and 3 of other workloads");
    let busy = Web { container: "resources: {requests: {cpu: 1}}", own: "replicas: 3", ..Web::default() };
    injected(&best_effort, &[busy.yaml().replace("web", "other"), scoped], &guarded())
        .is_silent_on("Deployment web: ResourceQuota");
}

#[test]
fn an_autoscaler_of_another_kind_and_a_daemon_set_are_not_counted() {
    let scaler = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {scaleTargetRef: {kind: StatefulSet, name: web}, \
                  maxReplicas: 8}\n";
    injected(&burstable(), &[scaler.to_owned(), quota("pods: 5", "")], &guarded()).is_silent_on("room for");
    let daemons =
        Web { kind: Some("DaemonSet"), own: "replicas: 9", ..Web::default() }.yaml().replace("web", "logs");
    injected(&burstable(), &[daemons, quota("pods: 5", "")], &guarded())
        .is_silent_on("Deployment web: ResourceQuota");
    let none = Web { own: "replicas: 0", ..burstable() };
    injected(&none, &[quota("pods: 0, requests.cpu: 0", "")], &guarded())
        .is_silent_on("ResourceQuota team allows");
}

#[test]
fn a_quota_for_pods_that_end_or_of_a_priority_class_counts_only_those() {
    let scoped = |scope: &str, values: &str| {
        quota(
            "limits.cpu: 40",
            &format!(
                ", scopeSelector: {{matchExpressions: [{{scopeName: PriorityClass, operator: {scope}{values}}}]}}"
            ),
        )
    };
    let high = Web { pod: "priorityClassName: high", ..burstable() };
    let limited = |web: &Web, quota: String| sizes(web, &[quota]).get("limits").is_some();
    assert!(limited(&high, scoped("Exists", "")) && !limited(&burstable(), scoped("Exists", "")));
    assert!(
        limited(&burstable(), scoped("NotIn", ", values: [high]"))
            && !limited(&high, scoped("NotIn", ", values: [high]"))
    );
    assert!(limited(&high, quota("limits.cpu: 40", ", scopes: [PriorityClass]")));
    let ends = Web { pod: "activeDeadlineSeconds: 60", ..burstable() };
    assert!(limited(&ends, quota("limits.cpu: 40", ", scopes: [Terminating]")));
    assert!(!limited(&ends, quota("limits.cpu: 40", ", scopes: [NotTerminating]")));
    assert!(!limited(&burstable(), quota("limits.cpu: 40", ", scopes: [CrossNamespacePodAffinity]")));
}

#[test]
fn sums_that_the_agent_or_the_surge_would_exceed_are_told() {
    let told = |hard: &str| injected(&burstable(), &[quota(hard, "")], &guarded());
    // Five pods of 200m and 10m, at most 1 and 500m.
    told("requests.cpu: 1050m").is_silent_on("is not admitted");
    told("requests.cpu: 1049m").says("ResourceQuota team allows requests.cpu 1049m: with the agent and 1 more during a rollout, 4 of these pods and what else is in the input need 1050m");
    told("cpu: 1").says("allows requests.cpu 1:");
    told("limits.cpu: '7.5'").is_silent_on("is not admitted");
    told("limits.cpu: 7").says("need 7500m");
    told("memory: 1490Mi").is_silent_on("is not admitted");
    told("memory: 1489Mi").says("need 1490Mi");
}

#[test]
fn pods_that_end_by_themselves_are_no_neighbours_but_where_a_quota_counts_objects() {
    let pod = |more: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: other{more}, containers: [{{name: a, image: a, resources: {{requests: {{cpu: 1}}}}}}]}}\n"
        )
    };
    let (stays, never, on_failure) = (
        pod("}\nspec: {restartPolicy: Always"),
        pod("}\nspec: {restartPolicy: Never"),
        pod("}\nspec: {restartPolicy: OnFailure"),
    );
    let test = pod(", annotations: {helm.sh/hook: test}}\nspec: {restartPolicy: Never");
    let told =
        |other: &str, hard: &str| injected(&burstable(), &[other.to_owned(), quota(hard, "")], &guarded());
    let (room, cpu) =
        ("and 1 of other workloads in the input there is room for 0 of the 1", "is not admitted");
    told(&stays, "pods: 5").says(room);
    told(&stays, "requests.cpu: 1500m").says(cpu);
    for ends in [&never, &on_failure, &test] {
        told(ends, "pods: 5").is_silent_on("room for");
        told(ends, "requests.cpu: 1500m").is_silent_on(cpu);
    }
    // A pod that has ended is an object until somebody deletes it; whether a hook's is there is not known.
    told(&never, "count/pods: 5").says(room);
    told(&test, "count/pods: 5").is_silent_on("room for");
    told(&never, "pods: 5, count/pods: 6").is_silent_on("room for");
    told(&never, "pods: 6, count/pods: 5").says("allows 5 pods");
}
