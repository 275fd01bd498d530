//! A command that goes into the background ends, and runs on unseen. It is told as what it is, what it left is ended, and
//! it is not started again and again.

use std::fs;
use std::time::Duration;

use segue_e2e::{Process, Sample, Service, Status, client, place, wait};

/// Forks twice, as a daemon does, listens, and serves.
const DAEMON: &str = r#"
import http.server, os, sys
open(sys.argv[1], "a").write("started\n")
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

/// Not the backoff of a crash: several of these go by.
const MANY_STARTS: Duration = Duration::from_secs(4);

const WORDS: [&str; 2] = ["went into the background", "must run in the foreground"];

fn daemon(place: &segue_e2e::Place, listen: std::net::SocketAddr, version: &str) -> std::path::PathBuf {
    let script = place.write("daemon.py", DAEMON).to_string_lossy().into_owned();
    let starts = place.folder().join("starts").to_string_lossy().into_owned();
    place.spec("daemon.yaml", listen, version, &["python3", &script, &starts], "ready: { http: / }\n")
}

fn starts(place: &segue_e2e::Place) -> usize {
    fs::read_to_string(place.folder().join("starts")).unwrap_or_default().lines().count()
}

fn daemons(place: &segue_e2e::Place) -> Vec<Process> {
    let mut living = place.processes();
    living.retain(|process| process.arguments.iter().any(|argument| argument.ends_with("daemon.py")));
    living
}

#[test]
fn at_a_first_start_one_is_started_and_ended_and_status_says_why() {
    let (place, listen) = (segue_e2e::Place::new(), place::free_address());
    let mut up = place.up(&daemon(&place, listen, "v1"));
    wait::until("it is told", wait::LONG, || {
        let said = up.process().said();
        if WORDS.iter().all(|words| said.contains(words)) { Ok(()) } else { Err(said) }
    });
    wait::until_true("it is ended", wait::LONG, || daemons(&place).is_empty());
    wait::pass(MANY_STARTS);
    assert_eq!((starts(&place), daemons(&place).len()), (1, 0));
    let shown = Status::ask(&place, "web").unwrap().0.to_string();
    assert!(WORDS.iter().all(|words| shown.contains(words)), "{shown}");

    // The same again is tried again, and another program is what it needs.
    place.run(&["deploy", "-f", &place.folder().join("daemon.yaml").to_string_lossy()]);
    wait::until_true("it is tried again", wait::LONG, || starts(&place) == 2);
    let right = Sample { version: "v2", replicas: 1, ..Sample::default() }.spec(&place, listen);
    let deployed = place.run(&["deploy", "-f", &right.to_string_lossy()]);
    deployed.assert_code(0);
    assert_eq!(client::get(listen, "/").version(), Some("v2"));
    place.until_only(1, "v2");
    up.down().assert_code(0);
    place.until_nothing_runs();
}

#[test]
fn a_deploy_of_one_goes_back_at_once_and_says_why() {
    let service = Service::start(&Sample { replicas: 2, ..Sample::default() });
    let spec = daemon(&service.place, service.listen, "v2");
    let ended = service.place.run(&["deploy", "-f", &spec.to_string_lossy(), "-o", "json"]);
    ended.assert_code(1);
    assert!(WORDS.iter().all(|words| ended.json()["why"].to_string().contains(words)), "{ended:?}");
    wait::until_true("it is ended", wait::LONG, || daemons(&service.place).is_empty());
    service.place.until_only(2, "v1");
    assert_eq!(starts(&service.place), 1);
}

#[test]
fn one_that_stays_in_its_group_is_told_too() {
    let (place, listen) = (segue_e2e::Place::new(), place::free_address());
    let spec = place.spec("app.yaml", listen, "v1", &["sh", "-c", "sleep 1000 & exit 0"], "");
    let mut up = place.up(&spec);
    wait::until("it is told", wait::LONG, || {
        let said = up.process().said();
        if WORDS.iter().all(|words| said.contains(words)) { Ok(()) } else { Err(said) }
    });
    up.down().assert_code(0);
    place.until_nothing_runs();
}

#[test]
fn one_that_ends_well_and_leaves_nothing_is_started_again() {
    let (place, listen) = (segue_e2e::Place::new(), place::free_address());
    let script = format!("echo started >>{}/starts; exit 0", place.folder().display());
    let mut up = place.up(&place.spec("app.yaml", listen, "v1", &["sh", "-c", &script], ""));
    wait::until_true("it is started again", wait::LONG, || starts(&place) >= 3);
    let said = up.process().said();
    assert!(said.contains("exited with code 0") && !said.contains("background"), "{said}");
    up.down().assert_code(0);
}
