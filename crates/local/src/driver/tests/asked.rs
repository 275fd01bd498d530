//! What is asked for is done, or refused with the reason.

use segue_core::stop::Signal;
use std::os::unix::process::ExitStatusExt;

use super::*;
use crate::control::protocol::{Event, Phase};
use crate::history::{self, Ended, What};
use crate::spec::Strategy;

/// What a refusal says, and what it refuses.
type Change = (&'static str, fn(&mut Spec));

fn deploy(driver: &mut Driver, spec: Spec) -> Result<Answer, Refusal> {
    driver.deploys().deploy(spec, What::Deploy, Who::own(), NOW)
}

#[tokio::test]
async fn what_belongs_to_up_or_could_never_be_done_is_refused() {
    let (_place, mut driver, _public) = idle().await;
    let changes: [Change; 4] = [
        ("the spec is of `shop`, and this is `web`", |spec| spec.name = "shop".to_owned()),
        ("surge and unavailable are both 0", |spec| {
            spec.strategy = Strategy::Rolling { surge: 0, unavailable: 0 };
        }),
        ("a deploy cannot change listen (127.0.0.1:0 to 127.0.0.1:1)", |spec| {
            spec.listen = "127.0.0.1:1".parse().unwrap();
        }),
        ("a deploy cannot change tls", |spec| {
            let file = || "/file.pem".into();
            spec.tls = Some(crate::spec::Tls { cert: file(), key: file() });
        }),
    ];
    for (words, change) in changes {
        let mut other = spec("v2", "/bin/v2");
        change(&mut other);
        let why = deploy(&mut driver, other).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    }
    // One of the two is enough.
    for (surge, unavailable) in [(0, 1), (1, 0)] {
        let (_place, mut driver, _public) = idle().await;
        let strategy = Strategy::Rolling { surge, unavailable };
        assert!(deploy(&mut driver, Spec { strategy, ..spec("v2", "/bin/v2") }).is_ok());
    }
}

#[tokio::test]
async fn one_deploy_at_a_time_is_taken_in_numbered_and_may_be_taken_back() {
    let (_place, mut driver, public) = idle().await;
    let mut events = public.events();
    driver.failures.in_background = went("v1");
    let Ok(Answer::NothingToDo(report)) = deploy(&mut driver, spec("v1", "/bin/v1")) else {
        panic!("it runs already")
    };
    assert_eq!((report.ended, report.to.as_str()), (Ended::NothingToDo, "v1"));
    assert!(driver.failures.in_background.how(&"v1".into()).is_none(), "it is tried again");
    let none = driver.deploys().abort(&Who::own(), NOW).unwrap_err();
    assert_eq!(none.to_string(), "no deploy is under way");
    assert!(
        driver
            .deploys()
            .rollback(Who::own(), NOW)
            .unwrap_err()
            .to_string()
            .contains("no other version has worked")
    );

    assert!(matches!(deploy(&mut driver, spec("v2", "/bin/v2")), Ok(Answer::UnderWay(1))));
    assert_eq!((driver.records.number_under_way(), driver.records.state.next_deploy), (Ok(1), 2));
    for again in [deploy(&mut driver, spec("v3", "/bin/v3")), driver.deploys().rollback(Who::own(), NOW)] {
        let why = again.unwrap_err().to_string();
        assert!(why.starts_with("a deploy to v2 is under way, asked for by"), "{why}");
        assert!(why.contains(&format!("(process {})", std::process::id())), "{why}");
    }
    let aborted =
        |driver: &Driver| driver.records.state.work.as_ref().unwrap().deploy.as_ref().unwrap().abort;
    assert!(!aborted(&driver));
    // Told once.
    assert_eq!(
        (driver.deploys().abort(&Who::own(), NOW), driver.deploys().abort(&Who::own(), NOW)),
        (Ok(1), Ok(1))
    );
    assert!(aborted(&driver));
    let Ok(Event::Note { text, .. }) = events.try_recv() else { panic!("not told") };
    assert!(text.ends_with("takes it back"), "{text}");
    assert!(events.try_recv().is_err());
}

#[tokio::test]
async fn what_takes_effect_only_later_is_said() {
    for (setting, websocket_grace, most) in
        [("limits", Duration::ZERO, Some(7)), ("websocketGrace", Duration::from_secs(7), None)]
    {
        let (_place, mut driver, public) = idle().await;
        let mut events = public.events();
        let mut other = Spec { websocket_grace, ..spec("v1", "/bin/v1") };
        other.limits.max_connections = most;
        deploy(&mut driver, other).unwrap();
        let Ok(Event::Note { text, .. }) = events.try_recv() else { panic!("{setting} is not told") };
        assert_eq!(text, format!("{setting} has changed: that takes effect when `segue up` starts next"));
        assert!(events.try_recv().is_err());
    }
}

#[tokio::test]
async fn who_asks_first_takes_it_down_and_nothing_is_deployed_any_more() {
    let (_place, mut driver, public) = idle().await;
    let mut events = public.events();
    driver.deploys().deploy(spec("v2", "/bin/v2"), What::Deploy, Who::own(), NOW).unwrap();
    driver.down(Who::own(), NOW);
    let Ok(Event::Ended(report)) = events.try_recv() else { panic!("its end is not told") };
    assert_eq!((report.number, report.ended), (1, Ended::Interrupted));
    assert_eq!(report.why.as_deref(), Some("the service was taken down"));
    driver.down(Who::of(4321, None), NOW);
    assert_eq!(driver.ending.as_ref().unwrap().by, Who::own());
    let work = driver.records.state.work.as_ref().unwrap();
    assert!(work.ending && work.deploy.is_none());
    assert_eq!(work.rollout.goal().replicas, 0);
    assert_eq!(driver.picture().phase(0), Phase::Ending);
    let refused = deploy(&mut driver, spec("v3", "/bin/v3")).unwrap_err();
    assert_eq!(refused.to_string(), "web is being taken down");
}

#[tokio::test]
async fn who_forces_it_twice_does_not_wait_for_the_instances() {
    let (_place, folder) = folder();
    let mut left = Left::new(&folder, "web-1", &spec("v1", "/bin/v1"));
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    let signalled = |driver: &Driver| driver.instances.fleet[&"web-1".into()].signalled;
    for ending in [false, true] {
        if ending {
            driver.down(Who::own(), NOW);
        }
        driver.force();
        assert_eq!(signalled(&driver), None, "ending: {ending}");
    }
    // And every time after that.
    for _ in 0..2 {
        driver.instances.fleet.get_mut(&"web-1".into()).unwrap().signalled = None;
        driver.force();
        assert_eq!(signalled(&driver), Some(Signal::Kill));
    }
    assert_eq!(left.process.wait().unwrap().signal(), Some(9));
}

#[tokio::test]
async fn what_is_cut_for_somebody_who_does_not_want_to_wait_is_counted_and_its_instance_named() {
    let (_place, folder) = folder();
    let left = Left::new(&folder, "web-1", &spec("v1", "/bin/v1"));
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    let address =
        driver.listen_on(TcpListener::bind("127.0.0.1:0").unwrap(), segue_proxy::Config::default()).unwrap();
    driver.instances.pool.admit("web-1");
    driver.let_clients_in(clock::now());
    // The instance takes the request and never answers.
    let mut client = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut client, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let in_flight = |driver: &Driver| driver.instances.pool.instances()[0].in_flight;
    eventually(|| (in_flight(&driver) == 1).then_some(())).await;

    driver.down(Who::own(), clock::now());
    driver.force();
    driver.force();
    driver.front_drained(0, clock::now());
    assert!(matches!(driver.done(Outcome::Reached, clock::now()).await, Turn::Over(1)));
    let noted = history::last(&folder, 1).unwrap().remove(0);
    assert_eq!((noted.what, noted.cut), (What::Down, 1));
    assert_eq!(noted.cut_on, [history::Cut { instance: "web-1".to_owned(), requests: 1 }]);
    drop(left);
}
