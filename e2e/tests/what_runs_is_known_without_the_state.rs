//! A lost or damaged `state.json` costs nobody a restart: what each instance was started with tells what it is.

use std::fs;

use segue_e2e::{Client, Process, Sample, Service, client, wait};

/// What is there instead of what was written, if anything is.
type Damage = fn(&[u8]) -> Option<Vec<u8>>;

/// Every way in which the file may be of no use.
const DAMAGES: [(&str, Damage); 5] = [
    ("missing", |_| None),
    ("empty", |_| Some(Vec::new())),
    ("torn", |whole| Some(whole[..whole.len() / 2].to_vec())),
    ("not JSON", |_| Some(b"\0\0\xff".to_vec())),
    ("of another shape", |_| Some(b"{\"schema\": 1}".to_vec())),
];

fn sample(version: &str) -> Sample<'_> {
    Sample { version, replicas: 2, ..Sample::default() }
}

fn damage(service: &Service, how: Damage) {
    let file = service.place.state_dir().join("web/state.json");
    match how(&fs::read(&file).unwrap()) {
        Some(text) => fs::write(&file, text).unwrap(),
        None => fs::remove_file(&file).unwrap(),
    }
}

fn pids(processes: &[Process]) -> Vec<i32> {
    processes.iter().map(|process| process.pid).collect()
}

#[test]
fn what_runs_is_adopted_serves_and_is_rolled_as_before() {
    let mut service = Service::start(&sample("v1"));
    for (name, how) in DAMAGES {
        let before = service.place.until_only(2, "v1");
        service.kill();
        damage(&service, how);
        service.again();
        service.settles("v1", 2);
        assert_eq!(pids(&service.place.until_only(2, "v1")), pids(&before), "restarted after it was {name}");
        assert_eq!(client::get(service.listen, "/").version(), Some("v1"));
    }
    service.deploy(&sample("v2")).assert_code(0);
    service.place.until_only(2, "v2");

    // What was run before is known all the same.
    service.kill();
    damage(&service, |_| None);
    service.again_with(&sample("v2").spec(&service.place, service.listen));
    service.settles("v2", 2);
    service.place.run(&["rollback", "web"]).assert_code(0);
    service.place.until_only(2, "v1");
    let (ended, place) = service.down();
    ended.assert_code(0);
    place.until_nothing_runs();
}

#[test]
fn without_the_specs_too_it_is_adopted_and_down_ends_it() {
    for start_again in [true, false] {
        let mut service = Service::start(&sample("v1"));
        let before = service.place.until_only(2, "v1");
        service.kill();
        damage(&service, |_| None);
        // Not there before this was kept.
        let _ = fs::remove_file(service.place.state_dir().join("web/revisions.json"));
        if start_again {
            service.again();
            service.settles("v1", 2);
            assert_eq!(pids(&service.place.until_only(2, "v1")), pids(&before));
        } else {
            service.place.run(&["down", "web"]).assert_code(0);
            service.place.until_nothing_runs();
        }
    }
}

#[test]
fn what_runs_another_program_is_refused_without_replace_and_rolled_with_it() {
    let mut service = Service::start(&sample("v1"));
    let before = service.place.until_only(2, "v1");
    service.kill();
    damage(&service, |_| None);
    let _ = fs::remove_file(service.place.state_dir().join("web/revisions.json"));
    // The same label for something else.
    let other = Sample { flags: &[], ..sample("v1") }.spec(&service.place, service.listen);
    let ended = service.place.run(&["up", "-f", &other.to_string_lossy()]);
    ended.assert_code(1);
    ended.assert_says(&["--replace", "v1"]);
    assert_eq!(pids(&service.place.instances()), pids(&before), "it touched what it refused");

    let file = other.to_string_lossy().into_owned();
    let _up = service.place.start(&["up", "-f", &file, "--replace"]);
    wait::until("all are of the new program", wait::LONG, || {
        let now = service.place.instances();
        let new = now.len() == 2 && now.iter().all(|process| !before.contains(process));
        if new { Ok(()) } else { Err(format!("{now:#?}")) }
    });
    service.until("they serve", |status| status.settled("v1", 2));
}

#[test]
fn a_deploy_that_was_under_way_is_finished_by_the_file_of_either_side() {
    for file in ["v1", "v2"] {
        let mut service = Service::start(&sample("v1"));
        let mut held = Client::connect(service.listen);
        held.get("/sleep?ms=600000");
        service.until("1 in flight", |status| status.0["proxy"]["in_flight"] == 1);
        // An old one waits for that request while a new one serves.
        let deploy = service.begin_deploy(&sample("v2"));
        service
            .until("both run", |status| status.serving().len() == 2 || status.serving().contains_key("v2"));
        service.kill();
        drop(deploy);
        damage(&service, |_| None);
        service.again_with(&sample(file).spec(&service.place, service.listen));
        service.settles(file, 2);
        service.place.until_only(2, file);
    }
}
