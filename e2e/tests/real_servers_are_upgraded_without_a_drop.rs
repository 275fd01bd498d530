//! Not only our own program: servers as they are used, with their own ideas of when an idle connection ends.

use std::time::Duration;

use segue_e2e::place::free_address;
use segue_e2e::{Place, Sample, Service, Told, pressure, under_load, wait};
use segue_probe::{Connections, Expect, Shape};

const PYTHON: &str = r#"
import os, time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(0.5)
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length) or b"hello\n"
    start_response("200 OK", [("Content-Length", str(len(body))), ("segue-version", os.environ["SEGUE_VERSION"])])
    return [body]
"#;

const NODE: &str = r#"
const server = require("http").createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => setTimeout(() => {
    response.setHeader("segue-version", process.env.SEGUE_VERSION);
    response.end(chunks.length ? Buffer.concat(chunks) : "hello\n");
  }, request.url === "/slow" ? 500 : 0));
});
server.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
"#;

/// Looks for a program that a test runs.
#[track_caller]
fn needs(program: &str, package: &str) {
    let there = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    assert!(there, "{program} is missing: apt-get install {package}, or let `cargo xtask ci` do so");
}

/// Requests that come in bursts, so that connections to the instances idle for just so long between two.
fn bursts(pause: f64) -> Vec<Shape> {
    (0..6)
        .map(|number| {
            let mut shape = pressure::get(&format!("every {pause} s, {number}"), 1.0 / pause, "/");
            shape.pool = 1;
            shape
        })
        .collect()
}

fn steady() -> Vec<Shape> {
    let mut mixed = pressure::get("mixed", 50.0, "/");
    mixed.connections = Connections::Mixed;
    let mut post = pressure::get("post", 10.0, "/");
    post.method = "POST".parse().unwrap();
    post.body_size = 2000;
    post.expect = Expect::Echo;
    vec![mixed, post, pressure::get("slow", 4.0, "/slow")]
}

/// Bursts around the time at which the server closes idle connections; then a deploy under all of it.
#[track_caller]
fn upgrade(prepare: impl Fn(&Place) -> Vec<String>, pauses: &[f64]) {
    under_load(|share| {
        let place = Place::new();
        let command = prepare(&place);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let listen = free_address();
        let spec = |version: &'static str| {
            let settings = Sample { replicas: 2, ..Sample::default() }.settings();
            let more = format!("ready: {{ http: /, interval: 200ms }}\n{settings}");
            place.spec(&format!("{version}.yaml"), listen, version, &command, &more)
        };
        let (first, second) = (spec("v1"), spec("v2"));
        let service = Service::run(place, listen, &first, "v1", 2);

        let shapes: Vec<Shape> = pauses.iter().flat_map(|pause| bursts(*pause)).collect();
        // First the bursts alone: steady requests would keep the connections in use.
        let load = share.begin(service.listen, Duration::from_secs(12), shapes);
        load.out()?.assert_no_drops();

        let shapes = [bursts(0.5), steady()].concat();
        let load = share.begin(service.listen, wait::LONG, shapes);
        load.more(50);
        service.place.run(&["deploy", "-f", &second.to_string_lossy()]).assert_code(0);
        load.until_answered_by("v2");
        let report = load.end()?;
        report.assert_no_drops();
        let versions: Vec<&str> =
            report.ledger.versions().iter().map(|(version, _)| version.as_str()).collect();
        assert!(versions.contains(&"v1") && versions.contains(&"v2"), "{versions:?}");
        let (ended, place) = service.down();
        ended.assert_code(0);
        place.until_nothing_runs();
        Ok(())
    });
}

#[test]
fn gunicorn_which_closes_idle_connections_after_two_seconds() {
    needs("gunicorn", "gunicorn");
    let prepare = |place: &Place| {
        place.write("app.py", PYTHON);
        ["gunicorn", "--bind", "127.0.0.1:$PORT", "--worker-class", "gthread", "--threads", "16", "app:app"]
            .map(str::to_owned)
            .to_vec()
    };
    upgrade(prepare, &[1.4, 1.5, 1.6, 2.0, 2.1]);
}

#[test]
fn node_which_closes_idle_connections_after_five_seconds() {
    needs("node", "nodejs");
    let prepare = |place: &Place| {
        let server = place.write("server.js", NODE);
        vec!["node".to_owned(), server.to_string_lossy().into_owned()]
    };
    upgrade(prepare, &[1.5, 2.5, 5.0, 5.1]);
}
