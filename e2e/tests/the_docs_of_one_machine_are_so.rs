//! What docs/one-machine.md says of exit codes, signals, settings and versions, where no other promise holds it.

use std::time::Duration;

use rustix::process::Signal;
use segue_e2e::place::free_address;
use segue_e2e::{Client, Place, Sample, Service, client, wait};

fn sample(version: &str) -> Sample<'_> {
    Sample { version, replicas: 2, ..Sample::default() }
}

#[test]
fn who_is_not_up_and_what_is_wrong_exits_2_and_no_exits_1() {
    let place = Place::new();
    let listen = free_address();
    let spec = sample("v1").spec(&place, listen).to_string_lossy().into_owned();
    place.run(&["status"]).assert_code(0);
    for arguments in [&["deploy", "-f", &spec][..], &["deploy", "-f", &spec, "--dry-run"]] {
        let ended = place.run(arguments);
        ended.assert_code(2);
        ended.assert_says(&["web is not up"]);
    }
    let wrong = place.write("wrong.yaml", "listen: nowhere\n").to_string_lossy().into_owned();
    for command in ["up", "deploy"] {
        place.run(&[command, "-f", &wrong]).assert_code(2);
        place.run(&[command, "-f", "no-such-file.yaml"]).assert_code(2);
    }

    let service = Service::run(place, listen, spec.as_ref(), "v1", 2);
    for arguments in [&["rollback"][..], &["deploy", "--follow"], &["deploy", "--abort"]] {
        let ended = service.place.run(arguments);
        ended.assert_code(1);
        assert!(!ended.stderr.is_empty(), "{ended:?}");
    }
    service.place.run(&["deploy", "-f", &spec]).assert_code(0);
    service.place.run(&["deploy", "-f", &spec, "--dry-run"]).assert_code(0);
    service.place.run(&["logs"]).assert_code(0);
    service.place.run(&["down", "no-such-service"]).assert_code(2);
    let (ended, place) = service.down();
    ended.assert_code(0);
    for arguments in [&["down"][..], &["status", "web"], &["logs", "web"]] {
        place.run(arguments).assert_code(0);
    }
    place.run(&["deploy", "web", "--follow"]).assert_code(2);

    // To forget it is to delete its folder.
    std::fs::remove_dir_all(place.state_dir().join("web")).unwrap();
    let ended = place.run(&["status"]);
    ended.assert_code(0);
    ended.assert_says(&["no service was ever up here"]);
}

#[test]
fn what_belongs_to_up_cannot_be_deployed() {
    let service = Service::start(&sample("v1"));
    let before = service.place.instances();
    let elsewhere = sample("v2").spec(&service.place, free_address());
    let ended = service.place.run(&["deploy", "-f", &elsewhere.to_string_lossy()]);
    ended.assert_code(1);
    ended.assert_says(&["cannot change listen", "segue down web"]);
    let pem = "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
    service.place.write("pair.pem", pem);
    let tls = Sample { more: "tls: { cert: pair.pem, key: pair.pem }\n", ..sample("v3") };
    let ended = service.deploy(&tls);
    ended.assert_code(1);
    ended.assert_says(&["cannot change tls", "segue down web"]);
    service.assert_settled("v1", 2);
    assert_eq!(service.place.instances(), before);
}

#[test]
fn another_setting_replaces_nobody_and_another_program_of_the_same_version_everybody() {
    let service = Service::start(&sample("v1"));
    let before = service.place.until_only(2, "v1");
    service.deploy(&Sample { drain_deadline: "20s", grace: "4s", ..sample("v1") }).assert_code(0);
    assert_eq!(service.place.until_only(2, "v1"), before);
    service.deploy(&Sample { flags: &[], ..sample("v1") }).assert_code(0);
    let after = service.place.until_only(2, "v1");
    assert!(after.iter().all(|process| !before.contains(process)), "{after:#?}");
    let revisions: Vec<_> =
        service.status().instances().iter().map(|one| one.0["revision"].clone()).collect();
    assert_eq!(revisions, ["v1~2", "v1~2"]);
}

#[test]
fn sighup_is_ignored_the_second_signal_cuts_and_the_third_kills() {
    let mut service =
        Service::start(&Sample { flags: &["--deaf"], grace: "10m", replicas: 1, ..sample("v1") });
    service.up().process().signal(Signal::HUP);
    service.until_said(&["SIGHUP is ignored"]);
    assert_eq!(client::get(service.listen, "/").status, 200);

    let mut held = Client::connect(service.listen);
    held.get("/sleep?ms=600000");
    service.until("1 in flight", |status| status.0["proxy"]["in_flight"] == 1);
    service.up().process().signal(Signal::TERM);
    service.until("it ends", |status| status.0["state"] == "ending");
    wait::pass(Duration::from_millis(300));
    assert_eq!(service.status().0["proxy"]["in_flight"], 1, "the first one cuts nothing");
    service.up().process().signal(Signal::INT);
    let cut = held.try_answer();
    assert!(cut.as_ref().map_or(true, |answer| answer.status == 504), "{cut:?}");
    wait::pass(Duration::from_millis(300));
    assert_eq!(service.place.instances().len(), 1, "the second one kills nobody");
    service.up().process().signal(Signal::TERM);
    service.up().process().ended_within(wait::LONG).assert_code(0);
    service.place.until_nothing_runs();
}

#[test]
fn until_the_first_instance_serves_clients_wait_and_not_for_ever() {
    let (place, listen) = (Place::new(), free_address());
    let slow = Sample { replicas: 1, flags: &["--start-delay", "1s"], ..sample("v1") };
    let _up = place.up(&slow.spec(&place, listen));
    wait::until_true("it listens", wait::LONG, || std::net::TcpStream::connect(listen).is_ok());
    assert_eq!(client::get(listen, "/").status, 200, "whoever came first was turned away");

    let (place, listen) = (Place::new(), free_address());
    let never = Sample { replicas: 1, flags: &["--start-delay", "10m"], ..sample("v1") };
    let _up = place.up(&never.spec(&place, listen));
    wait::until_true("it listens", wait::LONG, || std::net::TcpStream::connect(listen).is_ok());
    let answer = client::get(listen, "/");
    assert_eq!((answer.status, answer.header("segue-reason")), (503, Some("no-instance")));
}
