//! What a new `segue up` finds of an old one: never a foreign process, and never one that nobody finds.

use segue_supervisor::instance::{Adopted, Exit};
use segue_supervisor::keeper::{Launch, State, Status, lock_is_held};
use segue_supervisor::process::{Handle, Identity};
use segue_supervisor::signal::Signal;

use super::{Place, end, line, runs, shell};

#[tokio::test]
async fn one_that_runs_is_adopted_and_its_exit_is_known_by_its_keeper() {
    let place = Place::new();
    let spawned = place.spawn("a-1", "trap 'exit 9' TERM; echo here; while :; do sleep 0.02; done").await;
    line(&spawned, |line| line == "here").await;
    let Adopted::Running(adopted) = place.adopt("a-1").await else { panic!("it runs") };
    assert_eq!((adopted.id(), adopted.version(), adopted.port()), ("a-1", "v1", 4000));
    assert_eq!((adopted.pid(), adopted.main()), (spawned.main().pid, spawned.main()));
    adopted.signal(Signal::Term).expect("signals");
    assert_eq!(adopted.exited().await, Exit { code: Some(9), known: true, ..Exit::default() });
    assert!(matches!(place.adopt("a-1").await, Adopted::Ended(Exit { code: Some(9), known: true, .. })));
    spawned.closed().await;
}

#[tokio::test]
async fn a_spawner_that_got_nowhere_leaves_nothing() {
    let place = Place::new();
    let dir = place.dir("a-1");
    assert!(matches!(place.adopt("a-1").await, Adopted::Never), "no folder");
    std::fs::create_dir_all(&dir).expect("makes it");
    assert!(matches!(place.adopt("a-1").await, Adopted::Never), "an empty one");
    let launch = serde_json::to_string(&shell("a-1", "echo")).expect("serialises");
    std::fs::write(dir.join("launch.json"), launch).expect("writes");
    std::fs::write(dir.join("lock"), "").expect("writes");
    assert!(matches!(place.adopt("a-1").await, Adopted::Never), "a lock that nobody holds");
}

#[tokio::test]
async fn a_command_that_could_not_be_run_never_ran() {
    let place = Place::new();
    let launch = Launch { program: "/no/such/file".into(), ..shell("a-1", "") };
    place.try_spawn(&launch).await.expect_err("cannot be run");
    assert!(matches!(place.adopt("a-1").await, Adopted::Never));
}

/// A process that is none of the instance's.
struct Foreign(std::process::Child);

impl Foreign {
    fn new() -> Self {
        use std::os::unix::process::CommandExt;
        Self(std::process::Command::new("sleep").arg("1000").process_group(0).spawn().expect("spawns"))
    }

    fn identity(&self) -> Identity {
        Identity::of(i32::try_from(self.0.id()).expect("fits")).expect("looks").expect("runs")
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_foreign_process_that_has_its_number_now_is_never_touched() {
    let place = Place::new();
    let instance = place.spawn("a-1", "exit 0").await;
    instance.exited().await;
    instance.closed().await;
    let foreign = Foreign::new();
    let real = foreign.identity();
    let status = Status::read(instance.dir()).expect("reads").expect("is there");
    // Its number was given out again; the keeper was killed before it could say that the instance ended.
    let stale = Identity { start_time: real.start_time - 1, ..real };
    let stale = Status { process: Some(stale), state: State::Running, ..status.clone() };
    let write = |status: &Status| {
        let text = serde_json::to_vec(status).expect("serialises");
        std::fs::write(place.dir("a-1").join("status.json"), text).expect("writes");
    };
    write(&stale);
    assert!(matches!(place.adopt("a-1").await, Adopted::Ended(exit) if !exit.known));
    assert!(runs(real));
    // The same within another boot, where even the start time may be the same by chance.
    write(&Status { boot_id: "another".to_owned(), process: Some(real), ..stale });
    assert!(matches!(place.adopt("a-1").await, Adopted::Ended(exit) if !exit.known));
    assert!(runs(real));
}

#[tokio::test]
async fn an_instance_that_ended_signals_nobody_who_has_its_number_now() {
    let foreign = Foreign::new();
    let real = foreign.identity();
    let stale = Identity { start_time: real.start_time + 1, ..real };
    assert!(Handle::open(stale).expect("looks").is_none());
    assert!(Handle::open(real).expect("looks").is_some());
    assert!(runs(real));
}

#[tokio::test]
async fn without_its_keeper_it_is_adopted_and_how_it_ends_is_unknown() {
    let place = Place::new();
    let script = "sleep 1000 & echo $!; echo here; while :; do sleep 0.02; done";
    let instance = place.spawn("a-1", script).await;
    let child = line(&instance, |line| line.parse::<i32>().is_ok()).await;
    line(&instance, |line| line == "here").await;
    let child = Identity::of(child.parse().expect("a pid")).expect("looks").expect("runs");
    let keeper = Status::read(instance.dir()).expect("reads").expect("is there").keeper;
    let keeper = Handle::open(keeper).expect("opens").expect("runs");
    keeper.signal(rustix::process::Signal::KILL).expect("signals");
    instance.closed().await;
    assert!(!lock_is_held(instance.dir()).expect("looks"));
    let Adopted::Running(adopted) = place.adopt("a-1").await else { panic!("it runs") };
    assert_eq!(adopted.pid(), instance.pid());
    adopted.signal(Signal::Term).expect("signals");
    let exit = adopted.exited().await;
    assert_eq!(exit.to_string(), "ended, and nobody saw how");
    assert_eq!(exit, Exit::default());
    assert!(!runs(child), "what it left in its group is ended all the same");
    end(&instance).await;
}

#[tokio::test]
async fn where_nobody_can_say_how_it_ended_nobody_waits_for_that() {
    let place = Place::new();
    let instance = place.spawn("a-1", "exit 0").await;
    instance.closed().await;
    let file = place.dir("a-1").join("status.json");
    std::fs::remove_file(&file).expect("is there");
    std::fs::create_dir(&file).expect("makes what cannot be read");
    let exit = tokio::time::timeout(super::PATIENCE, instance.exited()).await;
    assert_eq!(exit, Ok(Exit::default()));
}

#[tokio::test]
async fn a_status_that_a_loss_of_power_tore_is_as_none() {
    let place = Place::new();
    let instance = place.spawn("a-1", "exit 0").await;
    instance.closed().await;
    let file = place.dir("a-1").join("status.json");
    let whole = std::fs::read(&file).expect("reads");
    for torn in [&whole[..whole.len() / 2], b"", b"\0\0\0\0", b"\xff"] {
        std::fs::write(&file, torn).expect("writes");
        assert!(matches!(place.adopt("a-1").await, Adopted::Never), "{torn:?}");
    }
}
