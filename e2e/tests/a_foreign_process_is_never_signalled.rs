//! A number in the state folder may be another process's by now: only number and start time of this boot together name
//! one, and nothing else is ever signalled.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use segue_e2e::{Process, Sample, Service, processes, wait};
use serde_json::Value;

/// A process that has nothing to do with the test's place; it leads its process group.
struct Stranger(Child);

impl Stranger {
    fn new() -> Self {
        let child = Command::new("sleep").arg("600").stdin(Stdio::null()).process_group(0).spawn().unwrap();
        Self(child)
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    fn started(&self) -> u64 {
        processes::start_time(self.pid()).unwrap()
    }

    #[track_caller]
    fn assert_unharmed(&mut self) {
        assert_eq!(self.0.try_wait().unwrap(), None, "the stranger was ended");
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let pending = status.lines().filter(|line| line.starts_with("SigPnd") || line.starts_with("ShdPnd"));
        for line in pending {
            assert!(line.ends_with("0000000000000000"), "a signal is on its way to the stranger: {line}");
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        // It was never ended, or the test has failed already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn status_file(service: &Service, instance: &Process) -> PathBuf {
    let id = instance.instance.as_deref().unwrap();
    service.place.state_dir().join("web/instances").join(id).join("status.json")
}

/// Ends an instance with its keeper, as a loss of power would: nobody writes down that it ended.
fn vanish(service: &Service, instance: &Process) {
    let keeper = service.place.processes().into_iter().find(|process| process.pid == instance.parent);
    let keeper = keeper.unwrap();
    keeper.signal(Signal::KILL);
    wait::until_true("its keeper has ended", wait::LONG, || !keeper.lives());
    instance.signal(Signal::KILL);
    wait::until_true("it has ended", wait::LONG, || !instance.lives());
}

/// Kills `segue up`, makes all instances vanish, forges what is written down of them, and starts it again.
#[track_caller]
fn after_forging(forge: impl Fn(&mut Value, &Stranger)) {
    let mut service = Service::start(&Sample { replicas: 2, ..Sample::default() });
    let before = service.place.until_only(2, "v1");
    service.kill();
    let mut strangers: Vec<Stranger> = before.iter().map(|_| Stranger::new()).collect();
    for (instance, stranger) in before.iter().zip(&strangers) {
        vanish(&service, instance);
        let file = status_file(&service, instance);
        let mut status: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(status["process"]["pid"], instance.pid, "{status:#}");
        assert_eq!(status["process"]["start_time"], instance.started, "{status:#}");
        assert_eq!(status["state"], "running", "{status:#}");
        forge(&mut status, stranger);
        fs::write(&file, status.to_string()).unwrap();
    }
    service.again();
    service.settles("v1", 2);
    let now = service.place.until_only(2, "v1");
    assert!(now.iter().all(|process| !before.contains(process)), "{now:#?}");
    service.deploy(&Sample { version: "v2", replicas: 2, ..Sample::default() }).assert_code(0);
    let (ended, place) = service.down();
    ended.assert_code(0);
    place.until_nothing_runs();
    strangers.iter_mut().for_each(Stranger::assert_unharmed);
}

#[test]
fn one_that_has_the_number_of_an_instance() {
    after_forging(|status, stranger| status["process"]["pid"] = stranger.pid().into());
}

#[test]
fn one_that_has_the_numbers_of_an_instance_and_of_its_keeper() {
    after_forging(|status, stranger| {
        status["process"]["pid"] = stranger.pid().into();
        status["keeper"]["pid"] = stranger.pid().into();
    });
}

#[test]
fn one_that_has_number_and_start_time_of_an_instance_of_another_boot() {
    after_forging(|status, stranger| {
        status["process"] = serde_json::json!({"pid": stranger.pid(), "start_time": stranger.started()});
        status["boot_id"] = "00000000-0000-0000-0000-000000000000".into();
    });
}

#[test]
fn down_without_an_up_signals_none_either() {
    let mut service = Service::start(&Sample { replicas: 2, ..Sample::default() });
    let before = service.place.until_only(2, "v1");
    service.kill();
    let mut stranger = Stranger::new();
    vanish(&service, &before[0]);
    let file = status_file(&service, &before[0]);
    let mut status: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    status["process"]["pid"] = stranger.pid().into();
    fs::write(&file, status.to_string()).unwrap();
    service.place.run(&["down", "web"]).assert_code(0);
    service.place.until_nothing_runs();
    stranger.assert_unharmed();
}
