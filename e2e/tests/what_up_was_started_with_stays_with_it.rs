//! What a script that starts `segue up` holds open is no business of the instances, and neither is what `up` needs for
//! itself.

use std::fs;

use rustix::process::Signal;
use segue_e2e::place::free_address;
use segue_e2e::{Place, Role, Running, Sample, Service, Status, segue, wait};

/// Starts `segue up` of one instance by a shell that does this first.
fn up_after(place: &Place, before: &str) -> Running {
    let spec = Sample { replicas: 1, ..Sample::default() }.spec(place, free_address());
    let mut up = place.start_after(before, &["up", "-f", &spec.to_string_lossy()]);
    wait::until("it serves", wait::LONG, || {
        up.assert_running();
        let status = Status::ask(place, "web")?;
        if status.settled("v1", 1) { Ok(()) } else { Err(format!("{:#}", status.0)) }
    });
    up
}

#[test]
fn open_descriptors_reach_neither_keepers_nor_instances() {
    let place = Place::new();
    let mark = place.write("held-open", "").canonicalize().unwrap();
    let held = format!("exec 9<{0} 77>>{0};", mark.display());
    let _up = up_after(&place, &held);
    let holders = |role: Role| {
        let of_role = place.processes().into_iter().filter(move |process| process.role == role);
        of_role.map(|process| {
            let files = fs::read_dir(format!("/proc/{}/fd", process.pid)).unwrap();
            files
                .filter(|file| fs::read_link(file.as_ref().unwrap().path()).is_ok_and(|to| to == mark))
                .count()
        })
    };
    assert_eq!(
        holders(Role::Keeper).collect::<Vec<_>>(),
        [0],
        "the keeper, and with it whoever outlives `up`"
    );
    assert_eq!(holders(Role::Main).collect::<Vec<_>>(), [0], "the instance");
}

#[test]
fn the_limit_of_open_files_is_raised_for_up_alone() {
    let place = Place::new();
    let up = up_after(&place, "ulimit -Sn 200; ulimit -Hn 3000;");
    let soft = |pid: i32| {
        let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap().to_owned();
        line.split_whitespace().nth(3).unwrap().to_owned()
    };
    assert_eq!(soft(up.pid().as_raw_nonzero().get()), "3000");
    assert_eq!(soft(place.instances()[0].pid), "200");
    let said = up.said();
    assert!(
        said.contains("not the 10000 of limits.maxConnections") && said.contains("3000 open files"),
        "{said}"
    );
}

#[test]
fn what_an_ended_instance_was_started_with_is_forgotten() {
    let place = Place::new();
    let listen = free_address();
    let token = "env: { TOKEN: a-secret-of-v1 }\n";
    let spec = |version: &str, token: &str| {
        let program = segue().to_string_lossy();
        let command = [&*program, "sample", "--port", "$PORT", "--version", version];
        let text = format!(
            "name: web\nlisten: {listen}\nversion: {version}\ncommand: {}\nready: {{ http: /health }}\n{token}",
            serde_json::to_string(&command).unwrap()
        );
        place.write(&format!("{version}.yaml"), &text).to_string_lossy().into_owned()
    };
    let mut up = place.start(&["up", "-f", &spec("v1", token)]);
    wait::until("it serves", wait::LONG, || {
        up.assert_running();
        let status = Status::ask(&place, "web")?;
        if status.settled("v1", 1) { Ok(()) } else { Err(format!("{:#}", status.0)) }
    });
    place.run(&["deploy", "-f", &spec("v2", "")]).assert_code(0);
    let kept = |id: &str| {
        let files = fs::read_dir(place.state_dir().join("web/instances").join(id)).unwrap();
        let files = files.map(|file| file.unwrap().path()).filter(|file| file.is_file());
        files.map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned()).collect::<String>()
    };
    wait::until_true("it is forgotten", wait::LONG, || !kept("web-1").contains("a-secret-of-v1"));
    assert!(kept("web-2").contains("SEGUE_VERSION"), "what runs must be known to whoever takes it over");
    assert!(place.run(&["logs", "web"]).said().contains("version v1"), "its log is kept");
}

#[test]
fn it_is_forgotten_where_the_keeper_was_killed_too() {
    let mut service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    let kill_keeper = |service: &Service| {
        let instance = service.place.until_only(1, "v1").remove(0);
        let mut living = service.place.processes();
        living.retain(|process| process.pid == instance.parent);
        living[0].signal(Signal::KILL);
        instance
    };
    let launches = |folder: &std::path::Path| {
        let instances = fs::read_dir(folder.join("web/instances")).unwrap();
        instances.filter(|instance| instance.as_ref().unwrap().path().join("launch.json").exists()).count()
    };
    let first = kill_keeper(&service);
    wait::until_true("it is replaced", wait::LONG, || !first.lives());
    service.settles("v1", 1);
    let folder = service.place.state_dir();
    wait::until_true("only the one that runs is known", wait::LONG, || launches(&folder) == 1);

    kill_keeper(&service);
    let (ended, _place) = service.down();
    ended.assert_code(0);
    assert_eq!(launches(&folder), 0);
}
