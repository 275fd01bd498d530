//! What a process that becomes an `up` takes from whoever started it.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output};
use std::time::Duration;

use segue_local::folder::StateDir;
use segue_local::up::down_without_up;
use segue_supervisor::instance::{Instance, Keeper};
use segue_supervisor::keeper::{Launch, LogLimits};
use tempfile::TempDir;

const HELPER: &str = env!("CARGO_BIN_EXE_segue-local-test-helper");

fn place() -> TempDir {
    tempfile::tempdir().expect("temp dir")
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    output
}

#[test]
fn the_manager_that_its_environment_names_is_told() {
    let place = place();
    let path = place.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("binds");
    manager.set_nonblocking(true).expect("sets");
    // None, and none by an empty name.
    run(Command::new(HELPER).arg("notify").env_remove("NOTIFY_SOCKET"));
    run(Command::new(HELPER).arg("notify").env("NOTIFY_SOCKET", ""));
    let mut buffer = [0; 64];
    manager.recv(&mut buffer).expect_err("nothing was said");
    run(Command::new(HELPER).arg("notify").env("NOTIFY_SOCKET", &path));
    let count = manager.recv(&mut buffer).expect("is told");
    assert_eq!(&buffer[..count], b"READY=1");
}

#[test]
fn it_takes_all_the_open_files_that_it_may_have_and_hands_none_on() {
    let script = |limits: &str| {
        let inner = "ulimit -Sn; ulimit -Hn; if [ -e /proc/self/fd/9 ]; then echo held; fi";
        let script = format!("{limits}; exec 9</dev/null \"$0\" take '{inner}'");
        let output = run(Command::new("/bin/sh").args(["-c", &script, HELPER]));
        String::from_utf8(output.stdout).expect("text")
    };
    assert_eq!(script("ulimit -Sn 77; ulimit -Hn 99"), "Some(77) Some(99)\n99\n99\n");
    assert_eq!(script("ulimit -n 88"), "Some(88) Some(88)\n88\n88\n");
}

#[tokio::test]
async fn what_nobody_drives_any_more_is_ended_by_down() {
    let place = place();
    let folder = StateDir::find(Some(place.path().to_owned())).expect("finds").service("web");
    drop(folder.lock().expect("locks"));
    let launch = Launch {
        id: "web-1".to_owned(),
        version: "v1".to_owned(),
        program: "/bin/sleep".into(),
        arguments: ["sleep", "1000"].map(str::to_owned).into(),
        env: BTreeMap::new(),
        cwd: "/".into(),
        user: None,
        port: 4000,
        log: LogLimits::default(),
        group_grace: Duration::from_millis(300),
        open_files: None,
    };
    let keeper = || Keeper { program: HELPER.into(), arguments: vec!["keeper".into()], open_files: None };
    let instance = Instance::spawn(&folder.instance("web-1"), &launch, &keeper()).await.expect("spawns");
    assert_eq!(down_without_up(folder, keeper()).await.expect("ends it"), 0);
    let stat = instance.main().stat().expect("looks");
    assert!(stat.is_none_or(|stat| stat.ended()));
    assert_eq!(instance.exited().await.signal, Some(15));
}
