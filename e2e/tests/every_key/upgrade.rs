//! How instances are replaced and stopped.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use segue_e2e::place::free_address;
use segue_e2e::{Client, Place, Sample, Service, wait};

use super::one::{Case, One, impatient, serving};

pub(crate) const CASES: &[Case] = &[
    ("longestRequest", longest_request),
    ("drainDeadline", drain_deadline),
    ("websocketGrace", websocket_grace),
    ("stop.signal", stop_signal),
    ("stop.grace", stop_grace),
    ("progressDeadline", progress_deadline),
    ("strategy.rolling.surge", surge),
    ("strategy.rolling.unavailable", unavailable),
];

/// Less than the default grace and deadlines.
const SOON: Duration = Duration::from_secs(20);

fn longest_request() {
    let one = One::new();
    let spec = one.spec("v2", "longestRequest: 7s\ndrainDeadline: 5s");
    let service = one.serves("longestRequest: 3s");
    let dry = |spec: &str| service.place.run(&["deploy", "-f", spec, "--dry-run", "-o", "json"]);
    let longer = dry(&spec.to_string_lossy());
    longer.assert_says(&["a request that takes its 7s is cut 5s after a drain began"]);
    // What one drain takes if no request takes longer; the time to stop comes behind it.
    let drain_of = |seconds: u64| {
        let lines = format!("name: web\nlongestRequest: {seconds}s\nenv: {{ N: \"{seconds}\" }}");
        let text =
            format!("listen: {}\nversion: w{seconds}\ncommand: [python3, app.py]\n{lines}\n", service.listen);
        let spec = service.place.write(&format!("w{seconds}.yaml"), &text);
        dry(&spec.to_string_lossy()).json()["drain_ms"].as_u64()
    };
    let (of_3, of_9) = (drain_of(3), drain_of(9));
    assert_eq!(of_9.zip(of_3).map(|(more, less)| more - less), Some(6000), "{of_3:?} {of_9:?}");
}

fn drain_deadline() {
    let mut service = serving("drainDeadline: 500ms\nlongestRequest: 100ms");
    let mut client = impatient(&service);
    client.get("/sleep/50");
    service.until("1 in flight", |status| status.0["proxy"]["in_flight"] == 1);
    service.up().process().signal(rustix::process::Signal::TERM);
    service.up().process().ended_within(SOON).assert_code(0);
    let last = service.place.run(&["status", "web", "-o", "json"]).json()["history"].clone();
    assert_eq!(last.as_array().unwrap().last().unwrap()["cut"], 1, "{last:#}");
}

/// What an idle WebSocket hears when its instance goes.
fn websocket_hears(grace: &str) -> Vec<u8> {
    let sample = |version| Sample {
        version,
        replicas: 1,
        websocket_grace: grace,
        drain_deadline: "1s",
        longest_request: "1s",
        ..Sample::default()
    };
    let service = Service::start(&sample("v1"));
    let mut client = Client::connect(service.listen);
    let handshake = "GET /ws HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.stream().write_all(handshake.as_bytes()).unwrap();
    assert_eq!(client.head().unwrap().status, 101);
    let deploy = service.begin_deploy(&sample("v2"));
    let mut heard = Vec::new();
    // A reset is an end without a word.
    let _ = client.stream().read_to_end(&mut heard);
    deploy.ended().assert_code(0);
    heard
}

fn websocket_grace() {
    // The deadline comes first: it is cut, and told nothing.
    assert_eq!(websocket_hears("50s"), [0; 0]);
    // Close, two bytes at the least, 1001.
    let heard = websocket_hears("0s");
    assert!(heard[0] == 0x88 && heard[2..4] == 1001_u16.to_be_bytes(), "{heard:?}");
}

fn stop_signal() {
    let service = serving("stop: { signal: QUIT }");
    let (ended, place) = service.down();
    ended.assert_code(0);
    let said = place.run(&["logs", "web"]).said();
    assert!(said.contains("told SIGQUIT") && !said.contains("told SIGTERM"), "{said}");
}

fn stop_grace() {
    let mut service = serving("stop: { grace: 300ms }\nenv: { DEAF: \"1\" }");
    service.up().process().signal(rustix::process::Signal::TERM);
    let ended = service.up().process().ended_within(SOON);
    ended.assert_code(0);
    ended.assert_says(&["told SIGTERM"]);
}

fn progress_deadline() {
    let one = One::new();
    let bad = one.spec("v2", "progressDeadline: 1s\nenv: { HEALTH: bad }").to_string_lossy().into_owned();
    let service = one.serves("");
    let ended = service.place.run(&["deploy", "-f", &bad]);
    ended.assert_code(1);
    ended.assert_says(&["progressDeadline"]);
}

/// Two of v1 serve and v2 is never ready: how many of v1 serve, and of v2 run, once nothing more happens.
fn stands_with(rolling: &str) -> (usize, usize) {
    let place = Place::new();
    place.write("app.py", include_str!("app.py"));
    let one = One { place, listen: free_address() };
    let lines =
        |health| format!("replicas: 2\nstrategy: {{ rolling: {rolling} }}\nenv: {{ HEALTH: {health} }}");
    let bad = one.spec("v2", &lines("bad")).to_string_lossy().into_owned();
    let service = one.serves(&lines("ok"));
    let _deploy = service.place.start(&["deploy", "-f", &bad]);
    service.until("v2 has been asked", |status| status.0["instances"].to_string().contains("answered 500"));
    wait::pass(Duration::from_millis(500));
    let status = service.status();
    let new = status.instances().iter().filter(|instance| instance.version() == "v2").count();
    (status.serving().get("v1").copied().unwrap_or_default(), new)
}

fn surge() {
    assert_eq!(stands_with("{ surge: 2, unavailable: 0 }"), (2, 2));
}

fn unavailable() {
    assert_eq!(stands_with("{ surge: 0, unavailable: 1 }"), (1, 1));
}
