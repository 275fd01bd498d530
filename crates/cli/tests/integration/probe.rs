//! `segue probe` from outside: exit codes, the JSON that scripts rely on, messages for wrong use.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

/// The sample program, ended when dropped.
pub(crate) struct Sample {
    child: Child,
    pub(crate) address: String,
}

impl Sample {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(cargo_bin!("segue"))
            .args(["sample", "--port", "0", "--version", "v7"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit(' ').next().unwrap().to_owned();
        Self { child, address }
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn probe(args: &[&str]) -> Output {
    Command::new(cargo_bin!("segue")).arg("probe").args(args).stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn the_json_has_every_key_that_scripts_rely_on() {
    let sample = Sample::start();
    let url = format!("http://{}/", sample.address);
    let output = probe(&[&url, "--rate", "100", "--duration", "1s", "-o", "json"]);
    let json = json(&output);
    assert_eq!((&json["schema"], &json["requests"], &json["ok"]), (&1.into(), &100.into(), &100.into()));
    assert_eq!((&json["dropped"], &json["drops"]), (&0.into(), &serde_json::json!({})));
    assert_eq!(json["versions"], serde_json::json!({"v7": 100}));
    let number = |key: &str| json[key].as_u64().unwrap();
    assert!(number("connections") >= 10);
    assert_eq!(number("connections") + number("reused_connections"), 100);
    for percentile in ["p50", "p90", "p99", "p999", "max"] {
        assert!(json["latency_ms"][percentile].as_f64().unwrap() > 0.0, "{percentile}");
    }
    assert!(json["lag_ms"]["p99"].as_f64().is_some());
    // On a busy machine the schedule may be late: then the run is invalid, and says so in both ways.
    assert_eq!(output.status.code(), Some(i32::from(!json["valid"].as_bool().unwrap())));
}

#[test]
fn a_drop_is_exit_1_and_told_by_kind() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let output = probe(&[&url, "--rate", "20", "--duration", "500ms", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let json = json(&output);
    assert_eq!((&json["dropped"], &json["drops"]["refused"]), (&10.into(), &10.into()));
    assert_eq!(json["losses"].as_array().unwrap().len(), 10);
    let text = probe(&[&url, "--rate", "20", "--duration", "500ms"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("refused 10"), "{text}");
}

#[test]
fn an_answer_that_is_not_the_echo_is_a_drop() {
    let sample = Sample::start();
    let args = ["--rate", "20", "--duration", "500ms", "--body-size", "1k", "--expect", "echo", "-o", "json"];
    let echoing = format!("http://{}/", sample.address);
    assert_eq!(json(&probe(&[&[echoing.as_str()], &args[..]].concat()))["ok"], 10);
    let other = format!("http://{}/bytes?n=1024", sample.address);
    let output = probe(&[&[other.as_str()], &args[..]].concat());
    assert_eq!((output.status.code(), &json(&output)["drops"]["wrong-body"]), (Some(1), &10.into()));
}

#[test]
fn http2_and_websockets_are_spoken() {
    let sample = Sample::start();
    let url = format!("http://{}/", sample.address);
    let http2 = json(&probe(&[&url, "--rate", "50", "--duration", "1s", "--http2", "-o", "json"]));
    assert_eq!((&http2["ok"], &http2["reused_connections"]), (&50.into(), &40.into()));
    let url = format!("ws://{}/ws", sample.address);
    let args = [&url, "--rate", "50", "--duration", "1s", "--websocket", "--pool", "2", "-o", "json"];
    let sockets = json(&probe(&args));
    // Fifty messages and two sockets.
    assert_eq!((&sockets["ok"], &sockets["dropped"]), (&52.into(), &0.into()));
}

#[test]
fn the_picture_and_the_records_are_written() {
    let sample = Sample::start();
    let directory = tempfile::tempdir().unwrap();
    let (plot, records) = (directory.path().join("run.svg"), directory.path().join("run.csv"));
    let url = format!("http://{}/", sample.address);
    let (plot_flag, records_flag) = (plot.to_str().unwrap(), records.to_str().unwrap());
    probe(&[&url, "--rate", "50", "--duration", "1s", "--plot", plot_flag, "--records", records_flag]);
    let svg = std::fs::read_to_string(plot).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains(">v7</text>") && svg.ends_with("</svg>\n"));
    let csv = std::fs::read_to_string(records).unwrap();
    let numbers: BTreeSet<&str> = csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!((csv.lines().count(), numbers.len()), (51, 50));
    let line = csv.lines().nth(1).unwrap();
    assert!(line.starts_with("GET,0,0.000000,0.0") && line.contains(",ok,200,v7,127.0.0.1:"), "{line}");
}

#[test]
fn wrong_use_is_exit_2_and_says_what_would_be_right() {
    let good = ["--rate", "1", "--duration", "1s"];
    for (args, wanted) in [
        (&["example.com", "--rate", "1", "--duration", "1s"][..], "no scheme"),
        (&["ftp://127.0.0.1/", "--rate", "1", "--duration", "1s"], "http, https, ws and wss"),
        (&["http://127.0.0.1:99999/", "--rate", "1", "--duration", "1s"], "1 to 65535"),
        (&["http://127.0.0.1/", "--rate", "0", "--duration", "1s"], "more than 0"),
        (&["http://127.0.0.1/", "--rate", "many", "--duration", "1s"], "more than 0"),
        (&["http://127.0.0.1/", "--rate", "1", "--duration", "10"], "300ms, 5s"),
        (&["http://127.0.0.1/", "--rate", "1", "--duration", "10 hours"], "300ms, 5s"),
        (&["http://127.0.0.1/", "--rate", "1", "--duration", "0s"], "duration is 0"),
        (&["http://127.0.0.1/", "--rate", "1"], "--duration"),
        (&["http://no-such-host.invalid/", "--rate", "1", "--duration", "1s"], "no-such-host.invalid"),
    ] {
        assert_wrong(args, wanted);
    }
    for (more, wanted) in [
        (&["--header", "no colon"][..], "name: value"),
        (&["--body-size", "1.5k"], "64k or 2M"),
        (&["--method", "GE T"], "--method"),
        (&["--connections", "some"], "kept, fresh, mixed"),
        (&["--http2", "--websocket"], "cannot be used with"),
        (&["--websocket", "--method", "POST"], "have no place there"),
        (&["--expect", "echo"], "give it a size"),
        (&["--pool", "0"], "at least 1"),
        (&["--plot", "/no/such/directory/run.svg"], "/no/such/directory/run.svg"),
    ] {
        assert_wrong(&[&["http://127.0.0.1:9/"], &good[..], more].concat(), wanted);
    }
    assert_wrong(
        &["https://127.0.0.1:9/", "--rate", "1", "--duration", "1s", "--ca", "/no/such/file.pem"],
        "/no/such/file.pem",
    );
}

#[track_caller]
pub(crate) fn assert_wrong(args: &[&str], wanted: &str) {
    let output = probe(args);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {error}");
    assert!(error.contains(wanted), "{args:?}: {error}");
    assert!(output.stdout.is_empty(), "{args:?}");
}

#[test]
fn an_interrupt_ends_the_sending_and_the_result_is_still_told() {
    let sample = Sample::start();
    let url = format!("http://{}/", sample.address);
    let child = Command::new(cargo_bin!("segue"))
        .args(["probe", &url, "--rate", "100", "--duration", "1h", "-o", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The handler is in place once the first requests have been answered; that is seen by asking the sample itself.
    wait_for_a_socket_to(&sample.address, child.id());
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let json = json(&output);
    assert!(json["requests"].as_u64().unwrap() > 0 && json["dropped"] == 0, "{json}");
}

/// Until the process has a connection to the address, by what the kernel lists for it.
fn wait_for_a_socket_to(address: &str, pid: u32) {
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let remote = format!("0100007F:{port:04X} 01");
    let list = format!("/proc/{pid}/net/tcp");
    while std::fs::read_to_string(&list).unwrap().matches(&remote).count() < 5 {
        std::thread::yield_now();
    }
}
