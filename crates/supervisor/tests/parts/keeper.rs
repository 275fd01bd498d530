//! What a keeper does for its instance, and what it does when that ends.

use std::time::Duration;

use segue_supervisor::instance::{Exit, Instance, Keeper, SpawnError};
use segue_supervisor::keeper::{Launch, State, Status, lock_is_held};
use segue_supervisor::process::{Handle, Identity};
use segue_supervisor::signal::Signal;

use super::{HELPER, Place, end, eventually, line, program, runs, said, shell};

#[tokio::test]
async fn both_outputs_and_the_exit_code_are_kept() {
    let place = Place::new();
    let instance = place.spawn("a-1", "echo out; echo err >&2; printf unfinished; exit 3").await;
    assert_eq!(instance.exited().await, Exit { code: Some(3), known: true, ..Exit::default() });
    assert_eq!(said(&instance).await, ["out", "err", "unfinished"]);
    let status = Status::read(instance.dir()).expect("reads").expect("is there");
    assert_eq!(status.state, State::Exited { code: Some(3), signal: None, background: false });
}

#[tokio::test]
async fn a_signal_that_ended_it_is_told_by_its_name() {
    let place = Place::new();
    let instance = place.spawn("a-1", "kill -SEGV $$").await;
    assert_eq!(instance.exited().await.to_string(), "ended by SIGSEGV");
    assert_eq!(instance.exited().await, Exit { signal: Some(11), known: true, ..Exit::default() });
}

#[tokio::test]
async fn what_cannot_be_run_is_told() {
    let place = Place::new();
    let script = place.0.path().join("script");
    std::fs::write(&script, "#!/no/such/interpreter\n").expect("writes");
    let script = script.to_str().expect("UTF-8");
    let broken = place.0.path().join("broken");
    std::fs::write(&broken, "#!/no/such/interpreter\n").expect("writes");
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&broken, permissions).expect("sets");
    let broken = broken.to_str().expect("UTF-8");
    let mut lost_folder = program("no-folder", &["/bin/true"]);
    lost_folder.cwd = "/no/such/folder".into();
    let cases = [
        (
            program("missing", &["/no/such/file"]),
            "cannot run /no/such/file: there is no such file".to_owned(),
        ),
        (
            program("broken", &[broken]),
            format!("cannot run {broken}: the interpreter in its first line, or its loader, does not exist"),
        ),
        (program("text", &[script]), format!("cannot run {script}: it is not executable for this user")),
        (lost_folder, "cannot run /bin/true: its folder /no/such/folder does not exist".to_owned()),
    ];
    for (launch, expected) in cases {
        match place.try_spawn(&launch).await {
            Err(SpawnError::Command(why)) => assert_eq!(why, expected),
            other => panic!("{other:?}"),
        }
        eventually("its keeper ends", || !lock_is_held(&place.dir(&launch.id)).expect("looks")).await;
    }
}

#[tokio::test]
async fn a_keeper_that_ends_before_it_said_anything_is_told_as_that() {
    let place = Place::new();
    let keeper = Keeper { program: "/bin/true".into(), ..super::keeper() };
    let spawned = Instance::spawn(&place.dir("a-1"), &shell("a-1", "exit 0"), &keeper).await;
    assert!(matches!(spawned, Err(SpawnError::KeeperEnded)), "{spawned:?}");
}

#[tokio::test]
async fn a_folder_that_exists_is_another_instances() {
    let place = Place::new();
    let first = place.spawn("a-1", "exec sleep 1000").await;
    let second = place.try_spawn(&shell("a-1", "echo never")).await;
    assert!(matches!(second, Err(SpawnError::Folder { .. })), "{second:?}");
    end(&first).await;
}

#[tokio::test]
async fn an_instance_can_be_asked_by_a_signal_that_its_up_ignores() {
    let place = Place::new();
    // As a shell starts what it puts in the background, and as nohup does.
    let arguments = ["-c", "trap '' INT QUIT HUP USR1; exec \"$@\"", "sh", HELPER, "keeper"];
    let keeper =
        Keeper { program: "/bin/sh".into(), arguments: arguments.map(Into::into).to_vec(), open_files: None };
    for (number, signal) in [(2, Signal::Int), (3, Signal::Quit), (1, Signal::Hup), (10, Signal::Usr1)] {
        let id = format!("a-{number}");
        let launch = program(&id, &["/bin/sleep", "1000"]);
        let instance = segue_supervisor::instance::Instance::spawn(&place.dir(&id), &launch, &keeper)
            .await
            .expect("spawns");
        instance.signal(signal).expect("signals");
        let ended = tokio::time::timeout(super::PATIENCE, instance.exited()).await;
        assert_eq!(ended.map(|exit| exit.signal), Ok(Some(number)), "{signal}");
        instance.closed().await;
    }
}

#[tokio::test]
async fn the_instance_gets_its_environment_and_not_what_is_up_s_own() {
    let place = Place::new();
    let arguments =
        ["NOTIFY_SOCKET=/x", "LISTEN_FDS=1", "FROM_UP=kept", HELPER, "keeper"].map(Into::into).to_vec();
    let keeper = Keeper { program: "/usr/bin/env".into(), arguments, open_files: None };
    let mut launch = shell("a-1", "env; pwd; ls -l /proc/$$/fd | grep -c lock; cat");
    launch.env.insert("PORT".to_owned(), "4000".to_owned());
    launch.cwd = "/usr".into();
    let instance = segue_supervisor::instance::Instance::spawn(&place.dir("a-1"), &launch, &keeper)
        .await
        .expect("spawns");
    let said = said(&instance).await;
    let has = |line: &str| said.iter().any(|said| said == line);
    assert!(has("PORT=4000") && has("SEGUE_INSTANCE=a-1") && has("FROM_UP=kept") && has("/usr"), "{said:?}");
    assert!(
        !said.iter().any(|line| line.starts_with("NOTIFY_SOCKET") || line.starts_with("LISTEN")),
        "{said:?}"
    );
    // The lock is the keeper's alone, and there is nothing to read.
    assert_eq!(said.last().map(String::as_str), Some("0"));
    assert_eq!(instance.exited().await.code, Some(0));
}

#[tokio::test]
async fn the_stop_signal_reaches_the_application_and_its_own_answer_is_kept() {
    let place = Place::new();
    let script = "trap 'echo bye; exit 7' TERM; echo here; while :; do sleep 0.02; done";
    let instance = place.spawn("a-1", script).await;
    line(&instance, |line| line == "here").await;
    instance.signal(Signal::Term).expect("signals");
    assert_eq!(instance.exited().await.code, Some(7));
    assert_eq!(said(&instance).await, ["here", "bye"]);
    // It is gone, and to signal it again is no error and hits nobody.
    instance.signal(Signal::Kill).expect("signals");
}

#[tokio::test]
async fn the_keeper_outlives_signals_that_are_not_meant_for_it() {
    let place = Place::new();
    let instance = place.spawn("a-1", "echo here; exec sleep 1000").await;
    line(&instance, |line| line == "here").await;
    let keeper = Status::read(instance.dir()).expect("reads").expect("is there").keeper;
    let stat = keeper.stat().expect("looks").expect("runs");
    assert_eq!((stat.session, stat.group), (keeper.pid, keeper.pid), "a session of its own");
    let pid = rustix::process::Pid::from_raw(keeper.pid).expect("a pid");
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT, rustix::process::Signal::HUP]
    {
        rustix::process::kill_process(pid, signal).expect("signals");
    }
    instance.signal(Signal::Quit).expect("signals");
    assert_eq!(instance.exited().await, Exit { signal: Some(3), known: true, ..Exit::default() });
    instance.closed().await;
}

#[tokio::test]
async fn what_it_leaves_in_its_process_group_ends_with_it() {
    let place = Place::new();
    // One that stops when asked, and one that does not.
    let script = "sleep 1000 & echo $!; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.02; done' & sleep 2; exit 0";
    let instance = place.spawn("a-1", script).await;
    assert_eq!(instance.exited().await.code, Some(0));
    let said = said(&instance).await;
    let left: Vec<i32> = said.iter().map(|pid| pid.parse().expect("a pid")).collect();
    assert_eq!(left.len(), 2);
    for pid in left {
        assert!(!Identity::of(pid).expect("looks").is_some_and(runs), "{pid} still runs");
    }
}

#[tokio::test]
async fn what_it_leaves_has_its_grace_and_no_longer_than_it_needs() {
    let place = Place::new();
    let says_bye = "trap 'sleep 0.2; echo bye; exit' TERM; echo here; while :; do sleep 0.02; done";
    let script = format!("sh -c \"{says_bye}\" & sleep 2; exit 0");
    let launch = Launch { group_grace: Duration::from_hours(1), ..shell("a-1", &script) };
    let instance = place.try_spawn(&launch).await.expect("spawns");
    tokio::time::timeout(super::PATIENCE, instance.closed()).await.expect("closes");
    let said = said(&instance).await;
    // A shell may say, too, that what it waited for was terminated.
    assert_eq!(said.first().map(String::as_str), Some("here"));
    assert_eq!(said.last().map(String::as_str), Some("bye"));
}

#[tokio::test]
async fn who_left_the_process_group_does_not_hold_the_keeper_up() {
    let place = Place::new();
    let instance = place.spawn("a-1", "setsid sh -c 'echo $$; exec sleep 1000' & sleep 2; exit 0").await;
    assert_eq!(instance.exited().await.code, Some(0));
    let said = said(&instance).await;
    let escaped: i32 = said[0].parse().expect("a pid");
    let escaped = Identity::of(escaped).expect("looks").expect("runs");
    assert!(runs(escaped), "a process group is ended, a daemon is not");
    let handle = segue_supervisor::process::Handle::open(escaped).expect("opens").expect("runs");
    handle.signal(rustix::process::Signal::KILL).expect("signals");
}

#[tokio::test]
async fn kill_group_ends_all_of_it_at_once() {
    let place = Place::new();
    let script = "trap '' TERM; sleep 1000 & echo $!; while :; do sleep 0.02; done";
    let instance = place.spawn("a-1", script).await;
    let child = line(&instance, |line| line.parse::<i32>().is_ok()).await;
    let child = Identity::of(child.parse().expect("a pid")).expect("looks").expect("runs");
    instance.kill_group().expect("kills");
    assert_eq!(instance.exited().await.signal, Some(9));
    eventually("its child ends", || !runs(child)).await;
    instance.closed().await;
    instance.kill_group().expect("nobody is left, which is no error");
}

#[tokio::test]
async fn an_application_that_closes_its_output_is_still_watched() {
    let place = Place::new();
    let instance = place.spawn("a-1", "echo last; exec >&- 2>&-; sleep 0.2; exit 4").await;
    assert_eq!(instance.exited().await.code, Some(4));
    assert_eq!(said(&instance).await, ["last"]);
}

#[tokio::test]
async fn several_can_wait_for_the_same_end() {
    let place = Place::new();
    let instance = place.spawn("a-1", "sleep 0.2; exit 5").await;
    let (first, second) = tokio::join!(instance.exited(), instance.exited());
    assert_eq!((first.code, second.code), (Some(5), Some(5)));
    tokio::time::timeout(Duration::from_mins(1), instance.closed()).await.expect("closes");
}

#[tokio::test]
async fn what_was_started_with_is_forgotten_once_it_has_ended() {
    let place = Place::new();
    let mut launch = shell("a-1", "read end");
    launch.env.insert("TOKEN".to_owned(), "a-secret".to_owned());
    let instance = place.try_spawn(&launch).await.expect("spawns");
    instance.closed().await;
    let failed = Launch { program: "/no/such/file".into(), id: "a-2".to_owned(), ..launch };
    place.try_spawn(&failed).await.expect_err("cannot be run");
    eventually("its keeper ends", || !lock_is_held(&place.dir("a-2")).expect("looks")).await;
    for id in ["a-1", "a-2"] {
        let files =
            std::fs::read_dir(place.dir(id)).expect("is there").map(|file| file.expect("a file").path());
        let texts =
            files.filter(|file| file.is_file()).map(|file| std::fs::read_to_string(file).expect("reads"));
        assert!(!texts.collect::<String>().contains("a-secret"), "{id} keeps it");
    }
}

#[tokio::test]
async fn an_instance_begins_with_the_limit_of_open_files_that_it_is_to_have() {
    let place = Place::new();
    let keeper = Keeper { open_files: Some(77), ..super::keeper() };
    let launch = shell("a-1", "ulimit -Sn; ulimit -Hn");
    let instance = Instance::spawn(&place.dir("a-1"), &launch, &keeper).await.expect("spawns");
    let said = said(&instance).await;
    assert_eq!(said[0], "77");
    assert_ne!(said[1], "77", "it may raise it again");
}

#[tokio::test]
async fn a_command_that_goes_into_the_background_is_found_by_what_it_leaves() {
    let place = Place::new();
    // Out of its group; in it; and one that only ends well.
    let out = "setsid sleep 1000 & until [ \"$(cut -d' ' -f6 /proc/$!/stat)\" = $! ]; do :; done; echo $!";
    for (id, script, background) in
        [("a-1", out, true), ("a-2", "sleep 1000 & exit 0", true), ("a-3", "exit 0", false)]
    {
        let instance = place.spawn(id, script).await;
        let exit = instance.exited().await;
        assert_eq!((exit.background, exit.code), (background, Some(0)), "{id}");
        instance.closed().await;
    }
    // It is no business of its keeper.
    let stray = super::read(&place.dir("a-1")).await[0].parse().expect("a pid");
    let stray = Identity::of(stray).expect("looks").expect("runs");
    let handle = Handle::open(stray).expect("opens").expect("runs");
    handle.signal(rustix::process::Signal::KILL).expect("signals");
}

#[tokio::test]
async fn what_is_left_in_the_background_and_does_not_listen_to_sigterm_is_killed() {
    let place = Place::new();
    // Strays are known by the instance's name, and other tests have instances, too.
    let id = format!("stray-{}", std::process::id());
    let script = "trap '' TERM; setsid sleep 1000 & until [ \"$(cut -d' ' -f6 /proc/$!/stat)\" = $! ]; do :; done; echo $!";
    let instance = place.spawn(&id, script).await;
    instance.exited().await;
    instance.closed().await;
    let stray = super::read(&place.dir(&id)).await[0].parse().expect("a pid");
    let stray = Identity::of(stray).expect("looks").expect("runs");
    tokio::time::timeout(super::PATIENCE, segue_supervisor::strays::end(&instance)).await.expect("in time");
    assert!(!super::runs(stray));
}
