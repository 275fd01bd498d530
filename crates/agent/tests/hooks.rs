//! Hooks: several of them, the containers' own, and those that nobody may call.

use crate::support::{self as wait, Application, Pod, request};
use segue_core::path::Bounds;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

fn bound(pod: &Pod) -> jiff::Timestamp {
    pod.status()["until"].as_str().unwrap().parse().unwrap()
}

#[test]
fn all_hooks_of_a_pod_return_together_and_one_that_comes_later_joins_the_drain() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    // Long enough for a busy machine to start the second hook in it.
    pod.plan.drain.paths[0].stages[0].leave = Bounds::at_most(Duration::from_secs(8));
    pod.plan.drain.deadline = Duration::from_secs(30);
    pod.start();
    let mut first = pod.hook(&[]);
    pod.until_state("draining");
    let until = bound(&pod);
    wait::until("a drain that begins now would end visibly later", || {
        until.as_millisecond() - jiff::Timestamp::now().as_millisecond() < 7_700
    });
    let mut second = pod.hook(&[]);
    wait::until("both wait", || pod.status()["hooks"] == 2);
    let later = bound(&pod).as_millisecond() - until.as_millisecond();
    assert!(later.abs() < 100, "the drain is not begun again: its end moved by {later} ms");
    assert_eq!(first.returns().0, 0);
    assert_eq!(second.returns().0, 0);
    assert_eq!(pod.ask("GET /metrics").1.matches("segue_drains_total{reason=\"drained\"} 1").count(), 1);
}

#[test]
fn a_drain_counts_from_when_its_hook_began_and_not_from_when_the_agent_hears_of_it() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    // It holds the drain until it was looked at.
    let held = request(pod.guard_port());
    wait::until("the request is in flight", || pod.status()["in_flight"] == 1);
    let agent = rustix::process::Pid::from_child(pod.agent());
    rustix::process::kill_process(agent, rustix::process::Signal::STOP).unwrap();
    let mut hook = pod.hook(&[]);
    wait::until("the hook has asked", || hook.has_connected());
    let asked = wait::since_boot();
    wait::until("it has been waiting for a while", || wait::since_boot() > asked + 500);
    let heard = wait::since_boot();
    rustix::process::kill_process(agent, rustix::process::Signal::CONT).unwrap();
    pod.until_state("draining");
    let drain = pod.line()["drain"].clone();
    let (began, told) = (&drain["began"], &drain["left"]["service"]["told"]);
    assert!(began.as_u64().unwrap() <= asked, "{drain}, asked at {asked}");
    assert!(told.as_u64().unwrap() >= heard, "what nobody was told is not over sooner: {drain}, {heard}");
    application.give(true);
    assert_eq!(hook.returns().0, 0);
    drop(held);
}

#[test]
fn a_beginning_that_cannot_be_is_not_believed() {
    let application = Application::listen(0);
    for began in [0, u64::MAX] {
        let mut pod = Pod::new(application.port, true);
        pod.start();
        let before = wait::since_boot();
        let drain = pod.line_of(&format!("{{\"began\":{began}}}"))["drain"].clone();
        assert!((before..=wait::since_boot()).contains(&drain["began"].as_u64().unwrap()), "{drain}");
    }
}

#[test]
fn a_containers_own_command_runs_after_the_drain_and_its_exit_code_is_the_hooks() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let mark = pod.folder.path().join("mark");
    let mark = mark.to_str().unwrap();
    let mut hook = pod.hook(&["--", "sh", "-c", &format!("touch {mark}; echo said; exit 3")]);
    pod.until_state("draining");
    assert!(!std::path::Path::new(mark).exists(), "not before the drain is over");
    let (code, said) = hook.returns();
    assert_eq!((code, said.as_str()), (3, "said\n"));
    assert!(std::path::Path::new(mark).exists());
}

#[test]
fn a_containers_own_get_is_sent_after_the_drain_whatever_its_status() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let url = format!("http://127.0.0.1:{}/prepare", application.port);
    assert_eq!(pod.hook(&["--http-get", &url, "--header", "X-A: b"]).returns().0, 0);
    let nobody = format!("http://127.0.0.1:{}/prepare", crate::support::free_port());
    assert_eq!(pod.hook(&["--http-get", &nobody]).returns().0, 1);
}

#[test]
fn the_agent_ends_its_answer_once_the_hook_may_go() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    // It reads to the end of the answer, which a hook does not wait for.
    let said = pod.lines_to_the_end();
    assert_eq!(said.last().map(|line| &line["released"]), Some(&true.into()), "{said:?}");
}

#[test]
fn a_drain_needs_the_pods_token() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    assert_eq!(pod.ask("POST /segue/drain").0, 401);
    assert_eq!(pod.ask("GET /segue/drain").0, 405);
    assert_eq!(pod.state(), "serving");
}

#[test]
fn a_drain_is_not_to_be_asked_for_from_outside_the_pod_even_with_the_token() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let hook: serde_json::Value =
        serde_json::from_slice(&std::fs::read(pod.folder.path().join("hook.json")).unwrap()).unwrap();
    // Any address of this machine that is not loopback; without one there is no outside.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    if socket.connect(("192.0.2.1", 9)).is_err() {
        return;
    }
    let address = socket.local_addr().unwrap().ip();
    let mut stream = std::net::TcpStream::connect((address, pod.plan.control_port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let token = hook["token"].as_str().unwrap();
    let head = format!("POST /segue/drain HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n");
    std::io::Write::write_all(&mut stream, format!("{head}Content-Length: 0\r\n\r\n").as_bytes()).unwrap();
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut stream, &mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 403");
    assert_eq!(pod.state(), "serving");
}

#[test]
fn a_hook_that_finds_no_plan_waits_and_does_not_fail() {
    let pod = Pod::new(8080, false);
    std::fs::copy(env!("CARGO_BIN_EXE_segue-agent"), pod.folder.path().join("segue-agent")).unwrap();
    let mut hook = pod.hook(&[]);
    assert!(hook.waits());
    assert_eq!(hook.returns().0, 0);
}
