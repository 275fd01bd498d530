//! The sample program: its answers, and how it ends. Tests elsewhere lean on both.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process};

/// One running sample; ended by its pid when dropped.
struct Sample {
    child: Child,
    address: String,
}

impl Sample {
    fn start(flags: &[&str]) -> Self {
        let mut child = command(flags).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit(' ').next().unwrap().to_owned();
        Self { child, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// The whole answer to a request on a connection of its own; empty if there was none.
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = self.connect();
        send(&mut stream, method, path, body);
        rest(&mut stream)
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        // It has ended already where the test waited for it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin!("segue"));
    command.args(["sample", "--port", "0"]).args(flags).stdin(Stdio::null());
    command
}

fn send(stream: &mut TcpStream, method: &str, path: &str, body: &str) {
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: sample\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset ends the answer as well.
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8(bytes).unwrap()
}

#[test]
fn it_answers_with_its_version_and_sends_bodies_back() {
    let sample = Sample::start(&["--version", "v7"]);
    let greeting = sample.ask("GET", "/", "");
    assert!(greeting.starts_with("HTTP/1.1 200 "), "{greeting}");
    assert!(greeting.contains("segue-version: v7\r\n"), "{greeting}");
    assert!(sample.ask("POST", "/", "a body").ends_with("\r\n\r\na body"));
    assert!(sample.ask("POST", "/sleep?ms=1", "a body").ends_with("\r\n\r\na body"));
    assert!(sample.ask("GET", "/bytes?n=3", "").ends_with("\r\n\r\n..."));
    assert!(sample.ask("GET", "/nothing", "").starts_with("HTTP/1.1 404 "));
    let stream = sample.ask("GET", "/stream?ms=20&every=10", "");
    assert_eq!(stream.matches("sample program, version v7").count(), 3, "{stream}");
    assert!(stream.ends_with("\r\n0\r\n\r\n"), "{stream}");
}

#[test]
fn it_speaks_http_2_without_tls() {
    let sample = Sample::start(&[]);
    let mut stream = sample.connect();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    let mut header = [0; 9];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[3], 4, "a server's first frame is SETTINGS");
}

#[test]
fn its_health_fails_after_sigusr1_or_when_it_was_told_so() {
    let sample = Sample::start(&[]);
    assert!(sample.ask("GET", "/health", "").starts_with("HTTP/1.1 200 "));
    sample.signal(Signal::USR1);
    // The signal is handled by the program's own loop, at some later turn of it.
    let failed = (0..1000).any(|_| sample.ask("GET", "/health", "").starts_with("HTTP/1.1 503 "));
    assert!(failed, "still healthy after SIGUSR1");
    assert!(sample.ask("GET", "/", "").starts_with("HTTP/1.1 200 "), "only its health fails");

    let never = Sample::start(&["--fail-ready"]);
    assert!(never.ask("GET", "/health", "").starts_with("HTTP/1.1 500 "));
}

#[test]
fn a_rude_one_dies_of_sigterm_with_a_request_in_flight() {
    let sample = Sample::start(&["--rude"]);
    let mut stream = sample.connect();
    send(&mut stream, "GET", "/sleep?ms=60000", "");
    assert!(sample.ask("GET", "/", "").starts_with("HTTP/1.1 200 "));
    sample.signal(Signal::TERM);
    assert_eq!(sample.wait().signal(), Some(15));
    assert_eq!(rest(&mut stream), "");
}

#[test]
fn a_polite_one_finishes_what_it_has_taken_and_exits_0() {
    let sample = Sample::start(&["--polite"]);
    let mut stream = sample.connect();
    send(&mut stream, "GET", "/stream?ms=400&every=100", "");
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    sample.signal(Signal::TERM);
    assert_eq!(sample.wait().code(), Some(0));
    assert!(rest(&mut stream).ends_with("\r\n0\r\n\r\n"), "cut");
}

#[test]
fn a_polite_one_closes_its_websockets_with_1001() {
    let sample = Sample::start(&["--polite"]);
    let mut stream = sample.connect();
    let handshake = "GET /ws HTTP/1.1\r\nhost: sample\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(handshake.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let head: Vec<String> =
        reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
    assert!(head[0].starts_with("HTTP/1.1 101 "), "{head:?}");
    assert!(head.contains(&"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned()), "{head:?}");

    // A text frame "hi", masked by zeros, comes back unmasked.
    stream.write_all(b"\x81\x82\0\0\0\0hi").unwrap();
    let mut echo = [0; 4];
    reader.read_exact(&mut echo).unwrap();
    assert_eq!(&echo, b"\x81\x02hi");

    sample.signal(Signal::TERM);
    let mut close = [0; 4];
    reader.read_exact(&mut close).unwrap();
    assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (0x88, 1001));
    stream.write_all(b"\x88\x82\0\0\0\0\x03\xe9").unwrap();
    assert_eq!(sample.wait().code(), Some(0));
}

#[test]
fn a_deaf_one_outlives_sigterm() {
    let sample = Sample::start(&["--deaf"]);
    sample.signal(Signal::TERM);
    assert!(sample.ask("GET", "/", "").starts_with("HTTP/1.1 200 "));
}

#[test]
fn it_fails_as_it_is_told() {
    assert_eq!(command(&["--exit-at-once"]).status().unwrap().code(), Some(70));
    let sample = Sample::start(&["--crash-after", "10ms"]);
    assert_eq!(sample.wait().code(), Some(70));
    let sample = Sample::start(&[]);
    assert_eq!(sample.ask("GET", "/crash", ""), "");
    assert_eq!(sample.wait().code(), Some(70));
}
