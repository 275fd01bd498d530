//! A drain of a pod, with and without the guard.

use crate::support::{Application, GET, Pod, request, until};
use std::io::{Read, Write};
use std::net::TcpStream;

fn answer(stream: &mut TcpStream) -> String {
    let mut answer = String::new();
    while !answer.ends_with("ok") {
        let mut bytes = [0; 1024];
        let count = stream.read(&mut bytes).unwrap();
        assert!(count > 0, "it ended after {answer:?}");
        answer += std::str::from_utf8(&bytes[..count]).unwrap();
    }
    answer
}

#[test]
fn a_hook_returns_when_the_path_is_left_and_the_health_check_fails_from_its_beginning() {
    let application = Application::listen(0);
    for guarded in [true, false] {
        let mut pod = Pod::new(application.port, guarded);
        pod.start();
        let mut hook = pod.hook(&[]);
        pod.until_state("draining");
        let status = pod.status();
        assert_eq!(pod.ask("GET /segue/lb-health").0, 503);
        assert_eq!(pod.ask("GET /ready").0, 200, "only a dead agent makes the pod unready");
        assert_eq!(status["why"], "stage kube-proxy of path service", "{status}");
        assert_eq!(status["setting"], "--bound kube-proxy");
        assert!(status["until"].is_string() && status["since"].is_string(), "{status}");
        let (code, said) = hook.returns();
        assert_eq!(code, 0, "{said}");
        assert_eq!(pod.status()["outcome"]["reason"], "drained");
        let metrics = pod.ask("GET /metrics").1;
        assert!(metrics.contains("segue_drains_total{reason=\"drained\"} 1"), "{metrics}");
    }
}

#[test]
fn a_request_in_flight_is_finished_and_told_to_close_before_the_hook_returns() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let mut client = request(pod.guard_port());
    until("the request is in flight", || pod.status()["in_flight"] == 1);
    let mut hook = pod.hook(&[]);
    until("it waits for the request", || {
        pod.status()["why"].as_str().is_some_and(|why| why == "1 request in flight")
    });
    assert!(hook.waits());
    application.give(true);
    let answer = answer(&mut client);
    assert!(answer.contains("Connection: close\r\n") && answer.ends_with("ok"), "{answer}");
    drop(client);
    assert_eq!(hook.returns().0, 0);
    assert_eq!(pod.status()["outcome"]["cut"], 0);
}

#[test]
fn without_the_guard_a_request_in_flight_is_seen_by_its_socket() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, false);
    pod.start();
    let mut client = request(application.port);
    let mut hook = pod.hook(&[]);
    until("it waits for the request", || {
        pod.status()["why"].as_str().is_some_and(|why| why.starts_with("about 1 request"))
    });
    assert!(hook.waits());
    application.give(true);
    assert!(answer(&mut client).ends_with("ok"));
    drop(client);
    assert_eq!(hook.returns().0, 0);
    assert_eq!(pod.status()["outcome"]["reason"], "drained");
}

#[test]
fn a_kept_connection_is_closed_after_propagation_and_not_before() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let mut client = request(pod.guard_port());
    assert!(answer(&mut client).ends_with("ok"));
    until("the connection is kept", || pod.status()["kept"] == 1);
    let mut hook = pod.hook(&[]);
    pod.until_state("draining");
    client.write_all(GET).unwrap();
    let said = answer(&mut client);
    assert!(said.contains("Connection: close"), "it is served in a drain, and told: {said}");
    let mut idle = request(pod.guard_port());
    drop(client);
    assert!(answer(&mut idle).contains("Connection: close"), "a new one too");
    drop(idle);
    assert_eq!(hook.returns().0, 0);
    assert_eq!(pod.status()["guard"]["raced"], 0);
}

#[test]
fn the_deadline_cuts_what_is_in_flight_and_counts_it() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.plan.drain.deadline = std::time::Duration::from_secs(2);
    pod.start();
    let mut client = request(pod.guard_port());
    until("the request is in flight", || pod.status()["in_flight"] == 1);
    assert_eq!(pod.hook(&[]).returns().0, 0);
    let outcome = pod.status()["outcome"].clone();
    assert_eq!((&outcome["reason"], &outcome["cut"]), (&"deadline".into(), &1.into()), "{outcome}");
    assert!(client.read(&mut [0; 10]).map_or(true, |count| count == 0), "it was ended");
    application.give(true);
}

#[test]
fn probes_do_not_hold_a_drain_up() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let mut probe = TcpStream::connect(("127.0.0.1", pod.guard_port())).unwrap();
    probe.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    until("the probe arrived", || pod.status()["guard"]["discounted"] == 1);
    assert_eq!(pod.hook(&[]).returns().0, 0);
    assert_eq!(pod.status()["outcome"]["reason"], "drained");
    application.give(true);
}

#[test]
fn it_serves_on_where_the_hook_ran_before_a_restart() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    assert_eq!(pod.hook(&[]).returns().0, 0);
    assert_eq!(pod.state(), "released");
    application.end();
    until("the agent has seen it down", || pod.status()["until"].is_null());
    let again = Application::listen(application.port);
    pod.until_state("serving");
    assert_eq!(pod.ask("GET /segue/lb-health").0, 200);
    let mut client = request(pod.guard_port());
    assert!(!answer(&mut client).contains("close"), "the guard is open again");
    drop(again);
}

#[test]
fn it_serves_on_where_another_container_was_restarted() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    assert_eq!(pod.hook(&[]).returns().0, 0);
    pod.until_state("serving");
}

#[test]
fn where_no_port_is_known_the_path_is_waited_for() {
    let mut pod = Pod::new(crate::support::free_port(), false);
    pod.plan.ports.clear();
    pod.start();
    assert_eq!(pod.hook(&[]).returns().0, 0);
    assert_eq!(pod.status()["outcome"]["reason"], "drained");
}

#[test]
fn where_nothing_listens_the_hook_returns_at_once() {
    let mut pod = Pod::new(crate::support::free_port(), true);
    pod.start();
    assert_eq!(pod.hook(&[]).returns().0, 0);
    assert_eq!(pod.status()["outcome"]["reason"], "nothing-listens");
}
