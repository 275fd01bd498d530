//! A pod whose ports are led to the guard: the init container, and probes that ask the agent for the application.

use crate::support::{Application, Pod, free_port, until};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_segue-agent");

/// Runs `segue-agent redirect` in a network namespace of its own, after these words of the shell.
fn redirect(before: &str, arguments: &str) -> Output {
    let script = format!("{before} {PROGRAM} redirect {arguments}");
    Command::new("unshare").args(["--net", "sh", "-c", &script]).output().unwrap()
}

/// The one line of its log.
fn line(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(said.lines().count(), 1, "{said}");
    serde_json::from_str(&said).unwrap()
}

#[test]
fn it_says_in_one_line_what_is_led_where() {
    let done = redirect("", "8080:15180 9090:15181");
    assert!(done.status.success(), "{done:?}");
    let said = line(&done);
    assert_eq!((&said["event"], &said["level"]), (&json!("redirected"), &json!("info")));
    let ports = json!([{ "from": 8080, "to": 15180 }, { "from": 9090, "to": 15181 }]);
    assert_eq!(said["ports"], ports);
}

#[test]
fn where_it_is_not_allowed_it_fails_and_says_what_is_missing() {
    for without in ["setpriv --bounding-set -net_admin", "setpriv --reuid 65532 --regid 65532 --clear-groups"]
    {
        let failed = redirect(&format!("exec {without}"), "8080:15180");
        assert_eq!(failed.status.code(), Some(1), "{failed:?}");
        let said = line(&failed);
        assert_eq!((&said["event"], &said["level"]), (&json!("not-redirected"), &json!("error")));
        let error = said["error"].as_str().unwrap();
        assert!(error.contains("as root (runAsUser: 0) with the capability NET_ADMIN"), "{error}");
    }
}

#[test]
fn wrong_ports_are_refused_before_anything_is_done() {
    for (arguments, why) in [
        ("", "no ports: write them as 8080:15180"),
        ("8080", "`8080` is not two ports"),
        ("8080:15180 9090:15180", "port 15180 is there twice"),
    ] {
        let refused = redirect("", arguments);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains(why), "{said}");
    }
}

/// What a probe of `port` is answered at this address of the agent.
fn probe(pod: &Pod, address: &str, port: u16) -> (u16, String) {
    let mut stream = TcpStream::connect((address, pod.plan.control_port)).unwrap();
    let request = format!("GET /segue/tcp-probe/{port} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn a_probe_finds_an_application_that_is_not_there_yet_there_and_dead() {
    let port = free_port();
    let mut pod = Pod::new(port, true);
    pod.start();
    let (code, why) = probe(&pod, "127.0.0.1", port);
    assert_eq!(code, 503, "{why}");
    assert!(why.contains(&format!("the application takes no connection on 127.0.0.1:{port}")), "{why}");
    let application = Application::listen(port);
    assert_eq!(probe(&pod, "127.0.0.1", port), (200, "takes connections\n".to_owned()));
    application.end();
    until("the probe fails", || probe(&pod, "127.0.0.1", port).0 == 503);
}

/// As a kubelet's own probe: it goes to the address of the pod.
#[test]
fn a_probe_finds_what_listens_at_the_address_that_it_asks_alone() {
    for (listens, others) in [("127.0.0.1", ["127.0.0.2", "::1"]), ("::1", ["127.0.0.1", "127.0.0.2"])] {
        let listener = TcpListener::bind((listens, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut pod = Pod::new(port, true);
        pod.start();
        assert_eq!(probe(&pod, listens, port).0, 200, "{listens}");
        for other in others {
            assert_eq!(probe(&pod, other, port).0, 503, "{listens} {other}");
        }
    }
}

/// The kernel takes connections for it until its queue is full; then a probe gets no answer, as a kubelet's own.
#[test]
fn a_probe_waits_for_an_application_that_takes_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let local = listener.local_addr().unwrap();
    let mut pod = Pod::new(local.port(), true);
    pod.start();
    let mut queue = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&local, Duration::from_millis(300)) {
        queue.push(stream);
    }
    let mut asked = TcpStream::connect(("127.0.0.1", pod.plan.control_port)).unwrap();
    let request = format!("GET /segue/tcp-probe/{} HTTP/1.1\r\nHost: a\r\n\r\n", local.port());
    asked.write_all(request.as_bytes()).unwrap();
    asked.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    asked.read(&mut [0; 1]).expect_err("no answer");
    // It takes one: the probe's own connection comes through, or a next one's.
    drop((listener.accept().unwrap(), queue));
    std::thread::spawn(move || listener.incoming().count());
    until("the probe passes", || probe(&pod, "127.0.0.1", local.port()).0 == 200);
}

#[test]
fn a_probe_asks_for_the_applications_ports_alone() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    for port in ["15079", "0", "http", "65536", "", "%20"] {
        let (code, why) = pod.ask(&format!("GET /segue/tcp-probe/{port}"));
        assert_eq!(code, 404, "{port}: {why}");
        assert!(why.contains(&format!("its ports are {}", application.port)), "{why}");
    }
    let own = format!("/segue/tcp-probe/{}", application.port);
    assert_eq!((pod.ask(&format!("HEAD {own}")).0, pod.ask(&format!("POST {own}")).0), (200, 405));
}
