//! Two deploys of one service never mix.

use segue_e2e::{Sample, Service};

const SLOW: Sample<'_> =
    Sample { version: "v2", flags: &["--rude", "--start-delay", "1500ms"], replicas: 2, ..Sample::DEFAULT };

#[test]
fn the_second_is_refused_and_told_which_is_under_way() {
    let service = Service::start(&Sample { version: "v1", ..SLOW });
    let first = service.begin_deploy(&SLOW);
    service.until("the first deploy is under way", segue_e2e::Status::deploying);

    let second = service.deploy(&Sample { version: "v3", ..SLOW });
    second.assert_code(1);
    second.assert_says(&["v2", "--follow", "--abort"]);

    first.ended().assert_code(0);
    service.assert_settled("v2", 2);
    assert!(service.status().history().iter().all(|entry| entry["to"] != "v3"));

    // It was the moment that was wrong, not the spec.
    service.deploy(&Sample { version: "v3", ..SLOW }).assert_code(0);
    service.assert_settled("v3", 2);
}

#[test]
fn of_many_at_the_same_moment_one_is_done() {
    let service = Service::start(&Sample { version: "v1", ..SLOW });
    let versions = ["v2", "v3", "v4", "v5", "v6"];
    let deploys = versions.map(|version| service.begin_deploy(&Sample { version, ..SLOW }));
    let codes = deploys.map(|deploy| deploy.ended().code());
    let done: Vec<&str> =
        versions.iter().zip(codes).filter(|(_, code)| *code == 0).map(|(version, _)| *version).collect();
    assert_eq!(done.len(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, 0 | 1)), "{codes:?}");
    service.assert_settled(done[0], 2);
    let deployed = service.status().history().iter().filter(|entry| entry["what"] == "deploy").count();
    assert_eq!(deployed, 1);
}

/// It belongs to `segue up`: only a new one can listen elsewhere.
#[test]
fn a_deploy_that_would_listen_elsewhere_is_refused() {
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    let before = service.place.instances();
    let elsewhere = segue_e2e::place::free_address();
    let spec = Sample { version: "v2", ..Sample::default() }.spec(&service.place, elsewhere);
    let ended = service.place.run(&["deploy", "-f", &spec.to_string_lossy()]);
    ended.assert_code(1);
    ended.assert_says(&["listen", &service.listen.to_string(), &elsewhere.to_string()]);
    assert_eq!(service.place.instances(), before);
    service.assert_settled("v1", 1);
}

#[test]
fn a_rollback_is_refused_during_a_deploy() {
    let service = Service::start(&Sample { version: "v1", ..SLOW });
    let first = service.begin_deploy(&SLOW);
    service.until("the first deploy is under way", segue_e2e::Status::deploying);
    let rollback = service.place.run(&["rollback"]);
    rollback.assert_code(1);
    rollback.assert_says(&["v2"]);
    first.ended().assert_code(0);
    service.assert_settled("v2", 2);
}

#[test]
fn a_deploy_of_what_runs_already_has_nothing_to_do() {
    let sample = Sample { replicas: 2, ..Sample::default() };
    let service = Service::start(&sample);
    let (before, history) = (service.place.instances(), service.status().history());
    let ended = service.deploy(&sample);
    ended.assert_code(0);
    ended.assert_says(&["nothing to do"]);
    assert_eq!(service.place.instances(), before);
    assert_eq!(service.status().history(), history);
}
