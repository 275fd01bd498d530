//! Hooks, and what becomes of those that were there.

use serde_json::json;

use super::*;

fn hook(container: &'static str, options: &Options) -> (Value, String) {
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), options);
    (injected.pod("/containers/0/lifecycle/preStop").unwrap().clone(), injected.notes)
}

fn command(container: &'static str) -> Value {
    hook(container, &Options::default()).0["exec"]["command"].clone()
}

#[test]
fn every_ordinary_container_gets_the_hook_and_no_init_container_does() {
    let pod =
        "- {name: proxy, image: proxy}\ninitContainers:\n- {name: log, image: log, restartPolicy: Always}";
    let injected = Injected::of(&Web { pod, ..Web::default() }.yaml(), &Options::default());
    for container in ["/containers/0", "/containers/1"] {
        let command = injected.pod(&format!("{container}/lifecycle/preStop/exec/command"));
        assert_eq!(command, Some(&json!(["/segue/segue-agent", "hook"])), "{container}");
    }
    assert_eq!(
        injected.pod("/initContainers/1"),
        Some(&json!({"name": "log", "image": "log", "restartPolicy": "Always"}))
    );
}

#[test]
fn a_command_runs_after_the_drain() {
    let (hook, notes) =
        hook("lifecycle: {preStop: {exec: {command: [nginx, -s, quit]}}}", &Options::default());
    assert_eq!(
        hook,
        json!({"exec": {"command": ["/segue/segue-agent", "hook", "--", "nginx", "-s", "quit"]}})
    );
    assert!(notes.contains("out of the --stop-time (10s)"), "{notes}");
}

#[test]
fn a_request_is_made_after_the_drain_from_within_the_pod() {
    assert_eq!(
        command(
            "ports: [{name: admin, containerPort: 9000}]\nlifecycle: {preStop: {httpGet: {path: /bye?x=1, port: admin}}}"
        ),
        json!(["/segue/segue-agent", "hook", "--http-get", "http://127.0.0.1:9000/bye?x=1"])
    );
    assert_eq!(
        command(
            "lifecycle: {preStop: {httpGet: {port: 9000, host: localhost, scheme: HTTP, httpHeaders: [{name: A, value: b}]}}}"
        ),
        json!(["/segue/segue-agent", "hook", "--http-get", "http://127.0.0.1:9000/", "--header", "A: b"])
    );
    assert_eq!(
        command("lifecycle: {preStop: {httpGet: {port: 9000, host: '::1', path: x}}}"),
        json!(["/segue/segue-agent", "hook", "--http-get", "http://[::1]:9000/x"])
    );
}

#[test]
fn a_request_to_a_port_that_the_guard_takes_over_goes_to_the_application() {
    let container = "ports: [{name: http, containerPort: 8080}]\nlifecycle: {preStop: {httpGet: {path: /bye, port: http}}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NAMED), &guarded());
    assert_eq!(
        injected.pod("/containers/0/lifecycle/preStop/exec/command/3"),
        Some(&json!("http://127.0.0.1:8080/bye"))
    );
}

#[test]
fn a_sleep_is_dropped_and_that_is_said() {
    for sleep in [
        "lifecycle: {preStop: {sleep: {seconds: 15}}}",
        "lifecycle: {preStop: {exec: {command: [sleep, '15']}}}",
        "lifecycle: {preStop: {exec: {command: [/bin/sh, -c, sleep 15]}}}",
    ] {
        let (hook, notes) = hook(sleep, &Options::default());
        assert_eq!(hook, json!({"exec": {"command": ["/segue/segue-agent", "hook"]}}), "{sleep}");
        assert!(
            notes.contains("(container web, 15 s): its preStop hook that only slept is dropped"),
            "{notes}"
        );
    }
}

#[test]
fn a_script_that_does_more_than_sleep_is_kept() {
    assert_eq!(
        command("lifecycle: {preStop: {exec: {command: [sh, -c, 'sleep 5; nginx -s quit']}}}"),
        json!(["/segue/segue-agent", "hook", "--", "sh", "-c", "sleep 5; nginx -s quit"])
    );
}

#[test]
fn a_sleep_within_a_script_lengthens_the_grace_period() {
    let injected = |container| {
        let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &Options::default());
        (injected.number("/spec/template/spec/terminationGracePeriodSeconds").unwrap(), injected.notes)
    };
    let (without, notes) = injected("lifecycle: {preStop: {exec: {command: [sh, -c, nginx -s quit]}}}");
    assert!(notes.contains("out of the --stop-time"), "{notes}");
    for (script, seconds) in [
        ("lifecycle: {preStop: {exec: {command: [sh, -c, 'sleep 15 && nginx -s quit']}}}", 15),
        (
            "lifecycle: {preStop: {exec: {command: [/bin/bash, -ec, 'date; /bin/sleep 10s; kill 1; sleep 5']}}}",
            15,
        ),
        ("lifecycle: {preStop: {exec: {command: [sh, -c, 'sleepy 15; echo sleep 3']}}}", 0),
        ("lifecycle: {preStop: {exec: {command: [sh, -c, 'sleep $TIME; nginx -s quit']}}}", 0),
    ] {
        let (grace, notes) = injected(script);
        assert_eq!(grace, without + seconds, "{script}");
        assert_eq!(
            notes.contains(
                "(container web, 15 s): its own preStop hook runs after the drain and sleeps in it"
            ),
            seconds > 0,
            "{notes}"
        );
        assert_eq!(notes.contains("how long can't be read"), script.contains('$'), "{notes}");
    }
}

#[test]
fn a_sleep_that_is_kept_lengthens_the_grace_period() {
    let keep = Options { keep_sleep: true, ..Options::default() };
    let web = |container| Web { container, ..Web::default() }.yaml();
    let grace = |text: &str| {
        Injected::of(text, &keep).number("/spec/template/spec/terminationGracePeriodSeconds").unwrap()
    };
    let without = grace(&web(""));
    let (kubelets, _) = hook("lifecycle: {preStop: {sleep: {seconds: 15}}}", &keep);
    assert_eq!(kubelets, json!({"exec": {"command": ["/segue/segue-agent", "hook", "--sleep", "15s"]}}));
    assert_eq!(grace(&web("lifecycle: {preStop: {sleep: {seconds: 15}}}")), without + 15);
    let (programs, _) = hook("lifecycle: {preStop: {exec: {command: [sleep, '15']}}}", &keep);
    assert_eq!(programs, json!({"exec": {"command": ["/segue/segue-agent", "hook", "--", "sleep", "15"]}}));
    assert_eq!(grace(&web("lifecycle: {preStop: {exec: {command: [sleep, '15']}}}")), without + 15);
}

#[test]
fn what_can_not_be_kept_is_refused() {
    for (hook, reason) in [
        ("{tcpSocket: {port: 80}}", "tcpSocket"),
        ("{httpGet: {port: 8443, scheme: HTTPS}}", "HTTPS"),
        ("{httpGet: {port: nowhere}}", "nowhere"),
        ("{httpGet: {port: 80, host: example.com}}", "example.com"),
        ("{exec: {command: [/segue/segue-agent, hook]}}", "changed since"),
    ] {
        let text = Web::default().yaml() + &format!("        lifecycle: {{preStop: {hook}}}\n");
        let diagnostic = refused(&text, &Options::default());
        assert!(diagnostic.message.contains(reason), "{diagnostic}");
        assert_eq!(line_of(&diagnostic), 14, "{diagnostic}");
        assert!(diagnostic.help.is_some());
    }
}

#[test]
fn other_hooks_and_probes_stay() {
    let container =
        "lifecycle: {postStart: {exec: {command: [warm]}}}\nlivenessProbe: {exec: {command: [ok]}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.yaml(), &Options::default());
    assert_eq!(injected.pod("/containers/0/lifecycle/postStart/exec/command"), Some(&json!(["warm"])));
    assert_eq!(injected.pod("/containers/0/livenessProbe/exec/command"), Some(&json!(["ok"])));
}

#[test]
fn what_says_nothing_is_nothing() {
    assert_eq!(
        command("lifecycle: {preStop: {httpGet: {port: 9000, host: ''}}}"),
        json!(["/segue/segue-agent", "hook", "--http-get", "http://127.0.0.1:9000/"])
    );
    assert_eq!(
        command("lifecycle: {preStop: {exec: {command: []}}}"),
        json!(["/segue/segue-agent", "hook"]),
        "no command runs after the drain"
    );
}

#[test]
fn of_two_scripts_that_sleep_the_longer_counts() {
    // The hooks of two containers run side by side.
    let container =
        "ports: [{containerPort: 8080}]\nlifecycle: {preStop: {exec: {command: [sh, -c, 'sleep 20; x']}}}";
    let pod = "- {name: b, image: b, lifecycle: {preStop: {exec: {command: [sh, -c, 'sleep 5; x']}}}}";
    let injected = Injected::of(&Web { container, pod, ..Web::default() }.yaml(), &Options::default());
    assert_eq!(injected.number("/spec/template/spec/terminationGracePeriodSeconds"), Some(87));
}
