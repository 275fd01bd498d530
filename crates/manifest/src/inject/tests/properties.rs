//! Whatever the manifest: undoing gives the same bytes, and injecting twice is injecting once.

use proptest::prelude::*;

use super::*;

/// Lines that a container, a pod or a Deployment may have or not.
fn lines(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::subsequence(from, 0..=from.len()).prop_map(|lines| lines.join("\n"))
}

const CONTAINER: &[&str] = &[
    "ports:\n- name: http\n  containerPort: 8080 # the shop\n- containerPort: 9090",
    "readinessProbe: {httpGet: {path: /ready, port: http}}",
    "livenessProbe: {tcpSocket: {port: 8080}, periodSeconds: 5} # alive",
    "startupProbe:\n  # by its name\n  tcpSocket:\n    port: http   # the shop\n  failureThreshold: 30",
    "lifecycle:\n  preStop:\n    exec:\n      command: [\"sh\", \"-c\", \"sleep 5\"]   # a guess",
    "volumeMounts:\n- {name: data, mountPath: /data}",
    "resources:\n  limits: {cpu: 1, memory: 1Gi}",
    "args:\n- |\n  #!/bin/sh\n  serve: now\n",
];
const POD: &[&str] = &[
    "terminationGracePeriodSeconds: 20",
    "# the volumes\nvolumes:\n- name: data\n  emptyDir: {}",
    "initContainers: [{name: migrate, image: migrate}, {name: edge, image: edge, restartPolicy: Always, readinessProbe: {tcpSocket: {port: 8080}}}]",
    "hostNetwork: true",
];
const META: &[&str] = &["annotations:\n  a: \"b\" # why\n  prometheus.io/scrape: 'true'"];
const OWN: &[&str] = &[
    "replicas: 3",
    "minReadySeconds: 5",
    "strategy:\n  rollingUpdate: {maxUnavailable: 1, maxSurge: 0}",
    "progressDeadlineSeconds: 60",
];

fn manifest() -> impl Strategy<Value = String> {
    let parts = (lines(CONTAINER), lines(POD), lines(META), lines(OWN));
    let kind = prop::sample::select(vec!["Deployment", "StatefulSet", "DaemonSet"]);
    let services = prop::sample::subsequence(vec![NAMED, NUMERIC], 0..=2);
    let style = (any::<bool>(), any::<bool>(), any::<bool>());
    (parts, kind, services, style).prop_map(
        |((container, pod, meta, own), kind, services, (crlf, json, end))| {
            // Leaked so that a test's own lines and these are of one type; a run makes a few hundred.
            let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
            let web = Web {
                container: leak(container),
                pod: leak(pod),
                meta: leak(meta),
                own: leak(own),
                kind: Some(kind),
            };
            let mut text = web.yaml();
            if json {
                let value = streams(&text)[0].documents()[0].json().clone();
                text = serde_json::to_string_pretty(&value).unwrap() + "\n";
            }
            for (index, service) in services.iter().enumerate() {
                let service = service.replacen("name: web", &format!("name: web{index}"), 1);
                text = format!("{text}---\n# a service\n{service}");
            }
            if crlf {
                text = text.replace('\n', "\r\n");
            }
            if end { text } else { text.trim_end().to_owned() }
        },
    )
}

/// Whether with the guard, and whether the pods' own network leads there.
fn ways() -> impl Strategy<Value = Options> {
    prop::sample::select(vec![Options::default(), guarded(), redirected()])
}

/// Pods of the node's network can't be led to the guard.
fn on_a_network_of_their_own(text: &str) -> String {
    text.replace("hostNetwork: true", "hostNetwork: false")
        .replace("\"hostNetwork\": true", "\"hostNetwork\": false")
}

/// A manifest and so many ways to inject it, none of which refuses it.
fn injectable(count: usize) -> impl Strategy<Value = (String, Vec<Options>)> {
    (manifest(), prop::collection::vec(ways(), count)).prop_map(|(text, ways)| {
        let led = ways.iter().any(|options| options.redirect);
        (if led { on_a_network_of_their_own(&text) } else { text }, ways)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn undoing_an_injection_gives_the_same_bytes((text, ways) in injectable(1)) {
        let injected = Injected::of(&text, &ways[0]);
        prop_assert_ne!(&injected.text, &text);
        let undone = undone(&injected.text);
        prop_assert_eq!(undone.texts.concat(), text);
        prop_assert_eq!(undone.notes, vec![]);
    }

    #[test]
    fn injecting_an_injected_manifest_changes_nothing((text, ways) in injectable(1), second_step: bool) {
        let options = Options { second_step, ..ways[0].clone() };
        let once = Injected::of(&text, &options);
        prop_assert_eq!(Injected::of(&once.text, &options).text, once.text);
    }

    #[test]
    fn going_over_to_another_way_is_injecting_that_way((text, ways) in injectable(2)) {
        let over = Injected::of(&Injected::of(&text, &ways[0]).text, &ways[1]);
        prop_assert_eq!(&over.text, &Injected::of(&text, &ways[1]).text);
        prop_assert_eq!(undone(&over.text).texts.concat(), text);
    }

    #[test]
    fn a_plan_that_is_injected_is_one_that_the_agent_takes((text, ways) in injectable(1)) {
        let plan = Injected::of(&text, &ways[0]).plan();
        prop_assert_eq!(plan.check(), Ok(()));
    }

    #[test]
    fn what_is_led_to_the_guard_keeps_its_number_for_everybody_else(text in manifest()) {
        let text = on_a_network_of_their_own(&text);
        let injected = Injected::of(&text, &redirected());
        let given = streams(&text);
        let given: Vec<_> = given[0].documents().iter().map(|one| one.json().clone()).collect();
        prop_assert_eq!(&injected.documents[1..], &given[1..]);
        let was = given[0].pointer("/spec/template/spec/containers/0/ports");
        prop_assert_eq!(injected.pod("/containers/0/ports"), was);
    }
}
