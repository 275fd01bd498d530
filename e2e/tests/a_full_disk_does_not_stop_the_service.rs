//! Disk full: for logs, and for what `segue up` writes down. It serves on, and says what it could not do.
//!
//! The state folder is on a small file system of its own, in a mount namespace of its own: it ends with the last
//! process in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use segue_e2e::place::free_address;
use segue_e2e::{Place, Running, Sample, client, segue, wait};

/// `segue up` where `folder` is a file system of that size.
fn up_on(place: &Place, spec: &Path, folder: &Path, size: &str) -> Running {
    fs::create_dir_all(folder).unwrap();
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.arg("--mount").args([
        "sh",
        "-c",
        r#"mount -t tmpfs -o size="$0",mode=0700 tmpfs "$1" && shift && exec "$@""#,
    ]);
    command.arg(size).arg(folder).arg(segue()).arg("up").arg("-f").arg(spec);
    command.arg("--state-dir").arg(place.state_dir());
    Running::start_command(place.folder(), command)
}

/// The folder as the processes in that namespace see it.
fn inside(up: &Running, folder: &Path) -> PathBuf {
    Path::new("/proc").join(up.pid().to_string()).join("root").join(folder.strip_prefix("/").unwrap())
}

/// Gives the file system another size.
fn resize(up: &Running, folder: &Path, size: &str) {
    let pid = up.pid().to_string();
    let mut command = Command::new("nsenter");
    command.args(["--target", &pid, "--mount"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--user").arg("--preserve-credentials");
    }
    let done = command.args(["mount", "-o", &format!("remount,size={size}")]).arg(folder).status().unwrap();
    assert!(done.success());
}

#[track_caller]
fn until_serving(up: &mut Running, place: &Place, listen: std::net::SocketAddr, count: usize) {
    wait::until("it serves", wait::LONG, || {
        up.assert_running();
        let instances = place.instances().len();
        match client::try_get(listen, "/") {
            Ok(answer) if answer.status == 200 && instances == count => Ok(()),
            other => Err(format!("{instances} instances, {other:?}")),
        }
    });
}

/// All lines of an instance's log, in order.
fn lines(folder: &Path) -> Vec<String> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_program_that_says_more_than_fits_never_blocks_and_lost_lines_are_counted_and_told() {
    const SAID: usize = 20_000;
    let place = Place::new();
    let listen = free_address();
    // Far more than the file system holds; a file says when it was all said. Then a line now and then until there is room
    // and another file asks for the last one.
    let chatter = format!(
        "(i=0; while [ $i -lt {SAID} ]; do echo \"line $i of many, each of them long enough to fill a disk\"; i=$((i+1)); done; \
         : > said; n=1; while [ ! -e enough ]; do echo again; n=$((n+1)); sleep 0.1; done; \
         echo the last line; echo $n > more; mv more said-more; sleep 600) &"
    );
    let spec = Sample { replicas: 1, before: &chatter, ..Sample::default() }.spec(&place, listen);
    let instances = place.state_dir().join("web/instances");
    let mut up = up_on(&place, &spec, &instances, "256k");
    until_serving(&mut up, &place, listen, 1);
    wait::until_true("the program has said all", wait::LONG, || place.folder().join("said").exists());
    assert_eq!(client::get(listen, "/").status, 200);

    resize(&up, &instances, "64m");
    let log = inside(&up, &instances).join("web-1/log");
    wait::until_true("it is written again", wait::LONG, || {
        lines(&log).last().is_some_and(|line| line == "again")
    });
    place.write("enough", "");
    let more: usize = wait::until("the program has said how much more", wait::LONG, || {
        let more = fs::read_to_string(place.folder().join("said-more")).map_err(|error| error.to_string())?;
        more.trim().parse().map_err(|error| format!("{more:?}: {error}"))
    });
    let lines = wait::until("the last line is written", wait::LONG, || {
        let lines = lines(&log);
        if lines.last().is_some_and(|line| line == "the last line") {
            Ok(lines)
        } else {
            Err(format!("{:?}", lines.last()))
        }
    });
    let (ours, theirs): (Vec<&String>, Vec<&String>) =
        lines.iter().partition(|line| line.starts_with("[segue:"));
    let lost: usize = ours
        .iter()
        .map(|line| line.split_whitespace().find_map(|word| word.parse::<usize>().ok()).unwrap())
        .sum();
    assert!(lost > 0, "the disk was never full: {} lines", lines.len());
    assert!(ours.iter().all(|line| line.contains("No space left on device")), "{ours:?}");
    // The program's own first line, the many, and those after them.
    assert_eq!(theirs.len() + lost, SAID + 1 + more, "{ours:?}");
    wait::until("`segue up` says it", wait::LONG, || {
        let said = up.said();
        if said.contains("lost here") { Ok(()) } else { Err(said.lines().rev().take(20).collect()) }
    });
    up.signal(Signal::TERM);
    up.ended_within(wait::LONG).assert_code(0);
}

#[test]
fn without_room_for_its_state_it_says_so_goes_on_serving_and_gets_over_it() {
    let place = Place::new();
    let listen = free_address();
    let spec = Sample { replicas: 2, ..Sample::default() }.spec(&place, listen);
    let state = place.state_dir();
    let mut up = up_on(&place, &spec, &state, "1m");
    until_serving(&mut up, &place, listen, 2);
    wait::until_true("both serve", wait::LONG, || up.said().contains("web is up with v1"));
    // The control socket is in there too: commands are given it by the way of the namespace.
    let seen = inside(&up, &state);
    let filler = seen.join("filler");
    let mut file = fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[b'x'; 512]).is_ok() {}
    while std::io::Write::write_all(&mut file, b"x").is_ok() {}
    drop(file);

    // What has to be written down now cannot be.
    let victim = place.instances().swap_remove(0);
    victim.signal(Signal::KILL);
    wait::until("it says that the disk is full", wait::LONG, || {
        up.assert_running();
        let said = up.said();
        if said.contains("No space left on device") { Ok(()) } else { Err(said) }
    });
    for _ in 0..20 {
        assert_eq!(client::get(listen, "/").status, 200, "the other instance serves");
    }
    let after = Sample { version: "v2", replicas: 2, ..Sample::default() }.spec(&place, listen);
    let mut deploy = Command::new(segue());
    deploy.arg("deploy").arg("-f").arg(&after).arg("--state-dir").arg(&seen);
    let deployed = Running::start_command(place.folder(), deploy).ended();
    assert_eq!(deployed.code(), 1, "{deployed:?}");
    assert!(deployed.said().contains("No space left on device"), "{deployed:?}");
    assert_eq!(client::get(listen, "/").version(), Some("v1"));

    fs::remove_file(&filler).unwrap();
    until_serving(&mut up, &place, listen, 2);
    let mut deploy = Command::new(segue());
    deploy.arg("deploy").arg("-f").arg(&after).arg("--state-dir").arg(&seen);
    Running::start_command(place.folder(), deploy).ended().assert_code(0);
    place.until_only(2, "v2");
    up.signal(Signal::TERM);
    up.ended_within(wait::LONG).assert_code(0);
    place.until_nothing_runs();
}
