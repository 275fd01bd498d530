//! A service's whole life, as it is told, noted and shown.

use std::os::unix::process::ExitStatusExt;

use super::*;
use crate::control::protocol::{Event, Phase, State, View};
use crate::history::{self, Ended, What};
use tokio::sync::oneshot;

async fn view(public: &Public) -> View {
    let (reply, answer) = oneshot::channel();
    assert!(public.ask(Command::View { reply }).await);
    answer.await.unwrap()
}

/// What a service manager hears next.
async fn hears(manager: &tokio::net::UnixDatagram) -> String {
    let mut buffer = [0; 100];
    let received = tokio::time::timeout(PATIENCE, manager.recv(&mut buffer)).await;
    let count = received.expect("told in time").unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

async fn until_steady(public: &Public) -> View {
    loop {
        let view = view(public).await;
        if view.state == Phase::Steady {
            return view;
        }
        assert!(view.serving < 2 && view.state == Phase::Starting, "{view:?}");
        clock::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_an_up_left_is_kept_through_a_deploy_that_fails_and_ended_by_down() {
    let (_place, folder) = folder();
    let mut left = ["web-1", "web-2"].map(|id| Left::new(&folder, id, &spec("v1", "/bin/v1")));
    let (mut driver, public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    let mut events = public.events();
    let path = folder.path().join("notify");
    let manager = tokio::net::UnixDatagram::bind(&path).unwrap();
    driver.audience.manager = Manager::at(path.into()).unwrap();
    let running = tokio::spawn(driver.run());
    assert_eq!(hears(&manager).await, "STATUS=v1: 0 of 2 serving, starting");
    while hears(&manager).await != "READY=1" {}

    let up = until_steady(&public).await;
    assert!(up.instances.iter().all(|one| one.wait.is_none()), "{up:?}");
    // Who begins to look is shown how it is, although nothing changes.
    let mut views = public.views();
    public.ask_for_view().await;
    tokio::time::timeout(PATIENCE, views.changed()).await.expect("shown in time").unwrap();
    assert_eq!(views.borrow().as_ref().map(|view| view.state), Some(Phase::Steady));
    drop(views);
    assert_eq!((up.serving, up.replicas, up.restarts), (2, 2, 0));
    assert_eq!((up.name.as_str(), up.version.as_deref(), up.deploy), ("web", Some("v1"), None));
    let shown = up.instances.iter().map(|one| (one.id.as_str(), one.state, one.pid));
    let pid = |left: &Left| i32::try_from(left.process.id()).ok();
    assert!(shown.eq([("web-1", State::Serving, pid(&left[0])), ("web-2", State::Serving, pid(&left[1])),]));

    let (reply, answer) = oneshot::channel();
    let spec = Box::new(spec("v2", "/bin/v2"));
    public.ask(Command::Deploy { spec, by: Who::own(), reply }).await;
    let Ok(Ok(Answer::UnderWay(1))) = answer.await else { panic!("it is refused") };
    let mut told = Vec::new();
    let report = loop {
        match events.recv().await.unwrap() {
            Event::Ended(report) => break report,
            Event::Changed(changed) => told.push((changed.id, changed.state, changed.why)),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((report.number, report.ended, report.cut), (1, Ended::WentBack, 0));
    assert_eq!((report.from.as_deref(), report.to.as_str()), (Some("v1"), "v2"));
    let why = report.why.unwrap();
    assert!(why.contains("v2") && why.contains('3'), "{why}");
    let failing = report.failing.unwrap();
    assert!(failing.how.starts_with("could not be started: cannot start the keeper"), "{failing:?}");
    let of = |id: &str| -> Vec<State> {
        told.iter().filter(|(told, ..)| told == id).map(|(_, state, _)| *state).collect()
    };
    assert_eq!(of("web-1"), [State::Starting, State::Serving]);
    assert_eq!(of("web-2"), of("web-1"));
    for id in ["web-3", "web-4", "web-5"] {
        assert_eq!(of(id), [State::Ended]);
    }
    let end = told.iter().find(|(id, ..)| id == "web-3").unwrap();
    assert_eq!(end.2.as_ref(), Some(&failing.how));

    let back = view(&public).await;
    assert_eq!((back.state, back.serving, back.restarts), (Phase::Steady, 2, 3));
    assert_eq!(back.version.as_deref(), Some("v1"));

    // Nobody listens for one of them any more.
    left[1].listener = None;
    let unready = loop {
        let view = view(&public).await;
        if view.instances[1].state != State::Serving {
            break view;
        }
        clock::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!(unready.instances[1].state, State::Unready, "it was ready before");
    assert_eq!((unready.state, unready.serving), (Phase::Starting, 1));

    public.ask(Command::Down { by: Who::own() }).await;
    loop {
        match events.recv().await.unwrap() {
            Event::Down { cut } => break assert_eq!(cut, 0),
            Event::Changed(changed) => told.push((changed.id, changed.state, changed.why)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(running.await.unwrap(), 0);
    for left in &mut left {
        assert_eq!(left.process.wait().unwrap().signal(), Some(15));
    }
    assert!(told.iter().any(|(id, state, _)| id == "web-1" && *state == State::Draining), "{told:?}");
    let stopping = told.iter().find(|(id, state, _)| id == "web-1" && *state == State::Stopping).unwrap();
    assert!(stopping.2.as_ref().is_some_and(|why| why.starts_with("waits for ")), "{stopping:?}");
    let noted = history::last(&folder, 5).unwrap();
    let noted: Vec<_> = noted.iter().map(|entry| (entry.what, entry.ended)).collect();
    let expected =
        [(What::Up, Ended::Reached), (What::Deploy, Ended::WentBack), (What::Down, Ended::Reached)];
    assert_eq!(noted, expected);
    let state = crate::state::State::read(&folder).unwrap().unwrap();
    assert!(state.work.is_none() && state.instances.is_empty());
    assert_eq!(state.last_good(&"v2".into()).map(|good| good.id.as_str()), Some("v1"));
}

#[tokio::test]
async fn without_a_spec_what_was_left_is_ended_by_down_and_an_earlier_end_is_noted() {
    let (_place, folder) = folder();
    drop(open(&folder, Some(spec("v1", "/bin/v1"))).await);
    let mut left = Left::new(&folder, "web-7", &spec("v1", "/bin/v1"));
    let (driver, public) = open(&folder, None).await;
    assert_eq!(driver.records.state.next_instance, 8, "its number is not given again");
    let noted = history::last(&folder, 1).unwrap().remove(0);
    assert_eq!(
        (noted.what, noted.ended, noted.from.as_deref()),
        (What::Killed, Ended::Interrupted, Some("v1"))
    );
    public.ask(Command::Down { by: Who::own() }).await;
    assert_eq!(driver.run().await, 0);
    assert_eq!(left.process.wait().unwrap().signal(), Some(15));
}

#[test]
fn a_point_of_the_rules_clock_is_as_far_from_now_on_peoples_clock() {
    let [before, after] = [NOW, NOW + Duration::from_hours(1)].map(|time| clock::wall_at(time, NOW));
    let apart = after.duration_since(before).as_secs();
    assert!((3600..3660).contains(&apart), "{apart}");
    let earlier = clock::wall_at(NOW, NOW + Duration::from_secs(500));
    assert!((500..560).contains(&clock::wall().duration_since(earlier).as_secs()));
}
