//! The pods' own network leads to the guard: what is added for it, for which ports, and what stays as it was.

mod docs;
mod notes;
mod probes;
mod refuse;
mod steps;

use serde_json::json;

use super::*;

/// Each of the application's ports, with the guard's for clients that are sent there, and the guard's for what is led there.
type Numbers = Vec<(u16, Option<u16>, Option<u16>)>;

fn ports(injected: &Injected) -> Numbers {
    injected.plan().ports.iter().map(|port| (port.application, port.guard, port.redirect)).collect()
}

/// What the init container is told.
fn rules(injected: &Injected) -> Vec<&str> {
    let init = injected.pod("/initContainers/0").unwrap();
    assert_eq!(init["name"], "segue-redirect");
    init["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

fn headless() -> String {
    NUMERIC.replace("spec: {", "spec: {clusterIP: None, ")
}

const POLICY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: in}
spec: {podSelector: {}, ingress: [{ports: [{port: 8080}]}, {ports: [{port: http}]}]}
";

#[test]
fn no_number_and_no_name_of_the_manifest_changes_whatever_way_a_service_sends() {
    let container = "ports:\n- {name: http, containerPort: 8080}\nreadinessProbe: {httpGet: {path: /ready, port: http}}\n\
                     livenessProbe: {httpGet: {port: 8080}}\nstartupProbe: {grpc: {port: 8080}}\n\
                     lifecycle: {postStart: {httpGet: {port: http}}}";
    let without = NUMERIC.replace("{port: 80, targetPort: 8080}", "{port: 8080}");
    for service in [NAMED, NUMERIC, &without, &headless()] {
        let text = format!("{}---\n{POLICY}", Web { container, ..Web::default() }.behind(service));
        let injected = Injected::of(&text, &redirected());
        let given = streams(&text);
        let given: Vec<_> = given[0].documents().iter().map(|one| one.json().clone()).collect();
        for key in ["ports", "readinessProbe", "livenessProbe", "startupProbe"] {
            let was = given[0].pointer(&format!("/spec/template/spec/containers/0/{key}"));
            assert_eq!(injected.pod(&format!("/containers/0/{key}")), was, "{key}");
        }
        let was = given[0].pointer("/spec/template/spec/containers/0/lifecycle/postStart");
        assert_eq!(injected.pod("/containers/0/lifecycle/postStart"), was);
        assert_eq!(injected.documents[1..], given[1..], "Services and policies are left alone");
        assert_eq!(ports(&injected), [(8080, None, Some(15180))]);
        assert_eq!(rules(&injected), ["redirect", "8080:15180"]);
        assert_eq!(injected.plan().schema, 3);
        assert_eq!(undone(&injected.text).texts.concat(), text);
    }
}

#[test]
fn an_init_container_before_the_agent_writes_the_rules_with_one_capability() {
    let web =
        Web { container: HTTP, pod: "initContainers:\n- {name: migrate, image: migrate}", ..Web::default() };
    let options = Options { agent_image: "registry/agent:2".to_owned(), ..redirected() };
    let injected = Injected::of(&web.behind(NUMERIC), &options);
    let names: Vec<_> =
        injected.pod("/initContainers").unwrap().as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["segue-redirect", "segue-agent", "migrate"]);
    let expected = json!({
        "name": "segue-redirect",
        "image": "registry/agent:2",
        "imagePullPolicy": "IfNotPresent",
        "args": ["redirect", "8080:15180"],
        "resources": injected.agent()["resources"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "runAsNonRoot": false, "runAsUser": 0, "runAsGroup": 0, "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}, "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{
            "name": "segue", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "subPath": "no-service-account", "readOnly": true,
        }],
    });
    assert_eq!(injected.pod("/initContainers/0"), Some(&expected));
    assert_eq!(injected.agent()["securityContext"]["capabilities"], json!({"drop": ["ALL"]}));
}

#[test]
fn it_is_as_large_as_the_agent_where_the_namespace_or_the_pod_asks_for_it() {
    let guaranteed =
        "ports:\n- {name: http, containerPort: 8080}\nresources: {limits: {cpu: 500m, memory: 1Gi}}";
    let range = "apiVersion: v1\nkind: LimitRange\nmetadata: {name: r}\nspec: {limits: [{type: Container, min: {memory: 100Mi}, max: {memory: 1Gi, cpu: 2}}]}\n";
    let small = format!("{}---\n{range}", Web { container: HTTP, ..Web::default() }.behind(NUMERIC));
    for (text, memory) in
        [(Web { container: guaranteed, ..Web::default() }.behind(NUMERIC), "42Mi"), (small, "100Mi")]
    {
        let injected = Injected::of(&text, &redirected());
        let resources = injected.pod("/initContainers/0/resources").unwrap();
        assert_eq!(resources, &injected.agent()["resources"]);
        assert_eq!(resources["requests"]["memory"], memory, "as a guard's");
        assert!(resources["limits"]["memory"].is_string(), "{resources}");
    }
}

#[test]
fn every_port_that_a_service_sends_to_is_led_and_no_other() {
    let container = "ports:\n- {name: http, containerPort: 8080}\n- {containerPort: 9090}\n- {name: peers, containerPort: 7000}\n- {containerPort: 6000}\n\
                     - {name: dns, containerPort: 53, protocol: UDP}";
    let ports_of = "[{port: 80, targetPort: http}, {port: 90, targetPort: 9090}, {port: 5353, targetPort: 53, protocol: UDP}]";
    let service = NAMED.replace("[{port: 80, targetPort: http}]", ports_of);
    let peers =
        headless().replace("targetPort: 8080", "targetPort: peers").replace("{name: web}", "{name: peers}");
    let text = format!("{}---\n{peers}", Web { container, ..Web::default() }.behind(&service));
    let injected = Injected::of(&text, &redirected());
    let expected =
        [(8080, None, Some(15180)), (9090, None, Some(15181)), (7000, None, Some(15182)), (6000, None, None)];
    assert_eq!(ports(&injected), expected);
    assert_eq!(rules(&injected), ["redirect", "8080:15180", "9090:15181", "7000:15182"]);
    assert_eq!(
        injected.at(0, "/spec/template/metadata/annotations/segue.dev~1ports"),
        Some(&json!("15079,15180,15181,15182"))
    );
}

#[test]
fn without_any_service_every_declared_port_is_led_and_else_those_that_probes_ask() {
    let container = "ports:\n- {containerPort: 7000}\n- {name: http, containerPort: 8080}\nreadinessProbe: {tcpSocket: {port: 9000}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &redirected());
    assert_eq!(ports(&injected), [(7000, None, Some(15180)), (8080, None, Some(15181))]);
    injected.says(
        "(7000, http): no Service in the input sends to a TCP port of these pods: every one that is known is guarded",
    );
    let container = "readinessProbe: {httpGet: {port: 9000}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &redirected());
    assert_eq!(ports(&injected), [(9000, None, Some(15180))]);
    let injected = Injected::of(&Web::default().yaml(), &redirected());
    assert_eq!(
        injected.pod("/initContainers").unwrap().as_array().unwrap().len(),
        1,
        "nothing is led anywhere"
    );
    injected.says("and none is known: nothing is guarded");
}

#[test]
fn where_services_send_to_no_tcp_port_every_declared_one_is_led_and_without_the_redirect_that_is_told() {
    let headless = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {clusterIP: None, selector: {app: web}}\n";
    let udp = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 53, protocol: UDP}]}\n";
    for service in [headless, udp] {
        let text = Web { container: HTTP, ..Web::default() }.behind(service);
        assert_eq!(ports(&Injected::of(&text, &redirected())), [(8080, None, Some(15180))]);
        let sent = Injected::of(&text, &guarded());
        assert_eq!(ports(&sent), [(8080, None, None)]);
        sent.says("no Service in the input sends to a TCP port of these pods: nothing is guarded");
        Injected::of(&text, &Options::default()).is_silent_on("nothing is guarded");
    }
}

#[test]
fn numbers_that_the_pod_uses_are_not_taken_and_those_of_before_are_kept() {
    let container = "ports:\n- {name: http, containerPort: 8080}\n- {containerPort: 15180}\nreadinessProbe: {tcpSocket: {port: 15181}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NAMED), &redirected());
    assert_eq!(ports(&injected), [(8080, None, Some(15182)), (15180, None, None)]);
    let first = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NUMERIC), &redirected());
    let more =
        first.text.replace("        - {name: http", "        - {containerPort: 7000}\n        - {name: http");
    let service = NUMERIC.replace("name: web", "name: admin").replace("8080", "7000");
    let again = Injected::of(&format!("{more}---\n{service}"), &redirected());
    assert_eq!(ports(&again), [(7000, None, Some(15181)), (8080, None, Some(15180))]);
}

#[test]
fn a_drain_is_planned_as_behind_any_guard() {
    let text = Web { container: HTTP, ..Web::default() }.behind(NUMERIC);
    let (led, sent) = (Injected::of(&text, &redirected()), Injected::of(&text, &guarded()));
    assert_eq!(led.plan().drain, sent.plan().drain);
    assert!(led.plan().drain.linger.is_some());
    assert_eq!(led.pod("/terminationGracePeriodSeconds"), sent.pod("/terminationGracePeriodSeconds"));
    assert_eq!(led.agent()["resources"], sent.agent()["resources"]);
}

#[test]
fn the_flag_alone_brings_the_guard() {
    let text = Web { container: HTTP, ..Web::default() }.behind(NUMERIC);
    let alone = Injected::of(&text, &Options { guard: false, ..redirected() });
    assert_eq!(alone.text, Injected::of(&text, &redirected()).text);
}

#[test]
fn who_names_the_number_beside_the_pods_need_not_name_another() {
    let around = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: in}\n---\n\
                  apiVersion: example.dev/v1\nkind: Check\nmetadata: {name: c}\nspec: {port: 8080}\n";
    let text = format!("{}---\n{around}", Web { container: HTTP, ..Web::default() }.behind(NUMERIC));
    Injected::of(&text, &guarded())
        .says("CiliumNetworkPolicy in (Deployment web, 15080 beside 8080): it is not read");
    Injected::of(&text, &guarded()).says("Check c (port 8080 of Deployment web");
    let led = Injected::of(&text, &redirected());
    led.is_silent_on("CiliumNetworkPolicy");
    led.is_silent_on("Check");
}
