//! Whoever ended an instance, and whether or not anybody was looking: it is replaced.

use rustix::process::Signal;
use segue_e2e::{Process, Role, Sample, Service, Told, pressure, under_load, wait};

fn service() -> Service {
    Service::start(&Sample { replicas: 3, ..Sample::default() })
}

/// Waits until three instances serve and this process is none of them.
#[track_caller]
fn until_replaced(service: &mut Service, ended: &Process) -> Vec<Process> {
    wait::until("it is replaced", wait::LONG, || {
        let now = service.place.instances();
        if now.len() == 3 && !now.contains(ended) { Ok(()) } else { Err(format!("{now:#?}")) }
    });
    service.settles("v1", 3);
    service.place.until_only(3, "v1")
}

#[test]
fn an_adopted_instance_that_ends_is_noticed_and_replaced() {
    let mut service = service();
    service.kill();
    service.again();
    service.settles("v1", 3);
    let before = service.place.until_only(3, "v1");
    before[1].signal(Signal::KILL);
    let now = until_replaced(&mut service, &before[1]);
    assert!(now.contains(&before[0]) && now.contains(&before[2]), "the others go on: {now:#?}");
    service.until_said(&[before[1].instance.as_deref().unwrap()]);
    assert_eq!(service.status().0["restarts"], 1);
}

#[test]
fn an_instance_that_ended_while_nobody_was_looking_is_replaced() {
    let mut service = service();
    let before = service.place.until_only(3, "v1");
    service.kill();
    before[0].signal(Signal::KILL);
    wait::until_true("it has ended", wait::LONG, || !before[0].lives());
    service.again();
    let now = until_replaced(&mut service, &before[0]);
    assert!(now.contains(&before[1]) && now.contains(&before[2]), "the others are adopted: {now:#?}");
}

#[test]
fn an_instance_whose_keeper_was_killed_while_nobody_was_looking_is_replaced() {
    let mut service = service();
    let before = service.place.until_only(3, "v1");
    service.kill();
    let keeper = service.place.processes().into_iter().find(|process| process.pid == before[0].parent);
    keeper.unwrap().signal(Signal::KILL);
    service.again();
    let now = until_replaced(&mut service, &before[0]);
    assert!(now.contains(&before[1]) && now.contains(&before[2]), "the others are adopted: {now:#?}");
}

#[test]
fn an_instance_whose_keeper_was_killed_is_replaced_without_a_drop() {
    under_load(|share| {
        let mut service = service();
        let before = service.place.until_only(3, "v1");
        let keeper = service
            .place
            .processes()
            .into_iter()
            .find(|process| process.role == Role::Keeper && process.pid == before[1].parent);
        let load = share.begin(
            service.listen,
            wait::LONG,
            vec![pressure::get("short", 100.0, "/"), pressure::get("long", 5.0, "/sleep?ms=300")],
        );
        load.more(30);
        keeper.unwrap().signal(Signal::KILL);
        until_replaced(&mut service, &before[1]);
        load.more(30);
        let report = load.end()?;
        service.until_said(&["keeper", before[1].instance.as_deref().unwrap()]);
        report.assert_no_drops();
        Ok(())
    });
}
