//! What is heard of instances, and what is made of it.

use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use segue_core::drain;
use segue_core::judge::{Failure, Readiness};
use segue_core::rollout::InstanceSeen;
use segue_supervisor::instance::Exit;

use super::*;
use crate::control::protocol::{self, Event};
use crate::history::{Ended, What};
use crate::logged::said;

fn exit(code: i32, background: bool) -> Exit {
    Exit { code: Some(code), known: true, background, ..Exit::default() }
}

#[tokio::test]
async fn one_that_ends_by_itself_has_crashed_and_one_that_left_for_the_background_is_told_as_that() {
    for (code, background, served, words, is_held) in [
        (3, false, false, "exited with code 3", false),
        (0, true, false, "went into the background (exited with code 0 while", true),
        (0, true, true, "exited with code 0 while processes", false),
    ] {
        let (_place, mut driver, _public) = idle().await;
        driver.instances.fleet.insert("web-1".into(), Member { served, ..ended("v1") });
        driver.hear(News::Ended("web-1".into(), exit(code, background)));
        let Life::Ended { how } = &driver.instances.fleet[&"web-1".into()].life else {
            panic!("it has ended")
        };
        assert!(how.starts_with(words), "{how}");
        assert_eq!(driver.failures.restarts, 1);
        assert_eq!(driver.failures.last_crash, Some(("web-1".into(), "v1".into(), how.clone())));
        assert_eq!(driver.failures.in_background.how(&"v1".into()).is_some(), is_held, "{how}");
    }
}

#[tokio::test]
async fn one_that_was_told_to_end_has_not_crashed() {
    let (_place, folder) = folder();
    let _left = Left::new(&folder, "web-1", &spec("v1", "/bin/v1"));
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    driver.down(Who::own(), clock::now());
    driver.turn(&mut Vec::new()).await;
    assert!(driver.records.state.work.as_ref().unwrap().rollout.leaving(&"web-1".into()).is_some());
    driver.hear(News::Ended("web-1".into(), exit(0, true)));
    assert!(driver.instances.fleet[&"web-1".into()].running().is_none());
    assert_eq!((driver.failures.restarts, driver.failures.in_background.how(&"v1".into())), (0, None));
}

#[tokio::test]
async fn one_whose_keeper_was_killed_is_of_another_version_than_any_that_is_asked_for() {
    let (_place, folder) = folder();
    let _left = ["web-1", "web-2"].map(|id| Left::new(&folder, id, &spec("v1", "/bin/v1")));
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    driver.instances.fleet.insert("web-3".into(), ended("v1"));
    for id in ["web-1", "web-3", "web-4"] {
        driver.hear(News::Unkept(id.into()));
    }
    let seen =
        observe::observe(&driver.instances.fleet, &observe::counts(&driver.instances.pool), false).instances;
    let is_v1 = ["web-1", "web-2", "web-3"].map(|id| seen[&id.into()].version == "v1".into());
    assert_eq!(is_v1, [false, true, true], "of one that has ended it says nothing");
}

/// Ends with the test.
struct Stray(Child);

impl Drop for Stray {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn what_one_left_in_the_background_is_asked_to_end() {
    let (_place, folder) = folder();
    let id = format!("web-{}", std::process::id());
    let _left = Left::new(&folder, &id, &spec("v1", "/bin/v1"));
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    let id = InstanceId::from(id.as_str());
    let env = driver.instances.fleet[&id].running().unwrap().instance.launch().env.clone();
    let mut stray = Stray(Process::new("sleep").arg("1000").envs(env).process_group(0).spawn().unwrap());
    driver.hear(News::Ended(id, exit(0, true)));
    let ended = eventually(|| stray.0.try_wait().unwrap()).await;
    assert_eq!(ended.signal(), Some(15));
}

#[tokio::test]
async fn one_that_is_forgotten_is_watched_no_more() {
    let (_place, folder) = folder();
    let _left = Left::new(&folder, "web-1", &spec("v1", "/bin/v1"));
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    let instance = Arc::downgrade(&driver.instances.fleet[&"web-1".into()].running().unwrap().instance);
    driver.instances.fleet.clear();
    eventually(|| (instance.strong_count() == 0).then_some(())).await;
}

#[tokio::test]
async fn who_serves_is_told_before_who_leaves() {
    let (_place, folder) = folder();
    let _left = Left::new(&folder, "web-5", &spec("v1", "/bin/v1"));
    let (mut driver, public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    let mut last = Vec::new();
    while !driver.records.state.work.as_ref().unwrap().rollout.serves(&"web-5".into()) {
        driver.turn(&mut last).await;
        clock::sleep(Duration::from_millis(1)).await;
    }
    let mut events = public.events();
    driver.audience.shown.clear();
    driver.instances.fleet = std::mem::take(&mut driver.instances.fleet)
        .into_iter()
        .filter(|(id, _)| id.as_str() == "web-5")
        .collect();
    driver.instances.fleet.insert("web-1".into(), ended("v1"));
    for _ in 0..2 {
        let Driver { audience, records, instances, .. } = &mut driver;
        audience.tell_changes(records.rollout(), &mut instances.fleet, &BTreeMap::new(), NOW);
    }
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        let Event::Changed(changed) = event else { panic!("{event:?}") };
        told.push((changed.id, changed.state));
    }
    let expected = [("web-5", protocol::State::Serving), ("web-1", protocol::State::Ended)];
    assert_eq!(told, expected.map(|(id, state)| (id.to_owned(), state)));
}

fn seen(version: &str, readiness: Readiness) -> InstanceSeen {
    let in_flight = drain::InFlight::Counted(0);
    let drain = drain::Seen { alive: true, in_flight, ..drain::Seen::default() };
    InstanceSeen { version: version.into(), readiness, drain, signalled: None }
}

#[tokio::test]
async fn a_deploy_that_gets_no_further_shows_what_one_of_its_own_instances_said() {
    let (_place, mut driver, _public) = idle().await;
    driver.deploys().deploy(spec("v2", "/bin/v2"), What::Deploy, Who::own(), NOW).unwrap();
    let not_ready = |why: &str| Readiness::NotReady(Some(why.to_owned()));
    let instances = [
        ("web-1", seen("v1", not_ready("old"))),
        ("web-2", seen("v2", Readiness::Ready)),
        ("web-3", seen("v2", not_ready("new"))),
    ];
    let instances = instances.map(|(id, seen)| (InstanceId::from(id), seen)).into();
    let seen = Seen { instances, abort: false };
    driver.failures.note(driver.records.state.work.as_ref().unwrap(), &seen);
    assert_eq!(driver.failures.failing, None, "it has not failed yet");
    let rollout = &mut driver.records.state.work.as_mut().unwrap().rollout;
    for later in [0, 1, 500, 1000] {
        rollout.step(&seen, NOW + Duration::from_secs(later));
    }
    assert!(matches!(rollout.failure(), Some(Failure::NoProgress { .. })), "{:?}", rollout.failure());
    driver.failures.note(driver.records.state.work.as_ref().unwrap(), &seen);
    assert_eq!(driver.failures.failing, Some(("web-3".into(), "new".to_owned())));
}

async fn finished(other: Spec, outcome: &Outcome) -> (Driver, Box<protocol::Report>, Vec<String>) {
    let (_place, mut driver, public) = idle().await;
    driver.deploys().deploy(other, What::Deploy, Who::own(), NOW).unwrap();
    let mut events = public.events();
    let logged = said(|| driver.deploys().finish(outcome, NOW + Duration::from_millis(1500)));
    let Ok(Event::Ended(report)) = events.try_recv() else { panic!("its end is not told") };
    (driver, report, logged)
}

#[tokio::test]
async fn other_settings_of_the_same_program_hold_if_they_worked_and_are_taken_back_if_not() {
    let failure = Failure::Aborted;
    for (outcome, ended, replicas) in
        [(Outcome::Reached, Ended::Reached, 3), (Outcome::WentBack { failure }, Ended::WentBack, 2)]
    {
        let other = Spec { replicas: 3.try_into().unwrap(), ..spec("v1", "/bin/v1") };
        let (driver, report, logged) = finished(other, &outcome).await;
        assert_eq!((report.ended, report.took_ms), (ended, 1500));
        assert_eq!(driver.records.state.revision(&"v1".into()).unwrap().spec.replicas.get(), replicas);
        assert_eq!(driver.records.state.work.as_ref().unwrap().rollout.goal().replicas, replicas);
        let expected = match ended {
            Ended::Reached => "deploy to v1: reached",
            _ => "deploy to v1: went back: aborted",
        };
        assert_eq!(logged, [expected]);
    }
}

#[tokio::test]
async fn a_failure_names_a_version_as_its_users_do() {
    let failure = Failure::Crashed { version: "v1~2".into(), times: 3 };
    let (driver, report, _) = finished(spec("v1", "/bin/other"), &Outcome::WentBack { failure }).await;
    assert_eq!(report.why.as_deref(), Some("instances of version v1 ended by themselves 3 times"));
    assert_eq!(driver.records.state.work.as_ref().unwrap().current.as_str(), "v1");
}

#[tokio::test]
async fn a_state_that_cannot_be_written_is_told_once_until_it_can() {
    let (_place, mut driver, _public) = idle().await;
    let file = driver.records.folder.state_file();
    let mut tries = || {
        said(|| {
            for _ in 0..3 {
                driver.records.state.next_instance += 1;
                driver.records.persist();
            }
        })
    };
    for _ in 0..2 {
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert_eq!(tries(), ["the state cannot be written down"]);
        std::fs::remove_dir(&file).unwrap();
        assert!(tries().is_empty() && file.is_file());
    }
}

#[tokio::test]
async fn it_sleeps_until_the_time_or_for_ever() {
    let is_over = |until| pin!(sleep_until(until)).poll(&mut Context::from_waker(Waker::noop())).is_ready();
    sleep_until(Some(Time::from_millis(0))).await;
    assert!(!is_over(Some(clock::now() + Duration::from_hours(1))) && !is_over(None));
}
