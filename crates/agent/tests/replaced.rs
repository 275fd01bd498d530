//! An agent that dies: in a drain a hook goes on in its place, otherwise the next agent does.

use crate::support::{Application, Hook, Pod, request, until};
use std::io::Read;
use std::net::TcpStream;

#[test]
fn a_hook_takes_its_dead_agents_ports_and_finishes_the_drain() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let lost = request(pod.guard_port());
    until("the request is in flight", || pod.status()["in_flight"] == 1);
    let mut hooks = [pod.hook(&[]), pod.hook(&[])];
    pod.until_state("draining");
    until("both hooks have heard of the request", || pod.status()["known"] == "counted");
    pod.kill();
    until("a hook answers in its place", || {
        TcpStream::connect(("127.0.0.1", pod.plan.control_port)).is_ok() && pod.ask("GET /ready").0 == 200
    });
    assert_eq!(pod.status()["agent_lost"], 1, "what the agent carried is counted from its last report");
    application.give(true);
    let mut client = request(pod.guard_port());
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("Connection: close") && answer.ends_with("ok"), "{answer}");
    let said = hooks.each_mut().map(Hook::returns);
    assert!(said.iter().all(|(code, _)| *code == 0), "{said:?}");
    assert!(said.iter().any(|(_, said)| said.contains("\"agent_lost\":1")), "{said:?}");
    drop(lost);
}

#[test]
fn a_drain_that_is_taken_over_goes_on_from_where_it_was() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let held = request(pod.guard_port());
    let mut hook = pod.hook(&[]);
    until("it waits for the request", || {
        pod.status()["why"].as_str().is_some_and(|why| why == "1 request in flight")
    });
    pod.kill();
    // Its path was left before: nothing is in flight any more, so the stand-in has nothing to wait for.
    let (code, said) = hook.returns();
    assert_eq!(code, 0);
    assert!(said.contains("\"resumes\":true"), "{said}");
    drop(held);
    application.give(true);
}

#[test]
fn an_agent_that_is_started_again_knows_the_hooks_that_wait() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let held = request(pod.guard_port());
    until("the request is in flight", || pod.status()["in_flight"] == 1);
    let token = std::fs::read(pod.folder.path().join("hook.json")).unwrap();
    until("it is written down", || pod.carried() == "1");
    pod.kill();
    pod.start();
    assert_eq!(pod.status()["agent_lost"], 1, "the next agent tells what died with the one before");
    assert_eq!(std::fs::read(pod.folder.path().join("hook.json")).unwrap(), token);
    assert_eq!(pod.hook(&[]).returns().0, 0);
    drop(held);
    application.give(true);
}

#[test]
fn its_own_sigterm_ends_it() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let pid = rustix::process::Pid::from_child(pod.agent());
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(pod.agent().wait().unwrap().success());
}

#[test]
fn its_own_sigterm_waits_for_what_is_in_flight() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let mut client = request(pod.guard_port());
    until("the request is in flight", || pod.status()["in_flight"] == 1);
    let pid = rustix::process::Pid::from_child(pod.agent());
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut first = [0];
    client.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    assert!(client.read(&mut first).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    client.set_read_timeout(None).unwrap();
    application.give(true);
    let mut answer = [0; 12];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert!(pod.agent().wait().unwrap().success());
}
