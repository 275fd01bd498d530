//! Only the user who runs `segue up` may command it: by the file's mode, and by who the kernel says is calling.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use segue_e2e::{Running, Sample, Service};

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn everything_in_the_state_folder_is_for_its_owner_alone() {
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    let web = service.place.state_dir().join("web");
    assert_eq!(mode(&web), 0o700);
    assert_eq!(mode(&web.join("control.sock")), 0o600);
    let mut folders = vec![web];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{} is {:o}", path.display(), mode(&path));
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
}

/// A user who can reach the socket is still refused, by what the kernel says of the caller.
#[test]
fn another_user_is_refused() {
    assert!(rustix::process::geteuid().is_root(), "this test needs root: it asks as another user");
    let service = Service::start(&Sample { replicas: 1, ..Sample::default() });
    // The command as another user can run it, wherever the build is.
    let binary = service.place.folder().join("segue");
    if fs::hard_link(segue_e2e::segue(), &binary).is_err() {
        fs::copy(segue_e2e::segue(), &binary).unwrap();
    }
    let ask = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&binary).args(arguments);
        command.arg("--state-dir").arg(service.place.state_dir());
        Running::start_command(service.place.folder(), command).ended()
    };
    let open = |path: &Path, mode: u32| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    open(service.place.folder(), 0o755);

    let web = service.place.state_dir().join("web");
    for opened in [false, true] {
        if opened {
            open(&service.place.state_dir(), 0o755);
            open(&web, 0o755);
            open(&web.join("control.sock"), 0o666);
        }
        for arguments in
            [&["status", "web"][..], &["down", "web"], &["deploy", "web", "--abort"], &["rollback", "web"]]
        {
            let refused = ask(arguments);
            assert_ne!(refused.code(), 0, "{arguments:?} with the files opened: {opened}: {refused:?}");
            assert!(!refused.stderr.is_empty(), "{arguments:?} with the files opened: {opened}: {refused:?}");
        }
    }
    service.assert_settled("v1", 1);
}
