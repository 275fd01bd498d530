//! SIGTERM and SIGINT to `segue up` drain and end everything; `segue down` does the same, also where no `segue up` is
//! left; and systemd is told what it needs to know.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;
use segue_e2e::place::free_address;
use segue_e2e::{Client, Place, Running, Sample, Service, client, pressure, under_load, wait};

fn sample() -> Sample<'static> {
    Sample { replicas: 2, ..Sample::default() }
}

/// Ends it by `end` while requests are in flight, which must all be answered; nothing may be left.
#[track_caller]
fn drains(end: impl FnOnce(&mut Service)) {
    let mut service = Service::start(&sample());
    let mut clients: Vec<Client> = (0..4).map(|_| Client::connect(service.listen)).collect();
    for client in &mut clients {
        client.get("/sleep?ms=1500");
    }
    service.until("4 in flight", |status| status.0["proxy"]["in_flight"] == 4);
    end(&mut service);
    for client in &mut clients {
        let answer = client.answer();
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    service.up().process().ended_within(wait::LONG).assert_code(0);
    service.place.until_nothing_runs();
    Client::try_connect(service.listen).err().expect("nobody listens any more");
}

#[test]
fn sigterm_drains_and_ends_everything() {
    drains(|service| service.up().process().signal(Signal::TERM));
}

#[test]
fn sigint_drains_and_ends_everything() {
    drains(|service| service.up().process().signal(Signal::INT));
}

#[test]
fn down_drains_and_ends_everything() {
    drains(|service| service.place.run(&["down"]).assert_code(0));
}

#[test]
fn what_is_sent_before_the_signal_is_answered_and_what_comes_after_is_refused() {
    under_load(|share| {
        let service = Service::start(&sample());
        let load =
            share.begin(service.listen, wait::LONG, vec![pressure::get("short", 100.0, "/sleep?ms=50")]);
        load.more(20);
        let (ended, place) = service.down();
        ended.assert_code(0);
        place.until_nothing_runs();
        let report = load.end()?;
        assert!(report.ledger.ok() > 0);
        let drops = report.ledger.drops();
        assert!(drops.keys().all(|kind| *kind == segue_probe::Kind::Refused), "{drops:?}");
        Ok(())
    });
}

#[test]
fn sigterm_while_a_deploy_is_under_way() {
    let mut service = Service::start(&sample());
    let slow = Sample { version: "v2", flags: &["--start-delay", "60s"], ..sample() };
    let deploy = service.begin_deploy(&slow);
    service.until("a v2 starts", |status| status.instances().iter().any(|one| one.version() == "v2"));
    service.up().process().signal(Signal::TERM);
    assert_eq!(deploy.ended().code(), 1);
    service.up().process().ended_within(wait::LONG).assert_code(0);
    service.place.until_nothing_runs();
    // After `down`, `up` starts what the file says.
    service.again();
    service.settles("v1", 2);
}

#[test]
fn down_without_an_up_ends_what_still_runs() {
    let mut service = Service::start(&sample());
    service.kill();
    assert_eq!(service.place.instances().len(), 2);
    service.place.run(&["down", "web"]).assert_code(0);
    service.place.until_nothing_runs();
    service.again();
    service.settles("v1", 2);
}

#[test]
fn systemd_is_told_when_it_serves_and_when_it_ends() {
    let place = Place::new();
    let listen = free_address();
    let socket = place.folder().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(wait::LONG)).unwrap();
    // Until it says that it is ready, it has to be told so.
    let gate = "while [ ! -e gate ]; do sleep 0.02; done";
    let spec = Sample { before: gate, ..sample() }.spec(&place, listen);
    let mut command = place.command(&["up", "-f", &spec.to_string_lossy()]);
    command.env("NOTIFY_SOCKET", &socket);
    let mut up = Running::start_command(place.folder(), command);

    let told = |wanted: &str| -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 4096];
        while !lines.iter().any(|line| line == wanted) {
            let count =
                manager.recv(&mut buffer).unwrap_or_else(|error| panic!("{wanted}: {error} after {lines:?}"));
            lines.extend(String::from_utf8_lossy(&buffer[..count]).lines().map(str::to_owned));
        }
        lines
    };
    wait::until_true("its instances wait at the gate", wait::LONG, || place.instances().len() == 2);
    wait::pass(Duration::from_millis(300));
    manager.set_nonblocking(true).unwrap();
    let mut buffer = [0; 4096];
    while let Ok(count) = manager.recv(&mut buffer) {
        let message = String::from_utf8_lossy(&buffer[..count]).into_owned();
        assert!(!message.contains("READY=1"), "{message}");
    }
    manager.set_nonblocking(false).unwrap();
    place.write("gate", "");
    let lines = told("READY=1");
    assert!(!lines.iter().any(|line| line == "STOPPING=1"), "{lines:?}");
    // At the moment of that word.
    assert_eq!(client::get(listen, "/").status, 200);
    // An instance must not speak to systemd in its name.
    for instance in place.instances() {
        let environment = std::fs::read_to_string(format!("/proc/{}/environ", instance.pid)).unwrap();
        assert!(!environment.contains("NOTIFY_SOCKET"), "{environment}");
    }
    up.signal(Signal::TERM);
    told("STOPPING=1");
    up.ended_within(wait::LONG).assert_code(0);
    place.until_nothing_runs();
}
