//! `kill -9` of `segue up` at each step, then `segue up` again: what runs is adopted, what was begun is finished,
//! and nothing is left over.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::process::Signal;
use segue_e2e::place::free_address;
use segue_e2e::{Client, Place, Process, Role, Sample, Service, Status, client, wait};

/// v1 and v2 of the tests below.
fn version<'a>(version: &'a str, flags: &'a [&'a str]) -> Sample<'a> {
    Sample { version, flags, replicas: 2, ..Sample::default() }
}

fn pids(processes: &[Process]) -> BTreeSet<i32> {
    processes.iter().map(|process| process.pid).collect()
}

/// Deploys v2 over v1, kills `segue up` when `step` is reached, starts it again and waits until v2 alone serves.
/// Returns what the second `segue up` said.
#[track_caller]
fn killed_in_a_deploy(before: &Sample<'_>, after: &Sample<'_>, step: impl Fn(&Service) -> bool) -> String {
    let mut service = Service::start(before);
    let deploy = service.begin_deploy(after);
    wait::until("the step is reached", wait::LONG, || {
        if step(&service) {
            Ok(())
        } else {
            Err(format!("{}{:#?}", deploy.said(), service.place.instances()))
        }
    });
    service.kill();
    let left = until_keepers_are_settled(&service.place);
    assert_ne!(deploy.ended().code(), 0, "a deploy whose end was not seen is no success");

    service.again_with(&after.spec(&service.place, service.listen));
    let serving = after.replicas as usize;
    service.settles(after.version, serving);
    let now = service.place.until_only(serving, after.version);
    for process in left.iter().filter(|process| process.version.as_deref() == Some(after.version)) {
        assert!(pids(&now).contains(&process.pid), "{process:?} was not adopted: {now:#?}");
    }
    assert_eq!(client::get(service.listen, "/").version(), Some(after.version));
    let said = service.said();
    let (ended, place) = service.down();
    ended.assert_code(0);
    place.until_nothing_runs();
    said
}

/// What still runs once every keeper has started what it was to start.
#[track_caller]
fn until_keepers_are_settled(place: &Place) -> Vec<Process> {
    wait::until("every keeper has its instance", wait::LONG, || {
        let living = place.processes();
        let keepers = living.iter().filter(|process| process.role == Role::Keeper).count();
        let mains: Vec<Process> =
            living.iter().filter(|process| process.role == Role::Main).cloned().collect();
        if mains.len() == keepers { Ok(mains) } else { Err(format!("{living:#?}")) }
    })
}

fn runs(service: &Service, version: &str) -> bool {
    service.place.instances().iter().any(|process| process.version.as_deref() == Some(version))
}

fn has_state(service: &Service, version: &str, state: &str) -> bool {
    service.status().instances().iter().any(|one| one.version() == version && one.state() == state)
}

#[test]
fn instances_are_adopted_with_their_pids_and_go_on_serving() {
    let mut service = Service::start(&version("v1", &["--rude"]));
    let before = service.place.until_only(2, "v1");
    service.kill();
    assert_eq!(service.place.until_only(2, "v1"), before, "the instances outlive `segue up`");
    service.again();
    service.settles("v1", 2);
    assert_eq!(service.place.until_only(2, "v1"), before);
    let told: BTreeSet<i32> =
        service.status().instances().iter().map(segue_e2e::status::Instance::pid).collect();
    assert_eq!(told, pids(&before));
    assert_eq!(client::get(service.listen, "/").version(), Some("v1"));

    // What was adopted can be upgraded as anything else.
    service.deploy(&version("v2", &["--rude"])).assert_code(0);
    service.place.until_only(2, "v2");
    let (ended, place) = service.down();
    ended.assert_code(0);
    place.until_nothing_runs();
}

#[test]
fn killed_again_and_again_while_its_first_instances_start() {
    let place = Place::new();
    let listen = free_address();
    let sample = version("v1", &["--rude", "--start-delay", "300ms"]);
    let spec = sample.spec(&place, listen);
    for round in 0..12 {
        let mut up = place.up(&spec);
        wait::pass(Duration::from_millis(8 * round));
        up.kill();
    }
    let left = until_keepers_are_settled(&place);
    let service = Service::run(place, listen, &spec, "v1", 2);
    let now = service.place.until_only(2, "v1");
    for process in &left {
        assert!(pids(&now).contains(&process.pid), "{process:?} was not adopted: {now:#?}");
    }
    let (ended, place) = service.down();
    ended.assert_code(0);
    place.until_nothing_runs();
}

#[test]
fn killed_when_the_new_version_starts() {
    let slow = version("v2", &["--rude", "--start-delay", "1500ms"]);
    killed_in_a_deploy(&version("v1", &["--rude"]), &slow, |service| runs(service, "v2"));
}

#[test]
fn killed_when_the_new_version_serves_first() {
    killed_in_a_deploy(&version("v1", &["--rude"]), &version("v2", &["--rude"]), |service| {
        service.status().serving().contains_key("v2")
    });
}

#[test]
fn killed_while_the_old_version_drains_with_requests_in_flight() {
    let mut service = Service::start(&version("v1", &["--rude"]));
    let mut clients: Vec<Client> = (0..6).map(|_| Client::connect(service.listen)).collect();
    for client in &mut clients {
        client.get("/sleep?ms=60000");
    }
    service.until("6 in flight", |status| in_flight(status) == 6);
    let after = version("v2", &["--rude"]);
    let deploy = service.begin_deploy(&after);
    service.until("v1 drains", |status| {
        status.instances().iter().any(|one| one.version() == "v1" && one.state() == "draining")
    });
    service.until_written_down(6);
    service.kill();
    assert_ne!(deploy.ended().code(), 0);
    for client in &mut clients {
        client.try_answer().expect_err("nobody is left to answer");
    }
    service.again_with(&after.spec(&service.place, service.listen));
    service.settles("v2", 2);
    service.place.until_only(2, "v2");
    service.until_said(&["killed with 6 requests in flight"]);
    let history = service.status().history();
    let killed = history.iter().find(|entry| entry["what"] == "killed");
    assert_eq!(killed.map(|entry| &entry["cut"]), Some(&serde_json::json!(6)), "{history:#?}");
    assert_eq!(deploys(&service), [("v2".to_owned(), "reached".to_owned())]);
}

/// The deploys in the history: to what, and how they ended.
fn deploys(service: &Service) -> Vec<(String, String)> {
    let history = service.status().history();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let deploys = history.iter().filter(|entry| entry["what"] == "deploy");
    deploys.map(|entry| (text(&entry["to"]), text(&entry["ended"]))).collect()
}

fn in_flight(status: &Status) -> u64 {
    status.instances().iter().filter_map(|one| one.0["in_flight"].as_u64()).sum()
}

#[test]
fn killed_after_the_stop_signal_was_sent() {
    let deaf = Sample { grace: "3s", ..version("v1", &["--deaf"]) };
    killed_in_a_deploy(&deaf, &version("v2", &["--rude"]), |service| has_state(service, "v1", "stopping"));
}

#[test]
fn killed_while_it_goes_back() {
    // Slow, so that it is seen to go back.
    let before = version("v1", &["--rude", "--start-delay", "3s"]);
    let mut service = Service::start(&before);
    // Slow, so that the second one is not there before the first was seen and the deploy taken back.
    let after = version("v2", &["--rude", "--start-delay", "5s"]);
    let deploy = service.begin_deploy(&after);
    // One of two is replaced: going back has to start a v1 again.
    service.until("v2 serves and a v1 is gone", |status| {
        status.serving().contains_key("v2")
            && status.instances().iter().filter(|one| one.version() == "v1").count() == 1
    });
    let abort = service.place.start(&["deploy", "web", "--abort"]);
    service.until("it goes back", |status| status.0["state"] == "going-back");
    service.kill();
    assert_ne!(abort.ended().code(), 0);
    assert_ne!(deploy.ended().code(), 0);

    service.again_with(&after.spec(&service.place, service.listen));
    service.settles("v1", 2);
    service.place.until_only(2, "v1");
    assert_eq!(deploys(&service), [("v2".to_owned(), "went-back".to_owned())]);
}

#[test]
fn killed_in_down_it_can_be_started_again_or_ended() {
    for start_again in [true, false] {
        let mut service = Service::start(&version("v1", &["--rude"]));
        let mut client = Client::connect(service.listen);
        client.get("/sleep?ms=60000");
        service.until("1 in flight", |status| in_flight(status) == 1);
        let down = service.place.start(&["down", "web"]);
        service.until("it ends", |status| status.0["state"] == "ending");
        service.kill();
        assert_ne!(down.ended().code(), 0);
        if start_again {
            service.again();
            service.settles("v1", 2);
            service.place.until_only(2, "v1");
            service.down().0.assert_code(0);
        } else {
            service.place.run(&["down", "web"]).assert_code(0);
            service.place.until_nothing_runs();
        }
    }
}

#[test]
fn killed_at_twenty_moments_of_deploys_it_ends_with_one_version_and_no_orphan() {
    let place = Place::new();
    let listen = free_address();
    let spec = place.folder().join("app.yaml");
    let file = spec.to_string_lossy();
    let write = |version: &str| {
        let sample = Sample { version, replicas: 2, ..Sample::default() };
        // As a whole: `segue up` may be reading it.
        std::fs::rename(sample.spec(&place, listen), &spec).unwrap();
    };
    // What the file says is rolled to, whether a deploy to it had begun or not.
    let up = || place.start(&["up", "-f", &file, "--replace"]);
    write("v0");
    let mut running = up();
    wait::until("v0 serves", wait::LONG, || client::try_get(listen, "/").map_err(|error| error.to_string()));
    // Moments that differ from each other and are the same in every run; others to look for more.
    let seed = std::env::var("SEGUE_E2E_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut random: u64 = seed.unwrap_or(0x9E37_79B9_7F4A_7C15);
    for round in 1..=20 {
        write(&format!("v{round}"));
        let deploy = place.start(&["deploy", "-f", &file]);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        wait::pass(Duration::from_millis(random % 900));
        running.assert_running();
        running.signal(Signal::KILL);
        running.ended_within(wait::LONG);
        drop(deploy);
        running = up();
    }
    let last = until_settled(&place, "v20", 2);
    place.until_only(2, "v20");
    assert!(!last.deploying(), "{:#}", last.0);
    assert_eq!(client::get(listen, "/").version(), Some("v20"));
    running.assert_running();
    write("after");
    place.run(&["deploy", "-f", &file]).assert_code(0);
    place.until_only(2, "after");
    running.signal(Signal::TERM);
    running.ended_within(wait::LONG).assert_code(0);
    place.until_nothing_runs();
}

#[track_caller]
fn until_settled(place: &Place, version: &str, replicas: usize) -> Status {
    wait::until(&format!("{replicas} of {version} serve, and no other"), wait::LONG, || {
        let status = Status::ask(place, "web")?;
        let settled = status.settled(version, replicas) && !status.deploying();
        if settled { Ok(status) } else { Err(format!("{:#}", status.0)) }
    })
}
