//! The agent's container.

use serde_json::json;

use super::*;

#[test]
fn the_agent_is_a_native_sidecar_before_all_other_init_containers() {
    let web = Web { pod: "initContainers:\n- {name: migrate, image: migrate}", ..Web::default() };
    let injected = Injected::of(&web.yaml(), &Options::default());
    assert_eq!(injected.pod("/initContainers/0/name"), Some(&json!("segue-agent")));
    assert_eq!(injected.pod("/initContainers/0/restartPolicy"), Some(&json!("Always")));
    assert_eq!(injected.pod("/initContainers/1/name"), Some(&json!("migrate")));
    assert_eq!(injected.pod("/initContainers/0/image"), Some(&json!("segue-agent:dev")));
}

#[test]
fn the_agent_passes_the_restricted_pod_security_standard() {
    let injected = Injected::of(&Web::default().yaml(), &Options::default());
    let expected = json!({
        "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
    });
    assert_eq!(injected.pod("/initContainers/0/securityContext"), Some(&expected));
}

#[test]
fn the_shared_volume_is_the_agents_to_write_and_the_applications_to_read() {
    let injected = Injected::of(&Web::default().yaml(), &Options::default());
    let agents = json!([{"name": "segue", "mountPath": "/segue"}, {"name": "segue-state", "mountPath": "/segue-state"}]);
    let mounts = injected.agent()["volumeMounts"].as_array().unwrap();
    assert_eq!(json!(mounts[..2]), agents);
    let own = json!([{"name": "segue", "mountPath": "/segue", "readOnly": true}]);
    assert_eq!(injected.pod("/containers/0/volumeMounts"), Some(&own));
    let volumes = json!([{"name": "segue", "emptyDir": {}}, {"name": "segue-state", "emptyDir": {}}]);
    assert_eq!(injected.pod("/volumes"), Some(&volumes));
}

#[test]
fn our_containers_get_no_token_for_the_api_server() {
    // The API server mounts none where something is mounted already: at this very path, whatever it is.
    let empty = json!({
        "name": "segue", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "subPath": "no-service-account", "readOnly": true,
    });
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &redirected());
    let init = injected.pod("/initContainers").unwrap().as_array().unwrap();
    assert_eq!(init.len(), 2);
    for container in init {
        assert_eq!(
            container["volumeMounts"].as_array().unwrap().last(),
            Some(&empty),
            "{}",
            container["name"]
        );
    }
    let application = injected.pod("/containers/0/volumeMounts").unwrap();
    assert_eq!(application.as_array().unwrap().len(), 1, "the application keeps its own");
}

#[test]
fn max_connections_size_the_memory_request_of_a_guard() {
    let memory = |text: &str, options| {
        Injected::of(text, &options).pod("/initContainers/0/resources/requests/memory").cloned()
    };
    let web = Web { container: HTTP, ..Web::default() }.behind(NAMED);
    assert_eq!(memory(&web, Options::default()), Some(json!("16Mi")));
    assert_eq!(memory(&web, guarded()), Some(json!("42Mi")));
    assert_eq!(memory(&web, Options { max_connections: 10_000, ..guarded() }), Some(json!("167Mi")));
}

#[test]
fn a_guaranteed_pod_stays_guaranteed() {
    let container = "resources: {limits: {cpu: 500m, memory: 1Gi}, requests: {cpu: 0.5}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &Options::default());
    let resources = injected.pod("/initContainers/0/resources").unwrap();
    assert_eq!(resources["limits"], resources["requests"]);
    injected.says("Guaranteed and stay so");
}

#[test]
fn a_burstable_pod_gets_requests_only_and_no_word() {
    for container in [
        "resources: {requests: {cpu: 1}}",
        "resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 500m}}",
    ] {
        let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &Options::default());
        assert_eq!(injected.pod("/initContainers/0/resources/limits"), None);
        injected.is_silent_on("Burstable");
        injected.is_silent_on("Guaranteed");
    }
}

#[test]
fn a_best_effort_pod_becomes_burstable_and_that_is_said() {
    Injected::of(&Web::default().yaml(), &Options::default()).says("were BestEffort and become Burstable");
}

#[test]
fn a_dollar_in_the_plan_is_not_expanded_by_kubernetes() {
    let container = "readinessProbe: {httpGet: {path: '/$(HOME)/$$', port: 8080}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &Options::default());
    let value = injected.pod("/initContainers/0/env/0/value").unwrap().as_str().unwrap();
    assert!(!value.contains('$'), "{value}");
    assert_eq!(injected.plan().discount.paths, ["/$(HOME)/$$"]);
}

#[test]
fn the_annotations_say_what_was_planned_and_which_ports_are_bound() {
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &guarded());
    let annotations = injected.at(0, "/spec/template/metadata/annotations").unwrap();
    assert_eq!(annotations["segue.dev/ports"], "15079,15080");
    insta::assert_snapshot!(annotations["segue.dev/plan"].as_str().unwrap(), @"grace 62s: 15s until the last client knows + 2s quiet + 30s longest request + 10s to stop + 5s margin; path service/web: kube-proxy 0s to join, 15s to leave (join: a Deployment deletes an old pod only after its replacement is Ready, and each kube-proxy reads changes in order; leave default: it syncs every second, but no pod can see it, and on large clusters it takes longer)");
}

/// An injected manifest whose plan was changed since.
fn with_the_plan(change: impl Fn(&str) -> String) -> String {
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &guarded());
    let json = injected.pod("/initContainers/0/env/0/value").unwrap().as_str().unwrap().to_owned();
    let changed = injected.text.replace(&json.replace('"', "\\\""), &change(&json).replace('"', "\\\""));
    let changed = changed.replace(&json, &change(&json));
    assert_ne!(changed, injected.text);
    changed
}

#[test]
fn a_plan_that_cannot_be_read_is_refused_where_it_stands_and_never_counts_as_none() {
    let damaged = with_the_plan(|json| json.replacen("\"control_port\"", "\"kontrol_port\"", 1));
    let cut_off = with_the_plan(|json| json[..json.len() / 2].to_owned());
    let later = with_the_plan(|json| json.replacen("\"schema\":1", "\"schema\":4,\"more\":true", 1));
    let none = with_the_plan(|_| String::new());
    for (text, why, what_to_do) in [
        (&damaged, "kontrol_port", "put the plan back"),
        (&cut_off, "can't be read", "put the plan back"),
        (&none, "can't be read", "put the plan back"),
        (&later, "schema 4", "use the segue that injected it, or a later one"),
    ] {
        for options in [guarded(), Options { second_step: true, ..guarded() }] {
            let diagnostic = refused(text, &options).to_string();
            assert!(diagnostic.contains(why) && diagnostic.contains(what_to_do), "{diagnostic}");
            let line =
                1 + text.lines().position(|line| line.trim() == "env:" || line.contains("- env:")).unwrap();
            assert!(
                diagnostic.contains(&format!(":{line}:")) || diagnostic.contains(&format!(":{}:", line + 1)),
                "line {line}: {diagnostic}"
            );
        }
        let back = undone(text);
        assert!(!back.texts.concat().contains("SEGUE_PLAN"), "what it advises helps");
    }
    let renamed = with_the_plan(str::to_uppercase).replace("SEGUE_PLAN", "SEGUE_PLANS");
    let diagnostic = refused(&renamed, &guarded()).to_string();
    assert!(diagnostic.contains("SEGUE_PLAN is not set here"), "{diagnostic}");
}
