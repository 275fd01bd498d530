//! What runs of a place, by the kernel's word alone.
//!
//! Every command that a test starts carries the place's folder in its environment, and all that it starts inherits
//! it: keepers, instances, and what those leave behind. Nothing that Segue wrote down is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use segue_cluster::Program;

/// The variable in which a process carries the folder of the test that it belongs to.
pub const MARK: &str = "SEGUE_E2E_PLACE";

/// What a process is in Segue's house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A command of Segue, or a program of the test itself.
    Command,
    /// An instance's keeper.
    Keeper,
    /// An instance's main process: it leads its process group.
    Main,
    /// Something that an instance started.
    Child,
}

/// One living process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// When it began, in the kernel's ticks since boot.
    pub started: u64,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// What it is.
    pub role: Role,
    /// Which instance it is of.
    pub instance: Option<String>,
    /// Which version it runs.
    pub version: Option<String>,
    /// What it was started with.
    pub arguments: Vec<String>,
}

impl Process {
    /// Signals this process, and no later one with its number.
    pub fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        // One that has ended needs no signal.
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if start_time(self.pid) == Some(self.started) {
            let _ = pidfd_send_signal(handle, signal);
        }
    }

    /// Whether it still runs.
    pub fn lives(&self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

/// Every living process of a place, by number.
pub fn of(place: &Path) -> Vec<Process> {
    let mut found: Vec<Process> = fs::read_dir("/proc")
        .expect("/proc can be read")
        .flatten()
        .filter_map(|entry| look(entry.file_name().to_str()?.parse().ok()?, place))
        .collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// SIGKILL to every process of a place, until none is left.
pub fn end(place: &Path) {
    // Something that starts new processes as fast as they are ended is not worth waiting for any longer.
    for _ in 0..5000 {
        let living = of(place);
        if living.is_empty() {
            return;
        }
        for process in &living {
            process.signal(Signal::KILL);
        }
        crate::wait::pass(std::time::Duration::from_millis(2));
    }
}

/// When a process began, in the kernel's ticks since boot; `None` if there is no such process, or only its corpse.
pub fn start_time(pid: i32) -> Option<u64> {
    stat(pid)?.get(19)?.parse().ok()
}

/// The fields of `/proc/PID/stat` from the state on; none for one that has ended.
fn stat(pid: i32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may have spaces and brackets in it.
    let fields: Vec<String> = stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect();
    (!matches!(fields.first()?.as_str(), "Z" | "X")).then_some(fields)
}

fn look(pid: i32, place: &Path) -> Option<Process> {
    let Program { arguments, environment } = Program::of(pid)?;
    let environment: BTreeMap<String, String> = environment
        .iter()
        .filter_map(|entry| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())))
        .collect();
    if Path::new(environment.get(MARK)?) != place {
        return None;
    }
    let fields = stat(pid)?;
    let group = fields.get(2)?.parse().ok()?;
    let instance = environment.get("SEGUE_INSTANCE").cloned();
    let role = match &instance {
        Some(_) if group == pid => Role::Main,
        Some(_) => Role::Child,
        None if arguments.get(1).is_some_and(|argument| argument == "keeper") => Role::Keeper,
        None => Role::Command,
    };
    Some(Process {
        pid,
        started: fields.get(19)?.parse().ok()?,
        parent: fields.get(1)?.parse().ok()?,
        group,
        role,
        version: instance.as_ref().and_then(|_| environment.get("SEGUE_VERSION").cloned()),
        instance,
        arguments,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn what_a_test_started_is_found_and_ended_and_nothing_else_is() {
        let place = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let sleep = |place: &Path| {
            let mut command = Command::new("sleep");
            command.arg("60").env(MARK, place).stdin(Stdio::null()).process_group(0);
            command
        };
        let mut other = sleep(elsewhere.path()).spawn().unwrap();
        let mut instance =
            sleep(place.path()).env("SEGUE_INSTANCE", "web-1").env("SEGUE_VERSION", "v7").spawn().unwrap();
        let found = of(place.path());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].pid, i32::try_from(instance.id()).unwrap());
        assert_eq!((found[0].role, found[0].version.as_deref()), (Role::Main, Some("v7")));
        assert_eq!(found[0].instance.as_deref(), Some("web-1"));

        end(place.path());
        assert!(of(place.path()).is_empty());
        assert!(!found[0].lives());
        instance.wait().unwrap();
        assert_eq!(of(elsewhere.path()).len(), 1, "another test's process was ended");
        other.kill().unwrap();
        other.wait().unwrap();
    }

    /// `spawn` returns in the middle of exec, when the old environment is gone and the new one is not there.
    #[test]
    fn one_that_is_just_becoming_another_program_is_found() {
        let place = tempfile::tempdir().unwrap();
        let ended = EndedWhenDropped(place.path());
        for _ in 0..40 {
            let mut child = Command::new("sleep").arg("60").env(MARK, place.path()).spawn().unwrap();
            let found = of(place.path());
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(found.len(), 1, "{found:?}");
        }
        let again = "exec \"$0\" -c \"$1\" \"$0\" \"$1\"";
        let mut child =
            Command::new("sh").args(["-c", again, "sh", again]).env(MARK, place.path()).spawn().unwrap();
        for _ in 0..100 {
            let found = of(place.path());
            assert_eq!(found.len(), 1, "{found:?}");
        }
        drop(ended);
        child.wait().unwrap();
    }

    /// Ends what a test started, also when it fails.
    struct EndedWhenDropped<'a>(&'a Path);

    impl Drop for EndedWhenDropped<'_> {
        fn drop(&mut self) {
            end(self.0);
        }
    }
}
