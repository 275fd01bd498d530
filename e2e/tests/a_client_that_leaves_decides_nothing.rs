//! Who asked for a deploy may take it back, or vanish, or look in again later: the deploy is `segue up`'s own.

use rustix::process::Signal;
use segue_e2e::service::NAME;
use segue_e2e::{Sample, Service, Told, under_load};

const SLOW: Sample<'_> =
    Sample { version: "v2", flags: &["--rude", "--start-delay", "500ms"], replicas: 3, ..Sample::DEFAULT };

#[test]
fn control_c_goes_back_by_the_same_drain() {
    goes_back_on(Signal::INT);
}

#[test]
fn sigterm_goes_back_by_the_same_drain() {
    goes_back_on(Signal::TERM);
}

#[track_caller]
fn goes_back_on(signal: Signal) {
    under_load(|share| {
        let service = Service::start(&Sample::default());
        let load = share.mixed(service.listen);
        let deploy = service.begin_deploy(&SLOW);
        service.until_serving("v2", 1);
        deploy.signal(signal);
        let ended = deploy.ended();
        ended.assert_code(1);
        // When it returns, nothing of the new version is left.
        service.assert_settled("v1", 3);
        assert_last(&service, "went-back");
        load.more(50);
        let result = load.end()?;
        result.assert_no_drops();
        assert!(result.answered_by("v2") > 0, "a new instance served: {:?}", result.ledger.versions());
        Ok(())
    });
}

#[test]
fn a_killed_client_leaves_the_deploy_running() {
    vanishes_by(Signal::KILL);
}

#[test]
fn a_client_that_lost_its_terminal_leaves_the_deploy_running() {
    vanishes_by(Signal::HUP);
}

#[track_caller]
fn vanishes_by(signal: Signal) {
    under_load(|share| {
        let mut service = Service::start(&Sample::default());
        let load = share.brisk(service.listen);
        let deploy = service.begin_deploy(&SLOW);
        service.until_serving("v2", 1);
        deploy.signal(signal);
        assert!(deploy.ended().status.code().is_none(), "ended by the signal");
        service.settles("v2", 3);
        assert_last(&service, "reached");
        load.end()?.assert_no_drops();
        Ok(())
    });
}

#[test]
fn follow_joins_a_deploy_and_returns_its_result() {
    let service = Service::start(&Sample::default());
    let deploy = service.begin_deploy(&SLOW);
    service.until_serving("v2", 1);
    deploy.signal(Signal::KILL);
    let follow = service.place.run(&["deploy", NAME, "--follow"]);
    follow.assert_code(0);
    service.assert_settled("v2", 3);

    // One that goes back is told as such, to both who look on.
    let bad = Sample { version: "v3", flags: &["--fail-ready"], progress_deadline: "2s", ..SLOW };
    let deploy = service.begin_deploy(&bad);
    service.until("the deploy is under way", segue_e2e::Status::deploying);
    let follow = service.place.run(&["deploy", "--follow"]);
    follow.assert_code(1);
    follow.assert_says(&["v3", "500"]);
    deploy.ended().assert_code(1);
    service.assert_settled("v2", 3);
}

/// A follower has not asked for the deploy: leaving it takes nothing back.
#[test]
fn a_follower_that_is_killed_changes_nothing() {
    let service = Service::start(&Sample::default());
    let deploy = service.begin_deploy(&SLOW);
    service.until("the deploy is under way", segue_e2e::Status::deploying);
    let follow = service.place.start(&["deploy", "--follow"]);
    service.until_serving("v2", 1);
    follow.signal(Signal::KILL);
    drop(follow);
    deploy.ended().assert_code(0);
    service.assert_settled("v2", 3);
}

#[test]
fn abort_takes_a_deploy_back() {
    under_load(|share| {
        let service = Service::start(&Sample::default());
        let load = share.brisk(service.listen);
        let deploy = service.begin_deploy(&SLOW);
        service.until_serving("v2", 1);
        let abort = service.place.run(&["deploy", NAME, "--abort"]);
        // As asked: it went back, and has come there.
        abort.assert_code(0);
        service.assert_settled("v1", 3);
        let ended = deploy.ended();
        ended.assert_code(1);
        ended.assert_says(&["abort"]);
        assert_last(&service, "went-back");
        load.end()?.assert_no_drops();
        Ok(())
    });
}

#[test]
fn there_is_nothing_to_follow_or_abort_when_no_deploy_is_under_way() {
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    for flag in ["--follow", "--abort"] {
        let ended = service.place.run(&["deploy", flag]);
        ended.assert_code(1);
        ended.assert_says(&["no deploy"]);
    }
    service.assert_settled("v1", 1);
}

#[track_caller]
fn assert_last(service: &Service, ended: &str) {
    let last = service.status().history().pop().expect("a history");
    assert_eq!((last["to"].as_str(), last["ended"].as_str()), (Some("v2"), Some(ended)), "{last:#}");
}
