//! An agent that dies: in a drain a hook goes on in its place, otherwise the next agent does.

use crate::support::{Application, Hook, Pod, request, until};
use segue_core::path::{Bounds, Millis, Stage};
use serde_json::{Value, json};
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn a_hook_takes_its_dead_agents_ports_and_finishes_the_drain() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    // What the agent carried is lost, so the path alone holds the drain until it was looked at.
    pod.plan.drain.deadline *= 3;
    let leave = &mut pod.plan.drain.paths[0].stages[0].leave;
    leave.max = leave.max.map(|max| Millis(max.0 * 5));
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

/// Where a drain stands of whose path one of two stages is over.
fn on_the_way(pod: &Pod) -> Value {
    let line = pod.line();
    assert_eq!(line["report"]["why"], "stage kube-proxy of path service", "{line}");
    assert_eq!(line["drain"]["left"]["service"]["by"], json!(["bound"]), "{line}");
    line["drain"].clone()
}

#[test]
fn a_path_that_was_withdrawn_before_the_agent_died_is_left_when_it_would_have_been() {
    for by_a_hook in [true, false] {
        let application = Application::listen(0);
        let mut pod = Pod::new(application.port, true);
        let stages = &mut pod.plan.drain.paths[0].stages;
        stages.insert(0, Stage { name: "first".to_owned(), ..stages[0].clone() });
        stages[0].leave = Bounds::at_most(Duration::from_millis(300));
        // Longer than a busy machine takes for all that follows; in the end it is the application that ends the drain.
        stages[1].leave = Bounds::at_most(Duration::from_mins(2));
        pod.plan.drain.deadline = Duration::from_mins(3);
        pod.start();
        let mut hooks = [pod.hook(&[]), pod.hook(&[])];
        until("both hooks wait", || pod.status()["hooks"] == 2);
        until("the first stage is over", || pod.status()["stages"][0]["stage"] == "first");
        // Each hook hears of it with the next line, at the latest when the agent would be thought to hang.
        until("both hooks heard of it", || pod.line()["drain"]["left"]["service"]["ends"].is_array());
        let first = on_the_way(&pod);
        if by_a_hook {
            pod.kill();
            until("a hook answers in its place", || {
                TcpStream::connect(("127.0.0.1", pod.plan.control_port)).is_ok()
            });
        } else {
            // What a hook of another container does, or one that is asked again: it knows the drain, too. It stands still
            // before the agent dies, or it would have taken the ports itself.
            for hook in &mut hooks {
                hook.stop();
            }
            pod.kill();
            pod.start();
            for hook in &mut hooks {
                hook.go_on();
            }
            until("the hooks ask the next agent", || pod.status()["hooks"] == 2);
        }
        let second = on_the_way(&pod);
        assert_eq!(second["began"], first["began"], "taken over by a hook: {by_a_hook}");
        assert_eq!(second["left"], first["left"], "taken over by a hook: {by_a_hook}");
        application.end();
        assert!(hooks.iter_mut().all(|hook| hook.returns().0 == 0));
    }
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
    let ending = pod.said().into_iter().find(|line| line["event"] == "ending");
    assert_eq!(ending, None, "nothing is in flight that it would wait for");
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
