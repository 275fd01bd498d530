//! Commands of segue as child processes: started in a group of their own, ended by their pid.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{processes, segue, wait};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running command; ended when dropped.
pub struct Running {
    child: Child,
    said: String,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// How a command ended and what it wrote.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
}

// === impl Running ===

impl Running {
    /// Starts `segue ARGUMENTS…`, with both outputs into files in `folder`.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(segue());
        command.args(arguments);
        Self::start_command(folder, command)
    }

    /// Starts a command that was made ready elsewhere, with both outputs into files in `folder` and its mark.
    pub fn start_command(folder: &Path, mut command: Command) -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let said = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let stdout = folder.join(format!("command-{number}.stdout"));
        let stderr = folder.join(format!("command-{number}.stderr"));
        // What the test itself set stays; what it was started with does not reach the command.
        for (name, value) in [("NO_COLOR", Some("1")), ("JOURNAL_STREAM", None), ("NOTIFY_SOCKET", None)] {
            if !command.get_envs().any(|(set, _)| set == name) {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
        }
        let child = command
            .env(processes::MARK, folder)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).expect("a test's folder can be written"))
            .stderr(File::create(&stderr).expect("a test's folder can be written"))
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("`{said}`: {error}"));
        Self { child, said, stdout, stderr }
    }

    /// Its process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // One that has ended already needs no signal.
        let _ = kill_process(self.pid(), signal);
    }

    /// What it wrote to stdout so far.
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// What it wrote to stderr so far.
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// What it wrote so far, to either.
    pub fn said(&self) -> String {
        self.stdout() + &self.stderr()
    }

    /// How it ended, if it has.
    pub fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// Waits for its end; panics, with what it wrote, if that does not come.
    #[track_caller]
    pub fn ended(mut self) -> Ended {
        self.ended_within(wait::LONG)
    }

    /// [`Running::ended`], within a given time.
    #[track_caller]
    pub fn ended_within(&mut self, limit: Duration) -> Ended {
        let what = format!("`{}` ends", self.said);
        let status = wait::until(&what, limit, || {
            self.status().ok_or_else(|| format!("it runs, and wrote:\n{}{}", self.stdout(), self.stderr()))
        });
        Ended { status, stdout: self.stdout(), stderr: self.stderr() }
    }

    /// Panics, with what it wrote, if it has ended.
    #[track_caller]
    pub fn assert_running(&mut self) {
        if let Some(status) = self.status() {
            panic!("`{}` ended with {status}, and wrote:\n{}{}", self.said, self.stdout(), self.stderr());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What a failed test leaves is ended without ado; whoever wants a clean end asks for one.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {} wrote:\n{}{}", self.said, read(&self.stdout), read(&self.stderr));
        }
    }
}

// === impl Ended ===

impl Ended {
    /// The exit code; panics, with what was written, if a signal ended it.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// Panics, with what was written, unless the exit code is this one.
    #[track_caller]
    pub fn assert_code(&self, code: i32) {
        assert_eq!(self.status.code(), Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
    }

    /// What was written to stdout and stderr.
    pub fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Panics, with what was written, unless each of these words is in it.
    #[track_caller]
    pub fn assert_says(&self, words: &[&str]) {
        let said = self.said();
        let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
        assert!(missing.is_empty(), "not said: {missing:?} in:\n{said}");
    }

    /// What was written to stdout, as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.said()))
    }
}

fn read(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}
