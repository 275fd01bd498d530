//! How the agent starts, and what it says when it can't.

use crate::support::{Application, Pod, free_port};
use std::net::TcpListener;

#[test]
fn it_is_ready_when_its_ports_are_bound_and_the_hook_is_in_place() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    assert_eq!(pod.ask("GET /ready").0, 200);
    assert_eq!(pod.ask("GET /segue/lb-health").0, 200);
    assert_eq!(pod.status()["state"], "serving");
    assert!(pod.folder.path().join("segue-agent").is_file());
    let metrics = pod.ask("GET /metrics").1;
    assert!(metrics.contains("segue_state{state=\"serving\"} 1"), "{metrics}");
    assert!(metrics.contains("segue_in_flight{known=\"counted\"} 0"), "{metrics}");
    assert_eq!(pod.ask("GET /else").0, 404);
    for path in ["/ready", "/status", "/metrics", "/segue/lb-health"] {
        assert_eq!((pod.ask(&format!("HEAD {path}")).0, pod.ask(&format!("POST {path}")).0), (200, 405));
    }
}

#[test]
fn its_limit_of_open_files_is_raised_to_what_the_plan_needs() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start_with_descriptors("-Sn 64");
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", pod.agent().id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: u64 = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    assert!(soft >= 2 * u64::from(pod.plan.max_connections), "{line}");
}

#[test]
fn a_damaged_token_is_replaced_by_a_new_one() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    std::fs::write(pod.folder.path().join("token"), "short").unwrap();
    pod.start();
    let hook = std::fs::read(pod.folder.path().join("hook.json")).unwrap();
    let hook: serde_json::Value = serde_json::from_slice(&hook).unwrap();
    assert_eq!(hook["token"].as_str().map(str::len), Some(32));
    assert_eq!(pod.hook(&[]).returns().0, 0);
}

#[test]
fn a_taken_port_of_the_guard_is_waited_for_and_named() {
    let pod = Pod::new(free_port(), true);
    let holder = TcpListener::bind(("0.0.0.0", pod.guard_port())).unwrap();
    let mut agent = pod.command("run").spawn().unwrap();
    crate::support::until("the agent says what it waits for", || {
        std::net::TcpStream::connect(("127.0.0.1", pod.plan.control_port)).is_ok()
            && pod.ask("GET /ready").1.contains(&pod.guard_port().to_string())
    });
    assert_eq!(pod.ask("GET /ready").0, 503);
    drop(holder);
    assert!(pod.command("ready").status().unwrap().success(), "it starts once the port is free");
    agent.kill().unwrap();
    agent.wait().unwrap();
}

#[test]
fn a_plan_that_no_agent_could_hold_to_ends_it_with_the_reason() {
    let mut pod = Pod::new(8080, false);
    pod.plan.control_port = 8080;
    let output = pod.command("run").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("port 8080 twice"), "{said}");
    let output = pod.command("run").env_remove("SEGUE_PLAN").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

/// What an agent and its startup probe say of a plan.
fn refused(pod: &Pod, plan: &str) -> [String; 2] {
    ["run", "ready"].map(|word| {
        let output = pod.command(word).env("SEGUE_PLAN", plan).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    })
}

#[test]
fn a_plan_of_a_later_schema_is_refused_with_what_to_do_and_nothing_is_put_in_place() {
    let pod = Pod::new(8080, true);
    let plan = serde_json::to_string(&pod.plan).unwrap();
    let later = plan.replacen("\"schema\":1", "\"schema\":4,\"more\":true", 1);
    assert_ne!(later, plan);
    for said in refused(&pod, &later) {
        assert!(
            said.contains("schema 4") && said.contains("use the agent image of the segue that"),
            "{said}"
        );
    }
    assert_eq!(std::fs::read_dir(pod.folder.path()).unwrap().count(), 0, "no hook of it, no token");
}

#[test]
fn a_damaged_plan_is_refused_with_the_reason() {
    let pod = Pod::new(8080, true);
    let plan = serde_json::to_string(&pod.plan).unwrap();
    for damaged in [plan[..40].to_owned(), plan.replacen("\"ports\"", "\"port\"", 1)] {
        for said in refused(&pod, &damaged) {
            assert!(said.contains("the plan can't be read") && said.contains("inject anew"), "{said}");
        }
    }
}

#[test]
fn a_plan_of_the_first_schema_is_held_to() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    let [control, guard] = [free_port(), free_port()];
    pod.plan.control_port = control;
    let of_schema_1 = format!(
        r#"{{
            "schema": 1,
            "drain": {{
                "paths": [{{"name": "old", "stages": [{{
                    "name": "kube-proxy", "join": {{"min": 0, "max": 500}}, "leave": {{"min": 0, "max": 500}},
                    "source": "a default", "setting": "--bound kube-proxy"
                }}]}}],
                "quiet": 200, "longest_request": 30000, "linger": 500, "deadline": 60000, "stop_grace": 10000
            }},
            "ports": [{{"name": "http", "application": {}, "guard": {guard}, "protocol": "auto"}}],
            "control_port": {control}, "idle_after": 5000, "websocket_grace": 15000, "max_connections": 20,
            "discount": {{"paths": ["/healthz"], "user_agents": ["kube-probe/"]}}
        }}"#,
        application.port
    );
    pod.start_with(&of_schema_1);
    assert_eq!(pod.hook(&[]).returns().0, 0);
    assert_eq!(pod.status()["outcome"]["stages"][0]["path"], "old");
}

#[test]
fn a_hook_beside_a_plan_that_it_cannot_read_waits_and_does_not_fail() {
    let mut pod = Pod::new(8080, false);
    pod.start();
    let config = pod.folder.path().join("hook.json");
    let text = std::fs::read_to_string(&config).unwrap();
    let later = text.replacen("\"schema\":1", "\"schema\":4,\"more\":true", 1);
    std::fs::write(&config, later).unwrap();
    let (code, said) = pod.hook(&[]).returns();
    assert_eq!(code, 0);
    assert!(said.contains("schema 4") && said.contains("waits 17s"), "{said}");
}

#[test]
fn wrong_words_are_told_with_the_right_ones() {
    let output = Pod::new(8080, false).command("walk").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("run, hook, ready and redirect"));
}
