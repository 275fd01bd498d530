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
    "lifecycle:\n  preStop:\n    exec:\n      command: [\"sh\", \"-c\", \"sleep 5\"]   # a guess",
    "volumeMounts:\n- {name: data, mountPath: /data}",
    "resources:\n  limits: {cpu: 1, memory: 1Gi}",
    "args:\n- |\n  #!/bin/sh\n  serve: now\n",
];
const POD: &[&str] = &[
    "terminationGracePeriodSeconds: 20",
    "# the volumes\nvolumes:\n- name: data\n  emptyDir: {}",
    "initContainers: [{name: migrate, image: migrate}]",
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn undoing_an_injection_gives_the_same_bytes(text in manifest(), guard: bool) {
        let options = Options { guard, ..Options::default() };
        let injected = Injected::of(&text, &options);
        prop_assert_ne!(&injected.text, &text);
        let undone = undone(&injected.text);
        prop_assert_eq!(undone.texts.concat(), text);
        prop_assert_eq!(undone.notes, vec![]);
    }

    #[test]
    fn injecting_an_injected_manifest_changes_nothing(text in manifest(), guard: bool, second_step: bool) {
        let options = Options { guard, second_step, ..Options::default() };
        let once = Injected::of(&text, &options);
        prop_assert_eq!(Injected::of(&once.text, &options).text, once.text);
    }

    #[test]
    fn a_plan_that_is_injected_is_one_that_the_agent_takes(text in manifest(), guard: bool) {
        let plan = Injected::of(&text, &Options { guard, ..Options::default() }).plan();
        prop_assert_eq!(plan.check(), Ok(()));
    }
}
