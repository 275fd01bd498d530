//! Which process is meant: a pid alone is not enough, since numbers are given out again.
//!
//! A process is told by its pid and its start time, within one boot of the machine. Before it is signalled a pidfd is
//! opened and the start time compared *after* that: whatever then has the number, the pidfd stays with the process
//! that was looked at.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};
use serde::{Deserialize, Serialize};

/// A pid and when, in clock ticks since boot, the process that has it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// Field 22 of `/proc/PID/stat`.
    pub start_time: u64,
}

/// What `/proc/PID/stat` says of a process, as far as it is needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// `R`, `S`, `D`, `Z` and so on.
    pub state: char,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
}

impl Stat {
    /// Looks a process up; `None` if there is none of that number. That it cannot be looked up (no file descriptor is
    /// left) does not mean that.
    pub fn of(pid: i32) -> io::Result<Option<Self>> {
        // A process may give itself any bytes as its name.
        match fs::read(format!("/proc/{pid}/stat")) {
            Ok(text) => Ok(Self::parse(&String::from_utf8_lossy(&text))),
            Err(error) if nothing_of_ours(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The command's name stands in parentheses and may hold anything, parentheses too: what is read begins after the last one.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text[text.rfind(')')? + 1..].split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let group = fields.nth(1)?.parse().ok()?;
        let session = fields.next()?.parse().ok()?;
        let start_time = fields.nth(15)?.parse().ok()?;
        Some(Self { state, group, session, start_time })
    }

    /// Whether it has ended and only waits to be collected.
    pub fn ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X' | 'x')
    }
}

impl Identity {
    /// The process that has this number now.
    pub fn of(pid: i32) -> io::Result<Option<Self>> {
        Ok(Stat::of(pid)?.map(|stat| Self { pid, start_time: stat.start_time }))
    }

    /// This process itself.
    pub fn own() -> io::Result<Self> {
        Self::of(rustix::process::getpid().as_raw_nonzero().get())?
            .ok_or_else(|| io::Error::other("/proc does not show this process"))
    }

    /// What is known of it, if it is still there (ended but not collected counts).
    pub fn stat(&self) -> io::Result<Option<Stat>> {
        Ok(Stat::of(self.pid)?.filter(|stat| stat.start_time == self.start_time))
    }
}

/// A process that was found to be the one meant; it stays that one whatever becomes of its number.
#[derive(Debug)]
pub struct Handle {
    identity: Identity,
    pidfd: OwnedFd,
}

impl Handle {
    /// Opens it, unless it is gone or its number is another's now.
    pub fn open(identity: Identity) -> io::Result<Option<Self>> {
        let Some(pid) = Pid::from_raw(identity.pid).filter(|pid| !pid.is_init()) else { return Ok(None) };
        let pidfd = match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(rustix::io::Errno::SRCH) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(identity.stat()?.map(|_| Self { identity, pidfd }))
    }

    /// Which one it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Sends it a signal; one that has ended is no error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match rustix::process::pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Readable once the process has ended.
    pub fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Whether the process behind a pidfd has ended, without waiting for it.
pub(crate) fn has_ended(pidfd: impl AsFd) -> bool {
    let mut fds = [PollFd::new(&pidfd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

/// There is none; or it ended between opening and reading; or it is another user's, where /proc hides those.
fn nothing_of_ours(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
        || error.raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
}

/// Changes with every boot of the machine: start times of different boots cannot be compared.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// The processes for which `wanted` holds.
pub fn find(wanted: impl Fn(&Stat) -> bool) -> io::Result<Vec<Identity>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(stat) = Stat::of(pid)?.filter(|stat| wanted(stat)) {
            found.push(Identity { pid, start_time: stat.start_time });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "77 (a) R b (x)) S 1 70 60 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 200";
        let stat = Stat::parse(line).expect("a stat line");
        assert_eq!(stat, Stat { state: 'S', group: 70, session: 60, start_time: 4242 });
    }

    #[test]
    fn a_command_name_that_is_no_text_hides_neither_its_process_nor_others() {
        let named = "printf '\\377\\376' >/proc/$$/comm && echo named && read end";
        let mut child = std::process::Command::new("sh")
            .args(["-c", named])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        let said = std::io::BufRead::lines(io::BufReader::new(child.stdout.take().expect("its output")));
        assert_eq!(said.map_while(Result::ok).next().as_deref(), Some("named"));
        let pid = i32::try_from(child.id()).expect("a pid");
        let found = find(|_| true).expect("reads /proc");
        assert!(found.iter().any(|identity| identity.pid == pid));
        assert!(found.contains(&Identity::own().expect("own identity")));
        drop(child.stdin.take());
        child.wait().expect("it ends");
    }

    #[test]
    fn this_process_is_found_and_a_wrong_start_time_is_another_process() {
        let own = Identity::own().expect("own identity");
        assert!(Handle::open(own).expect("opens").is_some());
        let recycled = Identity { start_time: own.start_time + 1, ..own };
        assert!(Handle::open(recycled).expect("no error").is_none());
        assert!(Handle::open(Identity { pid: 0, start_time: 0 }).expect("no error").is_none());
        assert!(Handle::open(Identity { pid: 1, ..own }).expect("no error").is_none());
    }

    #[test]
    fn a_boot_is_told_by_the_id_that_the_kernel_gave_it() {
        let id = boot_id().expect("reads /proc");
        assert_eq!((id.len(), id.split('-').count()), (36, 5), "{id}");
        assert_eq!(boot_id().expect("reads /proc"), id);
    }

    #[test]
    fn processes_are_found_by_what_they_are() {
        let own = Identity::own().expect("own identity");
        let found = find(|stat| stat.start_time == own.start_time).expect("reads /proc");
        assert!(found.contains(&own));
    }

    #[test]
    fn only_what_says_that_there_is_none_is_taken_for_that() {
        let error = |errno: rustix::io::Errno| io::Error::from(errno);
        let none = [rustix::io::Errno::NOENT, rustix::io::Errno::ACCESS, rustix::io::Errno::SRCH];
        assert!(none.into_iter().all(|errno| nothing_of_ours(&error(errno))));
        let unknown = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE, rustix::io::Errno::IO];
        assert!(!unknown.into_iter().any(|errno| nothing_of_ours(&error(errno))));
    }
}
