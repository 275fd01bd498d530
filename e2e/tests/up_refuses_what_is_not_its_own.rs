//! A port, a name or instances that belong to another are left to it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use segue_e2e::client::try_get;
use segue_e2e::{Place, Pressure, Sample, Service, Status, Told, wait};

#[test]
fn a_taken_port_is_named_and_nothing_is_left_behind() {
    let place = Place::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = other.local_addr().unwrap();
    let spec = Sample::default().spec(&place, listen).to_string_lossy().into_owned();
    let ended = place.run(&["up", "-f", &spec]);
    ended.assert_code(2);
    ended.assert_says(&[&listen.to_string()]);
    place.until_nothing_runs();

    // Once the port is free, nothing stands in the way.
    drop(other);
    let mut up = place.start(&["up", "-f", &spec]);
    wait::until("it serves", wait::LONG, || {
        up.assert_running();
        let status = Status::ask(&place, "web")?;
        if status.settled("v1", 3) { Ok(()) } else { Err(format!("{:#}", status.0)) }
    });
}

#[test]
fn a_second_up_of_the_same_name_is_refused() {
    let mut service = Service::start(&Sample { replicas: 2, ..Sample::default() });
    let before = service.place.instances();
    let pid = service.up().process().pid().as_raw_nonzero().to_string();
    // It would listen elsewhere; the name is what counts.
    let elsewhere = Sample { version: "v2", ..Sample::default() }
        .spec(&service.place, segue_e2e::place::free_address())
        .to_string_lossy()
        .into_owned();
    for arguments in [vec!["up", "-f", &elsewhere], vec!["up", "-f", &elsewhere, "--replace"]] {
        let ended = service.place.run(&arguments);
        ended.assert_code(1);
        ended.assert_says(&["web", &pid]);
    }
    service.up().process().assert_running();
    service.assert_settled("v1", 2);
    assert_eq!(service.place.instances(), before);
}

#[test]
fn over_living_instances_of_another_spec_up_is_refused_unless_it_is_to_replace_them() {
    let sample = Sample { replicas: 2, ..Sample::default() };
    let mut service = Service::start(&sample);
    service.up().kill();
    let before = service.place.instances();
    assert_eq!(before.len(), 2, "instances outlive a killed `segue up`");

    let slow = Sample { version: "v2", flags: &["--rude", "--start-delay", "700ms"], ..sample };
    let spec = service.spec(&slow);
    let ended = service.place.run(&["up", "-f", &spec]);
    ended.assert_code(1);
    ended.assert_says(&["--replace", "v1"]);
    assert_eq!(service.place.instances(), before, "it touched what it refused");

    let _up = service.place.start(&["up", "-f", &spec, "--replace"]);
    wait::until("the adopted instances are served from", wait::LONG, || match try_get(service.listen, "/") {
        Ok(answer) if answer.status == 200 => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let load = Pressure::brisk(service.listen);
    service.until("the new ones serve", |status| status.settled("v2", 2));
    load.more(50);
    let result = load.end();
    result.assert_no_drops();
    assert!(result.answered_by("v1") > 0, "{:?}", result.ledger.versions());
    assert!(before.iter().all(|old| !old.lives()));
}

#[test]
fn over_living_instances_of_the_same_spec_up_adopts_them() {
    let sample = Sample { replicas: 2, ..Sample::default() };
    let mut service = Service::start(&sample);
    service.up().kill();
    let before = service.place.instances();
    let spec = service.spec(&sample);
    let _up = service.place.start(&["up", "-f", &spec]);
    service.until("all serve again", |status| status.0["pid"].is_u64() && status.settled("v1", 2));
    assert_eq!(service.place.instances(), before);
}

#[test]
fn a_state_folder_below_another_users_is_refused_and_not_touched() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = Place::new();
    let (theirs, victim) = (place.folder().join("theirs"), place.folder().join("victim"));
    for folder in [&theirs, &victim] {
        std::fs::create_dir(folder).unwrap();
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    std::os::unix::fs::symlink(&victim, theirs.join("web")).unwrap();
    std::os::unix::fs::chown(&theirs, Some(4321), Some(4321)).unwrap();
    let spec = Sample::default().spec(&place, segue_e2e::place::free_address());
    let mut command = std::process::Command::new(segue_e2e::segue());
    command.arg("up").arg("-f").arg(spec).arg("--state-dir").arg(&theirs);
    let ended = segue_e2e::Running::start_command(place.folder(), command).ended();
    ended.assert_code(2);
    ended.assert_says(&["belongs to user 4321", "--state-dir"]);
    assert_eq!(std::fs::metadata(&victim).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(std::fs::read_dir(&victim).unwrap().count(), 0);
}
