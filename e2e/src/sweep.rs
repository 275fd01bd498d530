//! Finding and ending the instances of a state folder, also those that a killed `segue up` left behind.
//!
//! A process is only believed to be the one meant if its start time is the one that was written down.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;

/// A process that runs now and that some instance's `status.json` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The instance's folder name.
    pub instance: String,
    /// Its process id.
    pub pid: i32,
    /// Whether it is the keeper, or else the program itself.
    pub keeper: bool,
}

/// Every living process of every service in a state folder.
pub fn living(state_dir: &Path) -> Vec<Process> {
    let mut found = Vec::new();
    for service in folders(state_dir) {
        for folder in folders(&service.join("instances")) {
            let instance =
                folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let Some(status) = status(&folder) else { continue };
            for (identity, keeper) in [(&status["keeper"], true), (&status, false)] {
                if let Some(pid) = alive(identity) {
                    found.push(Process { instance: instance.clone(), pid, keeper });
                }
            }
        }
    }
    found
}

/// SIGKILL to every living process of a state folder, programs with their process group.
pub fn end_instances(state_dir: &Path) {
    for process in living(state_dir) {
        let Some(pid) = Pid::from_raw(process.pid) else { continue };
        // One that has ended in the meantime is as good as ended.
        let _ = if process.keeper {
            kill_process(pid, Signal::KILL)
        } else {
            kill_process_group(pid, Signal::KILL)
        };
    }
}

/// When a process began, in the kernel's ticks since boot; `None` if there is no such process, or only its corpse.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in brackets, may have spaces and brackets in it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if *fields.first()? == "Z" {
        return None;
    }
    fields.get(19)?.parse().ok()
}

fn alive(identity: &Value) -> Option<i32> {
    let pid = i32::try_from(identity["pid"].as_i64()?).ok()?;
    let began = identity["start_time"].as_u64()?;
    (start_time(pid)? == began).then_some(pid)
}

fn status(folder: &Path) -> Option<Value> {
    serde_json::from_slice(&fs::read(folder.join("status.json")).ok()?).ok()
}

fn folders(of: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_counts_only_with_the_start_time_that_was_written_down() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("web/instances/web-1");
        fs::create_dir_all(&folder).unwrap();
        let mut child =
            Command::new("sleep").arg("60").stdin(Stdio::null()).process_group(0).spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let began = start_time(pid).unwrap();

        let write = |start_time: u64| {
            let status = serde_json::json!({"pid": pid, "start_time": start_time, "state": "running"});
            fs::write(folder.join("status.json"), status.to_string()).unwrap();
        };
        write(began + 1);
        assert_eq!(living(state.path()), []);
        write(began);
        assert_eq!(living(state.path()), [Process { instance: "web-1".into(), pid, keeper: false }]);

        end_instances(state.path());
        child.wait().unwrap();
        assert_eq!(living(state.path()), []);
    }
}
