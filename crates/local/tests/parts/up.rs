//! What a process that becomes an `up` takes from whoever started it.

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output};

use segue_local::folder::StateDir;
use segue_local::instance::Instance;
use segue_local::up::down_without_up;

use super::{HELPER, Place, keeper, program, runs};

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("runs");
    assert!(output.status.success(), "{output:?}");
    output
}

#[test]
fn the_manager_that_its_environment_names_is_told() {
    let place = Place::new();
    let path = place.0.path().join("notify");
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
    let place = Place::new();
    let folder = StateDir::find(Some(place.0.path().to_owned())).expect("finds").service("web");
    drop(folder.lock().expect("locks"));
    let launch = program("web-1", &["/bin/sleep", "1000"]);
    let instance = Instance::spawn(&folder.instance("web-1"), &launch, &keeper()).await.expect("spawns");
    assert_eq!(down_without_up(folder, keeper()).await.expect("ends it"), 0);
    assert!(!runs(instance.main()));
    assert_eq!(instance.exited().await.signal, Some(15));
}
