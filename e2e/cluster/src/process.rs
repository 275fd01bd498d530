//! Processes by the kernel's word. A number alone may be another process's by now, so it goes with the start time.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

use crate::clock;

/// One process, told from every other that has had its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// Its number, as this process sees it.
    pub pid: i32,
    /// When it began, in the kernel's ticks since boot.
    pub started: u64,
}

impl Process {
    /// The living process with this number.
    pub fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, started: Stat::read(Path::new("/proc"), pid)?.started })
    }

    /// This process.
    pub fn own() -> anyhow::Result<Self> {
        let pid = i32::try_from(std::process::id())?;
        Self::of(pid).ok_or_else(|| anyhow::anyhow!("/proc does not show this process: is it mounted?"))
    }

    /// Whether it still runs; its corpse does not.
    pub fn lives(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Signals this process, and no later one with its number. One that has ended needs no signal.
    pub fn signal(self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if self.lives() {
            let _ = pidfd_send_signal(handle, signal);
        }
    }
}

/// What `/proc/PID/stat` says.
#[derive(Debug, Clone, Copy)]
struct Stat {
    parent: i32,
    started: u64,
    /// Whether its program's place in memory is known: exec notes it behind the arguments and the environment.
    in_place: bool,
}

impl Stat {
    fn read(proc: &Path, pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
        // The name, in brackets, may have spaces and brackets in it.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        if matches!(*fields.first()?, "Z" | "X") {
            return None;
        }
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
            in_place: *fields.get(24)? != "0",
        })
    }
}

/// Every living process.
fn all() -> impl Iterator<Item = (i32, Stat)> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, Stat::read(Path::new("/proc"), pid)?))
    })
}

/// The living children of a process.
pub(crate) fn children(parent: i32) -> Vec<Process> {
    all()
        .filter(|(_, stat)| stat.parent == parent)
        .map(|(pid, stat)| Process { pid, started: stat.started })
        .collect()
}

/// The process that has the number `inner` in the process namespace whose first process is `init`.
pub(crate) fn seen_from_outside(init: Process, inner: i32) -> Option<Process> {
    let inside = Stat::read(Path::new(&format!("/proc/{}/root/proc", init.pid)), inner)?;
    let all: BTreeMap<i32, Stat> = all().collect();
    let descends = |mut pid: i32| {
        while let Some(stat) = all.get(&pid) {
            if stat.parent == init.pid {
                return true;
            }
            pid = stat.parent;
        }
        false
    };
    let numbers = |pid: i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?.to_owned();
        // From the outermost namespace that this process sees to the process's own.
        line.split_whitespace().nth(1)?.parse::<i32>().ok()
    };
    all.iter()
        .filter(|(_, stat)| stat.started == inside.started)
        .find(|(pid, _)| descends(**pid) && numbers(**pid) == Some(inner))
        .map(|(pid, stat)| Process { pid: *pid, started: stat.started })
}

/// More than any program of a test is started with, in bytes.
const MOST: usize = 256 * 1024;

/// What a process was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its arguments, the program's name first.
    pub arguments: Vec<String>,
    /// Its environment, as `NAME=VALUE`.
    pub environment: Vec<String>,
}

impl Program {
    /// Longer than the kernel takes to put another program in a process's place, however busy the machine is.
    const LOOKS: u32 = 2000;
    /// So often it must show no environment, with its program in place before and after: a look may begin before an exec
    /// and end in the next.
    const SURE: u32 = 20;

    /// What the process with this number was started with; none for a corpse, a thread of the kernel, and what is
    /// another user's.
    ///
    /// In the middle of exec a process shows neither arguments nor environment: the old ones are gone, the new ones not
    /// there yet. And `spawn` returns right then. So a process that shows none is looked at again. A while later it shows
    /// arguments and still no environment, as one does that has none: but its program's place in memory is noted last.
    pub fn of(pid: i32) -> Option<Self> {
        let (mut without_environment, mut in_place) = (0, false);
        for _ in 0..Self::LOOKS {
            let [environment, arguments] = ["environ", "cmdline"].map(|file| strings(pid, file));
            let (environment, arguments) = (environment?, arguments?);
            if arguments.is_empty() {
                // A corpse has no program any more, and a thread of the kernel never had one.
                fs::read_link(format!("/proc/{pid}/exe")).ok()?;
                in_place = false;
            } else if !environment.is_empty() || without_environment > Self::SURE {
                return Some(Self { arguments, environment });
            } else {
                let was_in_place =
                    std::mem::replace(&mut in_place, Stat::read(Path::new("/proc"), pid)?.in_place);
                without_environment += u32::from(was_in_place && in_place);
            }
            clock::sleep(Duration::from_millis(1));
        }
        None
    }
}

/// The strings in one of a process's files, each ended by a zero.
///
/// They are of the program that ran when the file was opened, and end with it: one that is replaced between two reads
/// shows the beginning alone. So all is read at once.
fn strings(pid: i32, file: &str) -> Option<Vec<String>> {
    let mut file = fs::File::open(format!("/proc/{pid}/{file}")).ok()?;
    let mut bytes = vec![0; MOST];
    let length = file.read(&mut bytes).ok()?;
    bytes.truncate(length);
    let text = String::from_utf8_lossy(&bytes);
    Some(text.split_terminator('\0').map(str::to_owned).collect())
}

/// Every living process whose environment has this variable with this value.
pub fn marked(variable: &str, value: &str) -> Vec<Process> {
    let entry = format!("{variable}={value}");
    let is_marked = |pid: i32| Program::of(pid).is_some_and(|program| program.environment.contains(&entry));
    all()
        .filter(|(pid, _)| is_marked(*pid))
        .map(|(pid, stat)| Process { pid, started: stat.started })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_found_by_its_mark_and_by_its_parent_and_ended() {
        let mark = format!("{}-of-a-test", std::process::id());
        let mut sleep = Command::new("sleep")
            .arg("60")
            .env("SEGUE_TEST_MARK", &mark)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let found = marked("SEGUE_TEST_MARK", &mark);
        let pid = i32::try_from(sleep.id()).unwrap();
        assert_eq!(found.iter().map(|process| process.pid).collect::<Vec<_>>(), [pid]);
        assert!(children(Process::own().unwrap().pid).contains(&found[0]));
        assert!(found[0].lives());
        found[0].signal(Signal::KILL);
        sleep.wait().unwrap();
        assert!(!found[0].lives());
    }

    /// `spawn` returns in the middle of exec, when the old environment is gone and the new one is not there.
    #[test]
    fn one_that_is_just_becoming_another_program_is_found() {
        let mark = format!("{}-becoming", std::process::id());
        for _ in 0..30 {
            let mut sleep = Command::new("sleep").arg("60").env("SEGUE_TEST_MARK", &mark).spawn().unwrap();
            let found = marked("SEGUE_TEST_MARK", &mark).len();
            sleep.kill().unwrap();
            sleep.wait().unwrap();
            assert_eq!((found, marked("SEGUE_TEST_MARK", &mark).len()), (1, 0));
        }
    }

    #[test]
    fn one_without_an_environment_is_seen_and_its_corpse_is_not() {
        let mut sleep = Command::new("sleep").arg("60").env_clear().spawn().unwrap();
        let pid = i32::try_from(sleep.id()).unwrap();
        let program = Program::of(pid).unwrap();
        assert_eq!(
            (program.arguments.last().map(String::as_str), program.environment.len()),
            (Some("60"), 0)
        );
        sleep.kill().unwrap();
        let corpse = crate::wait::until("it has ended", crate::wait::LONG, || {
            anyhow::ensure!(Process::of(pid).is_none(), "it runs");
            Ok(Program::of(pid))
        });
        assert_eq!(corpse.unwrap(), None);
        sleep.wait().unwrap();
    }

    #[test]
    fn another_process_with_the_number_is_not_signalled() {
        let mut sleep = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
        let own = Process::of(i32::try_from(sleep.id()).unwrap()).unwrap();
        Process { started: own.started + 1, ..own }.signal(Signal::KILL);
        assert!(own.lives());
        sleep.kill().unwrap();
        sleep.wait().unwrap();
    }
}
