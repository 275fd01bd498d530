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

#[test]
fn wrong_words_are_told_with_the_right_ones() {
    let output = Pod::new(8080, false).command("walk").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("run, hook and ready"));
}
