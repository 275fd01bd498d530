//! Values of another type than Kubernetes takes: told with their place, what stands there and what would be right, in plain words.

use super::*;

/// Line, message and help of the one reason.
fn told(text: &str) -> (usize, String, String) {
    let diagnostic = refused(text, &Options::default());
    (line_of(&diagnostic), diagnostic.message.clone(), diagnostic.help.unwrap_or_default())
}

fn own(kind: &'static str, own: &'static str) -> String {
    Web { kind: Some(kind), own, container: HTTP, ..Web::default() }.yaml()
}

#[test]
fn a_number_of_a_rollout_in_quotes_is_refused_and_never_counted_with() {
    let whole = "write a whole number from 0 to 2147483647, without quotes";
    let both = "write a whole number without quotes, or a percentage such as 25%";
    for (kind, lines, at, found, right) in [
        ("Deployment", "replicas: \"3\"", ".spec.replicas", "the text \"3\"", whole),
        ("StatefulSet", "replicas: '3'", ".spec.replicas", "the text \"3\"", whole),
        ("Rollout", "replicas: three", ".spec.replicas", "the text \"three\"", whole),
        ("ReplicaSet", "replicas: -1", ".spec.replicas", "-1", whole),
        ("Deployment", "replicas: 1.5", ".spec.replicas", "1.5", whole),
        ("Deployment", "replicas: 3000000000", ".spec.replicas", "3000000000", whole),
        ("DaemonSet", "minReadySeconds: '5'", ".spec.minReadySeconds", "the text \"5\"", whole),
        ("Rollout", "minReadySeconds: yes", ".spec.minReadySeconds", "true", whole),
        (
            "Deployment",
            "progressDeadlineSeconds: '9'",
            ".spec.progressDeadlineSeconds",
            "the text \"9\"",
            whole,
        ),
        (
            "StatefulSet",
            "updateStrategy: {rollingUpdate: {partition: '1'}}",
            ".spec.updateStrategy.rollingUpdate.partition",
            "the text \"1\"",
            whole,
        ),
        (
            "Deployment",
            "strategy: {rollingUpdate: {maxSurge: '1'}}",
            ".spec.strategy.rollingUpdate.maxSurge",
            "the text \"1\"",
            both,
        ),
        (
            "Deployment",
            "strategy: {rollingUpdate: {maxUnavailable: \"0\"}}",
            ".spec.strategy.rollingUpdate.maxUnavailable",
            "the text \"0\"",
            both,
        ),
        (
            "DaemonSet",
            "updateStrategy: {rollingUpdate: {maxSurge: ''}}",
            ".spec.updateStrategy.rollingUpdate.maxSurge",
            "the text \"\"",
            both,
        ),
        (
            "StatefulSet",
            "updateStrategy: {rollingUpdate: {maxUnavailable: 1.5%}}",
            ".spec.updateStrategy.rollingUpdate.maxUnavailable",
            "the text \"1.5%\"",
            both,
        ),
        ("Rollout", "strategy: {canary: {maxSurge: [1]}}", ".spec.strategy.canary.maxSurge", "a list", both),
    ] {
        let message = format!("{at} is not as Kubernetes reads it: it is {found}");
        assert_eq!(told(&own(kind, lines)), (7, message, right.to_owned()), "{kind} {lines}");
    }
    for (kind, lines) in [
        (
            "Deployment",
            "replicas: 0\nminReadySeconds: 5\nstrategy: {rollingUpdate: {maxSurge: 100%, maxUnavailable: 0}}",
        ),
        ("Deployment", "replicas: null\nstrategy: {rollingUpdate: {maxSurge: null}}"),
        ("StatefulSet", "updateStrategy: {rollingUpdate: {partition: 0, maxUnavailable: 2}}"),
        // Another kind's fields are nobody's.
        ("DaemonSet", "replicas: 'all'"),
    ] {
        Injected::of(&own(kind, lines), &Options::default());
    }
}

#[test]
fn every_number_that_is_wrong_is_told_by_its_place_in_the_text_as_it_was_given() {
    let once = Injected::of(&own("Deployment", "replicas: 3"), &guarded()).text;
    let broken = once.replace("replicas: 3", "replicas: '3'");
    let line = 1 + broken.lines().position(|line| line.contains("replicas: '3'")).unwrap();
    let again = format!("{broken}---\n{}", own("DaemonSet", "minReadySeconds: '5'"));
    let Refused(reasons) = with(&again, &guarded()).unwrap_err();
    let lines: Vec<_> = reasons.iter().map(line_of).collect();
    assert_eq!(lines, [line, broken.lines().count() + 8]);
}

#[test]
fn an_autoscalers_numbers_in_quotes_are_refused_too() {
    let scaler = |api: &str, kind: &str, field: &str| {
        format!(
            "{}---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: web}}\nspec:\n  scaleTargetRef: {{kind: Deployment, name: web}}\n  {field}: '8'\n",
            own("Deployment", "")
        )
    };
    for (api, kind, field) in [
        ("autoscaling/v2", "HorizontalPodAutoscaler", "minReplicas"),
        ("autoscaling/v2", "HorizontalPodAutoscaler", "maxReplicas"),
        ("keda.sh/v1alpha1", "ScaledObject", "minReplicaCount"),
        ("keda.sh/v1alpha1", "ScaledObject", "maxReplicaCount"),
    ] {
        let (_, message, _) = told(&scaler(api, kind, field));
        assert_eq!(message, format!(".spec.{field} is not as Kubernetes reads it: it is the text \"8\""));
    }
}

#[test]
fn a_wrong_value_of_a_pod_is_told_in_plain_words() {
    let spec = ".spec.template.spec";
    let port = "write a port's number, from 1 to 65535";
    for (container, pod, at, found, right) in [
        ("ports: [{containerPort: 70000}]", "", ".containers[0].ports[0].containerPort", "70000", port),
        ("ports: [{containerPort: -1}]", "", ".containers[0].ports[0].containerPort", "-1", port),
        (
            "ports: [{containerPort: '80'}]",
            "",
            ".containers[0].ports[0].containerPort",
            "the text \"80\"",
            port,
        ),
        ("ports: [{containerPort: 80.5}]", "", ".containers[0].ports[0].containerPort", "80.5", port),
        ("ports: [{hostPort: yes}]", "", ".containers[0].ports[0].hostPort", "true", port),
        ("ports: [80]", "", ".containers[0].ports[0]", "80", "write a mapping of keys to values"),
        ("ports: {containerPort: 80}", "", ".containers[0].ports", "a mapping", "write a list"),
        (
            "readinessProbe: {httpGet: {port: 70000}}",
            "",
            ".containers[0].readinessProbe.httpGet.port",
            "70000",
            "write a port's number, from 1 to 65535, or its name",
        ),
        (
            "lifecycle: {preStop: {exec: {command: sleep 5}}}",
            "",
            ".containers[0].lifecycle.preStop.exec.command",
            "the text \"sleep 5\"",
            "write a list",
        ),
        (
            "lifecycle: {preStop: {exec: {command: [sleep, 5]}}}",
            "",
            ".containers[0].lifecycle.preStop.exec.command[1]",
            "5",
            "write a text; one that looks like a number, a date or yes and no needs quotes",
        ),
        (
            "",
            "terminationGracePeriodSeconds: \"60\"",
            ".terminationGracePeriodSeconds",
            "the text \"60\"",
            "write a whole number from 0 on, without quotes",
        ),
        (
            "",
            "hostNetwork: 'true'",
            ".hostNetwork",
            "the text \"true\"",
            "write true or false, without quotes",
        ),
    ] {
        let web = Web { container, pod, ..Web::default() }.yaml();
        let (_, message, help) = told(&web);
        assert_eq!(message, format!("{spec}{at} is not as Kubernetes reads it: it is {found}"), "{web}");
        assert_eq!(help, right, "{web}");
    }
}

#[test]
fn a_wrong_value_of_a_service_or_a_policy_is_told_in_plain_words() {
    let web = Web { container: HTTP, ..Web::default() };
    let (line, message, help) = told(&web.behind(&NUMERIC.replace("8080", "70000")));
    assert_eq!(message, ".spec.ports[0].targetPort is not as Kubernetes reads it: it is 70000");
    assert_eq!(help, "write a port's number, from 1 to 65535, or its name");
    assert_eq!(line, 20);
    let (_, message, help) = told(&web.behind(&NUMERIC.replace("port: 80, ", "name: http, ")));
    assert_eq!(message, ".spec.ports[0] is not as Kubernetes reads it: it has no port");
    assert_eq!(help, "write its port too");
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}, ingress: [{ports: [{port: 80, \
                  endPort: 99999}]}]}\n";
    let (_, message, _) = told(&web.behind(policy));
    assert_eq!(message, ".spec.ingress[0].ports[0].endPort is not as Kubernetes reads it: it is 99999");
    let long = NAMED.replace("selector: {app: web}", &format!("selector: '{}'", "ü".repeat(500)));
    let (_, message, _) = told(&web.behind(&long));
    assert_eq!(
        message,
        format!(".spec.selector is not as Kubernetes reads it: it is the text \"{}…\"", "ü".repeat(40))
    );
}

#[test]
fn no_message_speaks_in_the_words_of_the_program() {
    let web = Web { container: HTTP, ..Web::default() };
    let once = Injected::of(&web.behind(NAMED), &guarded()).text;
    for (from, to) in
        [("\"schema\":1", "\"schema\":[]"), ("\"undo\":", "\"undone\":"), ("'{\"schema\"", "'{schema\"")]
    {
        let broken = once.replacen(from, to, 9);
        assert_ne!(broken, once, "{from}");
        let Refused(reasons) = with(&broken, &guarded()).unwrap_err();
        for reason in reasons {
            for word in ["expected", "invalid type", "missing field", "struct", " at line "] {
                assert!(!reason.message.contains(word), "{from}: {reason}");
            }
        }
    }
}

#[test]
fn a_list_of_objects_without_a_kind_of_its_own_is_refused_with_what_to_write() {
    let deployment = serde_json::to_string(streams(&own("Deployment", ""))[0].documents()[0].json()).unwrap();
    let bare = deployment.replace("\"apiVersion\":\"apps/v1\",", "").replace("\"kind\":\"Deployment\",", "");
    assert!(!bare.contains("kind"));
    for (text, line) in [
        (format!("[{deployment}]"), 1),
        (format!("\n  [{deployment},{deployment}]\n"), 2),
        (format!("[{bare}]"), 1),
        (format!("a: 1\n---\n- {deployment}\n"), 3),
    ] {
        let diagnostic = refused(&text, &Options::default());
        assert_eq!(
            (line_of(&diagnostic), diagnostic.message.as_str()),
            (line, "a list of objects is no object: kubectl does not read it")
        );
        assert!(diagnostic.help.unwrap().contains("items"), "{text}");
    }
    for text in [
        "[]",
        "- op: add\n  path: /a\n",
        "[1, 2]\n",
        "[{\"op\": \"remove\"}]",
        "- kind: task\n  metadata: {}\n",
    ] {
        assert_eq!(Injected::of(text, &Options::default()).text, text);
    }
}
