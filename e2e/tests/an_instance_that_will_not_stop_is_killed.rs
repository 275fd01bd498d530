//! The end of an instance: by itself, by SIGKILL after the grace, and with all that it left in its process group.

use rustix::process::Signal;
use segue_e2e::{Place, Process, Role, Sample, Service, client, wait};

/// A child in the instance's process group.
const LEAVES_A_CHILD: &str = "sleep 600 &";
/// One that does not even react to SIGTERM.
const LEAVES_A_DEAF_CHILD: &str = "(trap '' TERM; while :; do sleep 1; done) &";
/// One that goes into a session of its own, as a daemon does.
const LEAVES_A_DAEMON: &str = "setsid sleep 600 &";

fn sample<'a>(version: &'a str, flags: &'a [&'a str]) -> Sample<'a> {
    Sample { version, flags, replicas: 2, ..Sample::default() }
}

/// Waits for so many: the shell that starts one does not wait until it runs.
#[track_caller]
fn sleepers(place: &Place, count: usize) -> Vec<Process> {
    wait::until(&format!("{count} sleep"), wait::LONG, || {
        let mut found = place.processes();
        found.retain(|process| process.arguments.first().is_some_and(|name| name == "sleep"));
        if found.len() == count { Ok(found) } else { Err(format!("{:#?}", place.processes())) }
    })
}

#[test]
fn one_that_ignores_sigterm_is_killed_after_the_grace_and_that_is_said() {
    let service = Service::start(&Sample { grace: "500ms", ..sample("v1", &["--deaf"]) });
    let before = service.place.until_only(2, "v1");
    let deployed = service.deploy(&sample("v2", &[]));
    deployed.assert_code(0);
    service.place.until_only(2, "v2");
    for instance in &before {
        let id = instance.instance.as_deref().unwrap();
        let said = deployed.said();
        let told = said.lines().any(|line| line.contains(id) && line.contains("SIGKILL"));
        assert!(told, "nothing says that {id} was killed:\n{said}");
    }
}

#[test]
fn one_that_ignores_sigterm_does_not_hold_down_up() {
    let service = Service::start(&Sample { grace: "500ms", ..sample("v1", &["--deaf"]) });
    let (ended, place) = service.down();
    ended.assert_code(0);
    assert!(ended.said().contains("SIGKILL"), "{}", ended.said());
    place.until_nothing_runs();
}

#[test]
fn what_it_leaves_in_its_process_group_is_ended_with_it() {
    for before in [LEAVES_A_CHILD, LEAVES_A_DEAF_CHILD] {
        let service = Service::start(&Sample { before, ..sample("v1", &[]) });
        let children = service.place.processes().iter().filter(|process| process.role == Role::Child).count();
        assert!(children >= 2, "the children are not there: {:#?}", service.place.processes());
        service.deploy(&sample("v2", &[])).assert_code(0);
        service.place.until_only(2, "v2");
    }
}

#[test]
fn what_it_leaves_in_its_process_group_is_ended_when_it_crashes() {
    let mut service = Service::start(&Sample { before: LEAVES_A_DEAF_CHILD, ..sample("v1", &[]) });
    let crashed = service.place.instances().swap_remove(0);
    let orphans: Vec<Process> =
        service.place.processes().into_iter().filter(|process| process.group == crashed.pid).collect();
    assert!(orphans.len() >= 2, "{orphans:#?}");
    crashed.signal(Signal::KILL);
    wait::until("its process group has ended", wait::LONG, || {
        let left: Vec<&Process> = orphans.iter().filter(|process| process.lives()).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("{left:#?}")) }
    });
    service.settles("v1", 2);
}

#[test]
fn what_it_leaves_in_its_process_group_is_ended_also_if_nobody_kept_it() {
    let mut service = Service::start(&Sample { before: LEAVES_A_CHILD, ..sample("v1", &[]) });
    service.kill();
    for keeper in service.place.processes().iter().filter(|process| process.role == Role::Keeper) {
        keeper.signal(Signal::KILL);
    }
    service.place.run(&["down", "web"]).assert_code(0);
    service.place.until_nothing_runs();
}

/// A process that leaves the instance's process group and session is not the instance's any more: it is left alone, as
/// docs/one-machine.md says, and holds nothing up.
#[test]
fn what_leaves_its_process_group_is_left_alone() {
    let service = Service::start(&Sample { before: LEAVES_A_DAEMON, ..sample("v1", &[]) });
    let daemons = sleepers(&service.place, 2);
    service.deploy(&sample("v2", &[])).assert_code(0);
    assert_eq!(client::get(service.listen, "/").version(), Some("v2"));
    let (ended, place) = service.down();
    ended.assert_code(0);
    let left: Vec<i32> = place.processes().iter().map(|process| process.pid).collect();
    let ours: Vec<i32> = daemons.iter().map(|process| process.pid).collect();
    assert_eq!(left, ours, "the daemons alone are left");
    for daemon in &daemons {
        daemon.signal(Signal::TERM);
    }
    place.until_nothing_runs();
}
