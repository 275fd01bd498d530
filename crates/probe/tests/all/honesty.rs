//! What other clients hide: a GET that died on a kept connection, and was silently sent again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use segue_probe::Shape;

use crate::server::{Peer, Request, load, pause, probe, serve};

const RATE: u32 = 500;
const COUNT: u32 = 2000;

/// What the server itself knows: requests that it took and let die.
#[derive(Default)]
struct Known {
    turn: AtomicU64,
    killed: AtomicU64,
    /// The numbers of the requests that came, where they carry one.
    numbers: Mutex<Vec<u64>>,
}

impl Known {
    fn note(&self, request: &Request) {
        self.numbers
            .lock()
            .unwrap()
            .extend(request.header("segue-request").map(|n| n.parse::<u64>().unwrap()));
    }
}

/// Closes kept-alive connections at moments that have nothing to do with the client's.
fn unreliable() -> (String, Arc<Known>) {
    let known = Arc::new(Known::default());
    let shared = known.clone();
    let address = serve(move |peer| one_connection(peer, &shared));
    (address, known)
}

fn one_connection(mut peer: Peer, known: &Known) {
    let killed = || known.killed.fetch_add(1, Ordering::Relaxed);
    let mut carried = 0;
    while let Some(request) = peer.request() {
        known.note(&request);
        // Mixed as SplitMix64 does it: from one request to the next nothing can be foreseen.
        let mut random = known.turn.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        random = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        random = (random ^ (random >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 33;
        // A request that is a connection's first is always answered: what dies had been kept alive.
        match random % 50 {
            0 if carried > 0 => {
                killed();
                return peer.reset();
            }
            1 if carried > 0 => {
                killed();
                return;
            }
            2 => {
                // Closed while idle, or at the very moment in which the next request comes: it is read, and dies.
                peer.answer(b"hello");
                pause(random % 4);
                peer.finish();
                while let Some(request) = peer.request() {
                    known.note(&request);
                    killed();
                }
                return;
            }
            _ => peer.answer(b"hello"),
        }
        carried += 1;
    }
}

/// Go's own client, built from its source beside this test.
fn go_client() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/go/keepalive.go");
    let binary = Path::new(env!("CARGO_TARGET_TMPDIR")).join("keepalive");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&binary)
        .arg(&source)
        .env("GOTOOLCHAIN", "local")
        .env("GO111MODULE", "off")
        .status();
    match built {
        Ok(status) if status.success() => binary,
        Ok(status) => panic!("`go build` of {} failed: {status}", source.display()),
        Err(error) => panic!(
            "Go is needed to show what its HTTP client hides (the README names it): `go` can't be run: {error}"
        ),
    }
}

#[test]
fn the_probe_reports_every_request_that_a_retrying_client_hides() {
    let (address, known) = unreliable();
    let seconds = f64::from(COUNT) / f64::from(RATE);
    let shape = Shape { numbered: true, ..Shape::new("GET", f64::from(RATE)) };
    let report = probe(load(&address, seconds, shape));
    let killed = known.killed.load(Ordering::Relaxed);
    assert_eq!(report.ledger.requests(), u64::from(COUNT));
    assert!(killed >= 20, "the server let only {killed} requests die: nothing is shown");
    assert_eq!(report.ledger.dropped(), killed, "{:?}", report.drops());
    // One attempt each: the server has seen every number once.
    let mut numbers = known.numbers.lock().unwrap().clone();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..u64::from(COUNT)).collect::<Vec<_>>());

    let client = go_client();
    let (address, known) = unreliable();
    let output = Command::new(client)
        .args([
            "-url",
            &format!("http://{address}/"),
            "-rate",
            &RATE.to_string(),
            "-count",
            &COUNT.to_string(),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let numbers: Vec<u64> = text.split_whitespace().map(|number| number.parse().unwrap()).collect();
    let [sent, failed] = numbers[..] else { panic!("the Go client said {text:?}") };
    let killed = known.killed.load(Ordering::Relaxed);
    println!("the probe told of all; Go told of {failed} of {killed} killed requests");
    assert_eq!(sent, u64::from(COUNT));
    assert!(killed >= 20, "the server let only {killed} requests die: nothing is shown");
    assert!(failed * 10 < killed, "Go's client told of {failed} of {killed}: does it retry no more?");
}
