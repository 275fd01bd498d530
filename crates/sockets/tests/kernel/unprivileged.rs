//! All of it without any privilege, as in a pod that is held to the strictest standard; and, as root can make one, in a
//! network namespace of its own, where the kernel's counter counts nobody else.

use crate::clock;
use crate::pair::{connect, listen, snapshot};
use segue_sockets::{Collector, Estimator, Settings, Source};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

const ALONE: &str = "SEGUE_TEST_ALONE";
const INNER: &str = "unprivileged::nobody_sees_every_socket_and_every_count";

#[test]
fn collecting_takes_no_privilege() {
    // Nobody may not come to where it was built.
    let folder = tempfile::tempdir().unwrap();
    let everyone = PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), everyone).unwrap();
    let program = folder.path().join("kernel");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let test = format!("'{}' --exact {INNER} --ignored", program.display());
    let mut command = Command::new("sh");
    if rustix::process::getuid().is_root() {
        let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -all --no-new-privs";
        let alone = format!("ip link set lo up && exec {nobody} {test}");
        command = Command::new("unshare");
        command.args(["--net", "sh", "-c", &alone]).env(ALONE, "1");
    } else {
        command.args(["-c", &test]);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

#[test]
#[ignore = "collecting_takes_no_privilege runs it, as nobody"]
fn nobody_sees_every_socket_and_every_count() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap().trim();
    assert_eq!(u64::from_str_radix(capabilities, 16).unwrap(), 0);
    assert!(!rustix::process::getuid().is_root());

    let (listening, local) = listen("[::]:0");
    let before = snapshot();
    let held = connect(&listening);
    let seen = snapshot();
    let ends = seen.connections.iter().filter(|one| one.local.port() == local.port());
    assert_eq!(ends.filter(|one| one.traffic.is_some()).count(), 1);
    assert_eq!(Collector::by_proc().snapshot(clock::now).unwrap().source, Source::Proc);
    if std::env::var_os(ALONE).is_some() {
        assert_eq!((before.listeners.len(), before.connections.len()), (1, 0));
        assert_eq!(seen.passive_opens, before.passive_opens.map(|opens| opens + 1));
        quiet_is_broken_by_nothing_but_a_connection(&listening);
    }
    drop(held);
}

/// Alone in the namespace, the counter can be held to exactly what came.
fn quiet_is_broken_by_nothing_but_a_connection(listening: &std::net::TcpListener) {
    let ports = vec![listening.local_addr().unwrap().port()];
    let settings = Settings { ports, idle_after: Duration::from_millis(100), longest_request: None };
    let (mut collector, mut estimator) = (Collector::open().unwrap(), Estimator::new(settings));
    let mut observe = || estimator.observe(&collector.snapshot(clock::now).unwrap());
    let first = observe().last_request;
    for _ in 0..10 {
        clock::pause();
        assert_eq!(observe().last_request, first);
    }
    // The client closes first: only the counter knows.
    let (client, server) = connect(listening);
    drop(client);
    drop(server);
    assert!(observe().last_request > first);
}
