//! What is held back, and for how long.

use std::pin::pin;
use std::task::{Context, Waker};

use segue_core::drain;
use segue_core::stop::Signal;
use segue_supervisor::keeper::Lock;

use super::*;
use crate::control::protocol::{Event, Phase};
use crate::history::{self, What};

fn all_actions() -> Vec<Action> {
    let instance = || InstanceId::from("web-1");
    vec![
        Action::Start { version: "v1".into() },
        Action::Start { version: "v2".into() },
        Action::Admit { instance: instance(), paths: Vec::new() },
        Action::Suspend { instance: instance() },
        Action::Drain { instance: instance(), action: drain::Action::Cut },
        Action::Stop { instance: instance(), signal: Signal::Stop },
        Action::Forget { instance: instance() },
        Action::Forget { instance: "web-2".into() },
    ]
}

#[tokio::test]
async fn until_the_proxy_has_let_its_clients_go_instances_serve_on_and_none_begins() {
    let (_place, mut driver, _public) = idle().await;
    let left = |driver: &Driver| {
        let mut actions = all_actions();
        driver.hold_while_front_drains(&mut actions);
        actions
    };
    assert_eq!(left(&driver), all_actions());
    driver.down(Who::own(), NOW);
    assert_eq!(left(&driver), all_actions());
    driver.ending.as_mut().unwrap().front_drained = false;
    let kinds = left(&driver);
    assert_eq!(kinds.len(), 3);
    assert!(kinds.iter().all(|one| matches!(one, Action::Drain { .. } | Action::Forget { .. })), "{kinds:?}");
    // What the proxy cut is counted, and then the instances may end.
    driver.hear(News::FrontDrained(7));
    assert_eq!((left(&driver), driver.ending.as_ref().unwrap().cut), (all_actions(), 7));
}

#[tokio::test]
async fn what_goes_into_the_background_is_not_started_again_and_stays_to_be_seen() {
    let (_place, mut driver, _public) = idle().await;
    driver.instances.fleet.insert("web-1".into(), ended("v1"));
    driver.instances.fleet.insert("web-2".into(), ended("v2"));
    let held = |driver: &Driver| {
        let mut actions = all_actions();
        let again = driver.hold_what_goes_into_background(&mut actions, NOW);
        (actions, again)
    };
    assert_eq!(held(&driver), (all_actions(), None));
    driver.failures.in_background = went("v2");
    assert_eq!(held(&driver), (all_actions(), None), "it is not what is wanted");
    driver.failures.in_background = went("v1");
    let mut rest = all_actions();
    rest.retain(|action| {
        *action != Action::Start { version: "v1".into() }
            && *action != Action::Forget { instance: "web-1".into() }
    });
    let (actions, again) = held(&driver);
    assert_eq!(actions, rest);
    assert!(again.is_some_and(|again| again > NOW));
    let shown = driver.failures.in_background.wait(&driver.instances.fleet[&"web-1".into()]).unwrap();
    assert_eq!((shown.why.as_str(), shown.setting.as_deref()), ("how", Some("command")));
    assert_eq!(driver.failures.in_background.wait(&driver.instances.fleet[&"web-2".into()]), None);
    // A deploy ends by its own rules, and so does the end.
    driver.deploys().deploy(spec("v2", "/bin/v2"), What::Deploy, Who::own(), NOW).unwrap();
    driver.failures.in_background = went("v2");
    assert_eq!(held(&driver), (all_actions(), None));
    driver.down(Who::own(), NOW);
    driver.failures.in_background = went("v1");
    assert_eq!(held(&driver), (all_actions(), None));
}

fn went_into_background(driver: &mut Driver, id: &str, revision: &str) {
    let Driver { records, failures, instances, .. } = driver;
    super::super::heard::went_into_background(
        &id.into(),
        &revision.into(),
        "how",
        instances,
        records,
        failures,
    );
}

#[tokio::test]
async fn one_that_went_into_the_background_takes_its_deploy_back() {
    let (_place, mut driver, public) = idle().await;
    let mut events = public.events();
    let aborts = |driver: &Driver| driver.records.state.work.as_ref().unwrap().deploy.as_ref().unwrap().abort;
    driver.deploys().deploy(spec("v2", "/bin/v2"), What::Deploy, Who::own(), NOW).unwrap();
    went_into_background(&mut driver, "web-1", "v1");
    assert!(!aborts(&driver) && driver.failures.failing.is_none());
    went_into_background(&mut driver, "web-2", "v2");
    assert!(aborts(&driver));
    assert_eq!(driver.failures.failing, Some(("web-2".into(), "how".to_owned())));
    let Ok(Event::Note { text, .. }) = events.try_recv() else { panic!("not told") };
    assert_eq!(text, "web-1 how; it is not started again until the next deploy");
}

#[tokio::test]
async fn down_is_not_over_before_the_proxy_has_let_its_clients_go_and_gives_it_the_drains_deadline() {
    let (_place, mut driver, _public) = idle().await;
    assert_eq!(driver.drain_deadline(), Duration::from_mins(1));
    driver.down(Who::own(), clock::now());
    for (front_drained, is_over) in [(false, false), (true, true)] {
        driver.ending.as_mut().unwrap().front_drained = front_drained;
        let turn = driver.done(Outcome::Reached, clock::now()).await;
        assert_eq!(matches!(turn, Turn::Over(0)), is_over);
    }
}

#[tokio::test]
async fn down_is_over_only_when_the_last_keeper_has_ended() {
    let (_place, folder) = folder();
    let (mut driver, public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    let mut events = public.events();
    spec("v1", "/bin/v1").launch("web-1", 4000).write_new(&folder.instance("web-1")).unwrap();
    let keeper = Lock::take(&folder.instance("web-1")).unwrap().expect("free");
    driver.down(Who::own(), clock::now());
    driver.front_drained(3, clock::now());
    {
        let mut ending = pin!(driver.done(Outcome::Reached, clock::now()));
        assert!(ending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(events.try_recv().is_err(), "it is told too early");
        drop(keeper);
        assert!(matches!(ending.await, Turn::Over(3)));
    }
    assert_eq!(events.try_recv().unwrap(), Event::Down { cut: 3 });
    let noted = history::last(&folder, 1).unwrap().remove(0);
    assert_eq!((noted.what, noted.cut, noted.from.as_deref()), (What::Down, 3, Some("v1")));
    let proxy = history::Cut { instance: "proxy".to_owned(), requests: 3 };
    assert_eq!(noted.cut_on, [proxy]);
    assert_eq!(driver.picture().phase(0), Phase::Down);
}

#[tokio::test]
async fn a_keeper_that_hangs_does_not_hold_down_up_for_ever() {
    let (_place, folder) = folder();
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    spec("v1", "/bin/v1").launch("web-1", 4000).write_new(&folder.instance("web-1")).unwrap();
    let _keeper = Lock::take(&folder.instance("web-1")).unwrap().expect("free");
    driver.down(Who::own(), clock::now());
    // As if it had hung since the machine was started.
    assert!(matches!(driver.done(Outcome::Reached, Time::from_millis(0)).await, Turn::Over(0)));
    let noted = history::last(&folder, 1).unwrap().remove(0);
    assert_eq!((noted.cut, noted.cut_on), (0, Vec::new()));
}
