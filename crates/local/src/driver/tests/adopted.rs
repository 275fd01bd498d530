//! What a new driver finds, and what it leaves.

use segue_supervisor::keeper::Lock;
use segue_supervisor::logs::Since;

use super::*;
use crate::control::protocol::{Phase, State, View};
use crate::history::{self, What};

fn view(driver: &mut Driver) -> View {
    let (reply, mut answer) = tokio::sync::oneshot::channel();
    driver.asked(Command::View { reply });
    answer.try_recv().unwrap()
}

#[tokio::test]
async fn a_deploy_that_a_killed_up_left_goes_on_and_says_what_it_waits_for() {
    let (_place, folder) = folder();
    let _old = ["web-1", "web-2"].map(|id| Left::new(&folder, id, &spec("v1", "/bin/v1")));
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    driver.deploys().deploy(spec("v2", "/bin/v2"), What::Deploy, Who::own(), clock::now()).unwrap();
    driver.records.persist();
    drop(driver);
    let mut new = Left::new(&folder, "web-3", &spec("v2", "/bin/v2"));
    new.listener = None;

    let (mut driver, _public) = open(&folder, Some(spec("v2", "/bin/v2"))).await;
    assert_eq!(driver.records.number_under_way(), Ok(1));
    let noted = history::last(&folder, 1).unwrap().remove(0);
    let why = noted.why.unwrap();
    assert!(why.starts_with("the earlier `segue up` was killed with 0 requests in flight"), "{why}");
    let mut last = Vec::new();
    let shown = loop {
        driver.turn(&mut last).await;
        let shown = view(&mut driver);
        if shown.serving == 2 && shown.deploy.as_ref().is_some_and(|deploy| deploy.wait.is_some()) {
            break shown;
        }
        clock::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!((shown.state, shown.instances.len()), (Phase::Deploying, 3));
    let old = shown.instances[0].wait.as_ref().map(|wait| wait.why.as_str());
    assert_eq!(old, Some("a replacement (2 serving, 2 needed)"));
    let new = &shown.instances[2];
    assert_eq!((new.state, new.version.as_str()), (State::Starting, "v2"));
    let wait = new.wait.as_ref().unwrap();
    assert_eq!(wait.setting.as_deref(), Some("ready.interval, ready.threshold"));
    let deploy = shown.deploy.unwrap();
    assert_eq!((deploy.number, deploy.from.as_deref(), deploy.to.as_str()), (1, Some("v1"), "v2"));
    assert_eq!(deploy.failure, None);

    driver.deploys().abort(&Who::own(), clock::now()).unwrap();
    driver.turn(&mut last).await;
    let shown = view(&mut driver);
    assert_eq!((shown.state, shown.deploy.unwrap().failure.as_deref()), (Phase::GoingBack, Some("aborted")));
}

#[tokio::test]
async fn of_another_boot_only_the_specs_are_left() {
    let (_place, folder) = folder();
    let (mut driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    driver.deploys().deploy(spec("v2", "/bin/v2"), What::Deploy, Who::own(), clock::now()).unwrap();
    driver.records.state.boot_id = "another".to_owned();
    driver.records.persist();
    drop(driver);
    let (driver, _public) = open(&folder, None).await;
    assert_eq!(driver.records.state.boot_id, process::boot_id().unwrap());
    assert!(driver.records.number_under_way().is_err());
    assert_eq!(driver.records.state.revisions.len(), 2);
    let noted = history::last(&folder, 1).unwrap().remove(0);
    assert_eq!(
        noted.why.as_deref(),
        Some("the machine was started anew: nothing of what ran before is left")
    );
}

#[tokio::test]
async fn who_prints_what_instances_say_hears_of_one_that_is_adopted() {
    let (_place, folder) = folder();
    let _left = Left::new(&folder, "web-1", &spec("v1", "/bin/v1"));
    let (output, mut heard) = mpsc::unbounded_channel();
    let setup = Setup { output: Some(output), ..setup(&folder, Some(spec("v1", "/bin/v1"))) };
    let (_driver, _public) = Driver::open(setup).await.unwrap();
    let started = heard.try_recv().unwrap();
    assert_eq!((started.id.as_str(), started.since), ("web-1", Since::Now));
    assert_eq!(started.dir, folder.instance("web-1"));
}

#[tokio::test]
async fn the_last_ten_that_ended_keep_what_they_said_and_not_what_they_were_started_with() {
    let (_place, folder) = folder();
    let _left = Left::new(&folder, "web-13", &spec("v1", "/bin/v1"));
    let (driver, _public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    for number in 1..=12 {
        let id = format!("web-{number}");
        spec("v1", "/bin/v1").launch(&id, 4000).write_new(&folder.instance(&id)).unwrap();
    }
    let _keeper = Lock::take(&folder.instance("web-2")).unwrap().expect("free");
    driver.records.remove_old_folders(&driver.instances.fleet);
    let ids = folder.instance_ids().unwrap();
    assert_eq!(ids, (2..=13).map(|number| format!("web-{number}")).collect::<Vec<_>>());
    let has_launch = |id: &&String| folder.instance(id).join("launch.json").exists();
    assert_eq!(ids.iter().filter(has_launch).collect::<Vec<_>>(), ["web-2", "web-13"]);
}

#[tokio::test]
async fn the_last_lines_of_one_are_shown_whole_or_not() {
    let (_place, folder) = folder();
    let (driver, _public) = open(&folder, None).await;
    assert!(driver.records.last_lines(&"web-1".into(), 2).is_empty());
    let log = folder.instance("web-1").join("log");
    std::fs::create_dir_all(&log).unwrap();
    std::fs::write(log.join("000001.log"), "one\ntwo\nthree\n").unwrap();
    assert_eq!(driver.records.last_lines(&"web-1".into(), 2), ["two", "three"]);
    std::fs::write(log.join("000002.log"), "torn").unwrap();
    assert_eq!(driver.records.last_lines(&"web-1".into(), 2), ["two", "three", "torn"]);
}

#[tokio::test]
async fn clients_are_let_in_once_one_serves_and_at_their_time_at_the_latest() {
    for serves in [false, true] {
        let (_place, mut driver, _public) = idle().await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = driver.listen_on(listener, segue_proxy::Config::default()).unwrap();
        assert_eq!(driver.front.listen, Some(address));
        let (began, opens) = (driver.session.began, driver.front.listener.as_ref().unwrap().opens);
        assert!(opens > began);
        driver.instances.pool.add("web-1", address, "v1");
        driver.let_clients_in(began);
        assert!(driver.front.proxy.is_none() && driver.front.listener.is_some());
        if serves {
            driver.instances.pool.admit("web-1");
        }
        driver.let_clients_in(if serves { began } else { opens });
        assert!(driver.front.proxy.is_some() && driver.front.listener.is_none());
    }
}
