//! Every flag of `segue probe` does what its help says, as the server sees it or as the result tells.

use std::process::{Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};

use crate::probe::{assert_wrong, json, probe};
use crate::recorder::{Answers, Full, Recorder};

/// The result of ten requests with these flags, and the exit code.
fn ten(url: &str, flags: &[&str]) -> (Value, Option<i32>) {
    let output = probe(&[&[url, "--rate", "50", "--duration", "200ms", "-o", "json"], flags].concat());
    (json(&output), output.status.code())
}

#[test]
fn method_headers_and_body_are_sent_as_asked_for() {
    let server = Recorder::start(Answers::AtOnce);
    let flags = ["--method", "PUT", "--header", "x-a: b: c", "-H", "host: other", "--body-size", "2k"];
    let (result, _) = ten(&server.url(), &flags);
    assert_eq!((&result["ok"], server.seen().len()), (&10.into(), 10), "{result}");
    for seen in server.seen() {
        assert_eq!((seen.method.as_str(), seen.body), ("PUT", 2048));
        assert_eq!((seen.header("x-a"), seen.header("host")), (Some("b: c"), Some("other")));
        assert_eq!(seen.header("segue-request"), None);
    }
}

#[test]
fn without_a_method_it_is_get_and_with_a_body_post() {
    let server = Recorder::start(Answers::AtOnce);
    ten(&server.url(), &[]);
    assert!(server.seen().iter().all(|seen| (seen.method.as_str(), seen.body) == ("GET", 0)));
    let server = Recorder::start(Answers::AtOnce);
    ten(&server.url(), &["--body-size", "1"]);
    assert!(server.seen().iter().all(|seen| (seen.method.as_str(), seen.body) == ("POST", 1)));
}

#[test]
fn numbered_requests_carry_their_number() {
    let server = Recorder::start(Answers::AtOnce);
    ten(&server.url(), &["--numbered"]);
    let mut numbers: Vec<u64> =
        server.seen().iter().map(|seen| seen.header("segue-request").unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
}

#[test]
fn think_spreads_the_upload_over_its_time() {
    let server = Recorder::start(Answers::AtOnce);
    let (result, _) = ten(&server.url(), &["--think", "300ms", "--body-size", "8k"]);
    assert_eq!(result["ok"], 10, "{result}");
    // On a busy machine a server may see the head of a request when all of it is there.
    let spread = server.seen().iter().filter(|seen| seen.upload.as_millis() >= 200).count();
    assert!(spread >= 5, "{:?}", server.seen());
}

#[test]
fn connections_are_kept_fresh_or_by_turns() {
    let server = Recorder::start(Answers::AtOnce);
    let (result, _) = ten(&server.url(), &["--connections", "fresh"]);
    assert_eq!((server.connections(), &result["connections"]), (10, &10.into()), "{result}");
    let server = Recorder::start(Answers::AtOnce);
    ten(&server.url(), &["--connections", "mixed"]);
    let closing = server.seen().iter().filter(|seen| seen.header("connection") == Some("close")).count();
    assert_eq!(closing, 5);
    let server = Recorder::start(Answers::AtOnce);
    ten(&server.url(), &["--connections", "kept"]);
    assert!(server.seen().iter().all(|seen| seen.header("connection").is_none()));
}

#[test]
fn so_many_connections_are_held_at_the_least() {
    let server = Recorder::start(Answers::AtOnce);
    let flags = ["--rate", "100", "--duration", "400ms", "--pool", "30", "-o", "json"];
    let result = json(&probe(&[&[server.url().as_str()], &flags[..]].concat()));
    assert_eq!(result["ok"], 40, "{result}");
    assert!(server.connections() >= 30, "{}", server.connections());
}

#[test]
fn what_is_not_answered_in_time_is_dropped() {
    let server = Recorder::start(Answers::Never);
    let (result, code) = ten(&server.url(), &["--timeout", "300ms"]);
    assert_eq!((&result["drops"], code), (&json!({"response-timeout": 10}), Some(1)));
}

#[test]
fn a_connection_that_does_not_open_in_time_is_a_drop() {
    let full = Full::new();
    let (result, code) = ten(&format!("http://{}/", full.address), &["--connect-timeout", "200ms"]);
    assert_eq!((&result["drops"], code), (&json!({"connect-timeout": 10}), Some(1)));
}

#[test]
fn the_version_is_read_from_the_header_that_is_named() {
    let server = Recorder::start(Answers::AtOnce);
    let (result, _) = ten(&server.url(), &["--version-header", "x-build"]);
    assert_eq!(result["versions"], json!({"v9": 10}));
    let (result, _) = ten(&server.url(), &[]);
    assert_eq!(result["versions"], json!({"unknown": 10}));
}

#[test]
fn more_than_may_be_in_flight_is_not_sent_and_the_run_is_invalid() {
    let server = Recorder::start(Answers::Never);
    let (result, code) = ten(&server.url(), &["--max-in-flight", "3", "--timeout", "2s"]);
    assert_eq!((code, &result["valid"]), (Some(1), &false.into()), "{result}");
    assert!(result["unsent"]["too-many-in-flight"].as_u64() > Some(0), "{result}");
    assert!(result["invalid"].as_str().unwrap().contains("never sent"), "{result}");
}

#[test]
fn as_many_threads_send_as_asked_for() {
    let server = Recorder::start(Answers::AtOnce);
    let mut child = Command::new(cargo_bin!("segue"))
        .args(["probe", &server.url(), "--rate", "100", "--duration", "1h", "--threads", "3"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let sending = || -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).into_iter().flatten().flatten();
        let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        let mut names: Vec<_> =
            names.map(|name| name.trim().to_owned()).filter(|name| name.starts_with("probe-")).collect();
        names.sort();
        names
    };
    // Well under way: each thread has sent its share.
    while server.seen().len() < 30 {
        std::thread::yield_now();
    }
    let names = sending();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(names, ["probe-0", "probe-1", "probe-2"]);
}

#[test]
fn a_certificate_is_trusted_by_its_file_or_not_looked_at_and_a_refusal_names_its_cause() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let server = Recorder::secure(config);
    let url = format!("https://localhost:{}/", server.address.rsplit(':').next().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name).to_string_lossy().into_owned();
        std::fs::write(&path, text).unwrap();
        path
    };
    let right = file("right.pem", &made.cert.pem());
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let wrong = file("wrong.pem", &other.cert.pem());
    assert_eq!(ten(&url, &["--ca", &right]).0["ok"], 10);
    assert_eq!(ten(&url, &["--insecure"]).0["ok"], 10);

    let (result, code) = ten(&url, &["--ca", &wrong]);
    assert_eq!((&result["drops"], code), (&json!({"tls": 10}), Some(1)));
    let [cause] = &result["causes"].as_array().unwrap()[..] else { panic!("{result}") };
    assert_eq!((&cause["kind"], &cause["dropped"]), (&"tls".into(), &10.into()));
    assert!(cause["cause"].as_str().unwrap().contains("invalid peer certificate"), "{cause}");
    assert_eq!(result["losses"][0]["cause"], cause["cause"]);
    let text = probe(&[&url, "--rate", "20", "--duration", "200ms", "--ca", &wrong]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("tls 4: ") && text.contains("invalid peer certificate"), "{text}");
}

#[test]
fn what_would_have_no_effect_is_refused() {
    for (url, flags, wanted) in [
        ("http://127.0.0.1:9/", &["--ca", "/etc/hosts"][..], "--ca and --insecure are for https"),
        ("ws://127.0.0.1:9/", &["--websocket", "--insecure"], "--ca and --insecure are for https"),
        ("http://127.0.0.1:9/", &["--websocket", "--numbered"], "--numbered and --think have no place"),
        ("http://127.0.0.1:9/", &["--websocket", "--think", "1s"], "--numbered and --think have no place"),
        ("http://127.0.0.1:9/", &["--websocket", "--expect", "echo"], "--method and --expect have no place"),
        ("http://127.0.0.1:9/", &["--connections", "fresh", "--pool", "3"], "--pool has no place"),
    ] {
        assert_wrong(&[&[url, "--rate", "1", "--duration", "1s"], flags].concat(), wanted);
    }
}
