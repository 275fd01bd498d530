//! What docs/agent.md says of metrics, reasons and the log is seen to happen. That it names all there is and nothing else
//! is held beside the code, in `src/documented.rs`.

use crate::support::{Application, GET, Pod, free_port, lines, pause, request, serves, until};
use segue_core::path::Millis;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// Until the other side is closed.
fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

/// A request that may be reset before it was said.
fn try_request(pod: &Pod) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", pod.guard_port())).unwrap();
    let _ = stream.write_all(GET);
    stream
}

fn guard(counter: &str) -> String {
    format!("segue_guard_{counter}_total")
}

#[test]
fn gauges_show_what_is_there() {
    let application = Application::listen(0);
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    pod.until_metric("segue_state{state=\"serving\"}", 1.0);
    pod.until_metric("segue_in_flight{known=\"counted\"}", 0.0);
    let router = |shows| format!("segue_router_shows{{path=\"service\",router=\"none\",shows=\"{shows}\"}}");
    pod.until_metric(&router("admitted"), 1.0);
    pod.until_metric("segue_router_calls_total{path=\"service\",result=\"failed\"}", 0.0);
    let through = request(pod.guard_port());
    pod.until_metric("segue_in_flight{known=\"counted\"}", 1.0);
    pod.until_metric("segue_connections", 1.0);
    pod.until_metric("segue_kept_connections", 0.0);
    application.give(true);
    pod.until_metric("segue_kept_connections", 1.0);
    let mut hook = pod.hook(&[]);
    pod.until_metric("segue_state{state=\"draining\"}", 1.0);
    pod.until_metric("segue_state{state=\"serving\"}", 0.0);
    pod.until_metric(&router("withdrawn"), 1.0);
    pod.until_metric(&router("admitted"), 0.0);
    drop(through);
    assert_eq!(hook.returns().0, 0);
    pod.until_metric("segue_state{state=\"released\"}", 1.0);

    let mut pod = Pod::new(application.port, false);
    pod.start();
    pod.until_metric("segue_in_flight{known=\"estimated\"}", 0.0);
    let past = request(application.port);
    pod.until_metric("segue_not_covered_connections", 1.0);
    drop(past);
    pod.until_metric("segue_not_covered_connections", 0.0);
}

/// A drain of a pod that ends for this reason; what it cut.
fn drained(pod: &Pod, reason: &str, cut: f64) {
    assert_eq!(pod.status()["outcome"]["reason"], reason);
    pod.until_metric(&format!("segue_drains_total{{reason=\"{reason}\"}}"), 1.0);
    pod.until_metric("segue_drain_seconds_count", 1.0);
    pod.until_metric("segue_drain_cut_total", cut);
    let took = pod.status()["outcome"]["took"].as_f64().unwrap() / 1_000.0;
    let sum = pod.metric("segue_drain_seconds_sum").unwrap();
    assert!((sum - took).abs() < 0.001, "{sum} {took}");
}

#[test]
fn each_reason_is_that_of_a_drain_that_ended_so() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    assert_eq!(pod.hook(&[]).returns().0, 0);
    drained(&pod, "drained", 0.0);

    let mut pod = Pod::new(free_port(), true);
    pod.start();
    assert_eq!(pod.hook(&[]).returns().0, 0);
    drained(&pod, "nothing-listens", 0.0);

    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.plan.drain.deadline = Duration::from_secs(2);
    pod.start();
    let held = request(pod.guard_port());
    until("it is in flight", || pod.status()["in_flight"] == 1);
    assert_eq!(pod.hook(&[]).returns().0, 0);
    drained(&pod, "deadline", 1.0);
    pod.until_metric(&guard("cut"), 1.0);
    drop(held);

    let endless = serves(|mut stream| {
        while stream.write_all(b"more").is_ok() {
            pause();
        }
    });
    let mut pod = Pod::new(endless, false);
    pod.start();
    let held = request(endless);
    assert_eq!(pod.hook(&[]).returns().0, 0);
    drained(&pod, "longest-request", 1.0);

    let mut pod = Pod::new(application.port, true);
    pod.start();
    let through = request(pod.guard_port());
    until("it is in flight", || pod.status()["in_flight"] == 1);
    let mut hook = pod.hook(&[]);
    until("the request is waited for", || pod.status()["why"] == "1 request in flight");
    application.end();
    assert_eq!(hook.returns().0, 0);
    drained(&pod, "application-ended", 1.0);
    drop((held, through));
}

#[test]
fn the_guards_counters_count_what_they_are_named_for() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    // What crosses the close has so long to arrive.
    pod.plan.drain.linger = Some(Millis(Duration::from_secs(20)));
    pod.plan.drain.deadline = Duration::from_mins(1);
    pod.start();
    let kept = request(pod.guard_port());
    pod.until_metric(&guard("requests"), 1.0);
    pod.until_metric(&guard("connections"), 1.0);
    let mut probe = TcpStream::connect(("127.0.0.1", pod.guard_port())).unwrap();
    probe.write_all(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    pod.until_metric(&guard("discounted"), 1.0);
    drop(probe);
    let mut hook = pod.hook(&[]);
    pod.until_state("draining");
    let told = request(pod.guard_port());
    assert!(String::from_utf8(read_to_end(&told)).unwrap().contains("Connection: close"));
    pod.until_metric(&guard("announced"), 1.0);
    drop(told);
    // Half-closed: what is written now came too late.
    let mut racing = &kept;
    read_to_end(racing);
    racing.write_all(GET).unwrap();
    pod.until_metric(&guard("closed_idle"), 1.0);
    pod.until_metric(&guard("raced"), 1.0);
    drop(kept);
    assert_eq!(hook.returns().0, 0);
    application.end();
    until("nobody listens", || {
        drop(try_request(&pod));
        pod.metric(&guard("upstream_refused")) >= Some(1.0)
    });

    let hangs_up = serves(|mut stream| _ = stream.read(&mut [0; 1024]));
    let mut pod = Pod::new(hangs_up, true);
    pod.start();
    read_to_end(&request(pod.guard_port()));
    pod.until_metric(&guard("broken_off"), 1.0);

    // Of each connection one request is answered, then the application closes it.
    let closes = serves(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
    let mut pod = Pod::new(closes, true);
    pod.start();
    let mut kept = request(pod.guard_port());
    for _ in 0..2 {
        pod.until_metric("segue_kept_connections", 1.0);
        let mut answer = [0; 256];
        assert!(kept.read(&mut answer).unwrap() > 0);
        let _ = kept.write_all(GET);
    }
    until("it is kept on a new one", || pod.metric(&guard("reconnected")) >= Some(1.0));
    // What these count can't be brought about from outside at will: the guard's own tests see it.
    for counter in ["panics", "resent", "unfinished"] {
        assert!(pod.metric(&guard(counter)).is_some(), "{counter}");
    }
}

#[test]
fn the_guards_limits_are_counted() {
    let application = Application::listen(0);
    let mut pod = Pod::new(application.port, true);
    pod.plan.max_connections = 1;
    pod.start();
    let idle = request(pod.guard_port());
    pod.until_metric("segue_kept_connections", 1.0);
    application.give(false);
    let held = request(pod.guard_port());
    pod.until_metric(&guard("over_limit_closed"), 1.0);
    until("it is in flight", || pod.status()["in_flight"] == 1);
    let refused = try_request(&pod);
    pod.until_metric(&guard("over_limit_refused"), 1.0);
    drop((idle, held, refused));

    let mut pod = Pod::new(application.port, true);
    pod.start_with_descriptors("-n 40");
    let many: Vec<_> =
        (0..60).map(|_| TcpStream::connect(("127.0.0.1", pod.guard_port())).unwrap()).collect();
    // Until the others are gone nobody can ask.
    until("none could be accepted", || {
        let folder = format!("/proc/{}/fd", pod.agent().id());
        std::fs::read_dir(folder).is_ok_and(|files| files.count() >= 39)
    });
    drop(many);
    until("it was counted", || pod.metric(&guard("accept_failed")) >= Some(1.0));
}

#[test]
fn clients_of_http_2_and_of_websockets_are_told_and_counted() {
    let http2 = serves(|mut stream| {
        // An empty SETTINGS frame, then nothing.
        let _ = stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
        read_to_end(&stream);
    });
    let mut pod = Pod::new(http2, true);
    pod.start();
    let mut client = TcpStream::connect(("127.0.0.1", pod.guard_port())).unwrap();
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    pod.until_metric(&guard("connections"), 1.0);
    let mut hook = pod.hook(&[]);
    pod.until_metric(&guard("goaways"), 1.0);
    drop(client);
    assert_eq!(hook.returns().0, 0);

    let websocket = serves(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        );
        read_to_end(&stream);
    });
    let mut pod = Pod::new(websocket, true);
    pod.start();
    let mut client = TcpStream::connect(("127.0.0.1", pod.guard_port())).unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        .unwrap();
    until("it is open", || pod.status()["in_flight"] == 1);
    let mut hook = pod.hook(&[]);
    pod.until_metric(&guard("websockets_told"), 1.0);
    drop(client);
    assert_eq!(hook.returns().0, 0);
}

/// The keys that the page names for each event.
fn events() -> BTreeMap<String, BTreeSet<String>> {
    let page = include_str!("../../../docs/agent.md");
    let start = page.find("\n| event |").unwrap();
    let rows = page[start + 1..].lines().take_while(|line| line.starts_with('|')).skip(2);
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut events = BTreeMap::new();
    for row in rows {
        let cells: Vec<_> = row.split(" | ").collect();
        for event in quoted(cells[0]) {
            events.insert(event, quoted(cells[1]).into_iter().collect());
        }
    }
    events
}

#[test]
fn each_event_of_the_log_comes_when_the_page_says_and_with_what_it_says() {
    let mut said: Vec<Value> = Vec::new();
    let application = Application::listen(0);

    // A pod that is restarted, and then ends with a request in flight.
    let mut pod = Pod::new(application.port, true);
    pod.start();
    said.extend(lines(&pod.hook(&["--http-get", "http://127.0.0.1:1/"]).returns().1));
    pod.until_state("serving");
    application.give(false);
    let held = request(pod.guard_port());
    until("it is in flight", || pod.status()["in_flight"] == 1);
    until("it is written down", || pod.carried() == "1");
    pod.kill();
    pod.start();
    let through = request(pod.guard_port());
    until("it is in flight", || pod.status()["in_flight"] == 1);
    let pid = rustix::process::Pid::from_child(pod.agent());
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    until("it says so", || pod.said().iter().any(|line| line["event"] == "ending"));
    pod.until_state("ending");
    pod.until_metric("segue_state{state=\"ending\"}", 1.0);
    application.give(true);
    drop((held, through));
    assert!(pod.agent().wait().unwrap().success());
    assert_eq!(pod.carried(), "0", "it answered all");
    said.extend(pod.said());

    // One whose deadline comes, whose agent dies, and whose agent hangs.
    application.give(false);
    let mut pod = Pod::new(application.port, true);
    pod.plan.drain.deadline = Duration::from_secs(3);
    pod.start();
    let held = request(pod.guard_port());
    until("it is in flight", || pod.status()["in_flight"] == 1);
    let _ = pod.hook(&["--", "/no/such/program"]).returns();
    said.extend(pod.said());
    drop(held);
    let mut pod = Pod::new(application.port, true);
    pod.start();
    let mut hook = pod.hook(&["--", "/no/such/program"]);
    pod.until_state("draining");
    pod.kill();
    said.extend(lines(&hook.returns().1));
    let mut pod = Pod::new(application.port, true);
    pod.plan.drain.deadline = Duration::from_secs(1);
    pod.start();
    let pid = rustix::process::Pid::from_child(pod.agent());
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    said.extend(lines(&pod.hook(&[]).returns().1));

    // Those that can't start.
    let pod = Pod::new(application.port, true);
    let taken = TcpListener::bind(("0.0.0.0", pod.guard_port())).unwrap();
    let mut waiting = pod.command("run").spawn().unwrap();
    until("it waits", || {
        TcpStream::connect(("127.0.0.1", pod.plan.control_port)).is_ok()
            && pod.ask("GET /ready").1.contains(&pod.guard_port().to_string())
    });
    waiting.kill().unwrap();
    let ends =
        |mut command: std::process::Command| String::from_utf8(command.output().unwrap().stderr).unwrap();
    said.extend(lines(&String::from_utf8(waiting.wait_with_output().unwrap().stderr).unwrap()));
    drop(taken);
    let without = |name: &str, value: &str| {
        let mut command = pod.command("run");
        command.env(name, value);
        command
    };
    said.extend(lines(&ends(without("SEGUE_PLAN", ""))));
    said.extend(lines(&ends(without("SEGUE_SHARED", "/no/such/folder"))));
    let mut starved = std::process::Command::new("bash");
    // What the test itself inherited would leave the loader none.
    let close = "for open in /proc/self/fd/*; do (( ${open##*/} > 2 )) && eval \"exec ${open##*/}>&-\"; done";
    starved.args(["-c", &format!("{close}; ulimit -n 4; exec {} run", env!("CARGO_BIN_EXE_segue-agent"))]);
    said.extend(lines(&ends(starved)));

    // The init container, in a network of its own: allowed, and not.
    for before in ["exec", "exec setpriv --bounding-set -net_admin"] {
        let script = format!("{before} {} redirect 8080:15180", env!("CARGO_BIN_EXE_segue-agent"));
        let mut redirect = std::process::Command::new("unshare");
        redirect.args(["--net", "sh", "-c", &script]);
        said.extend(lines(&ends(redirect)));
    }

    let mut heard: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in &said {
        assert!(line["time"].is_string() && line["level"].is_string(), "{line}");
        let keys = line
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !["time", "level", "event"].contains(&key.as_str()));
        heard.entry(line["event"].as_str().unwrap().to_owned()).or_default().extend(keys.cloned());
    }
    let mut documented = events();
    // Only a kernel that starts no thread makes it say so.
    documented.remove("not-written-down");
    // A hook without a plan waits 17 s: `hooks.rs` sees what it says.
    documented.get_mut("hook").unwrap().retain(|key| !["error", "then"].contains(&key.as_str()));
    assert_eq!(heard, documented, "{said:#?}");
}
