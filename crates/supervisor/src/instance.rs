//! One running instance: spawned through a keeper of its own, or adopted from a `segue up` that was killed.
//!
//! ```text
//! spawn:  folder ─▶ lock ─▶ launch.json ─▶ keeper (inherits the lock) ─▶ status.json
//! adopt:  status.json? lock held?  ─▶ Running | Ended | Never
//! ```
//! Killed between any two of these steps, the spawner leaves nothing that runs, or a held lock by which it is found.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::kill_process_group;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_blocking;

use crate::clock;
use crate::keeper::{Launch, Lock, State, Status, group, lock_is_held};
use crate::process::{self, Handle, Identity};
use crate::signal::Signal;

/// How often a file is looked at that the keeper is about to write.
const LOOK: Duration = Duration::from_millis(5);
/// A keeper that says nothing for so long never will.
const SILENCE: Duration = Duration::from_secs(30);

/// How a keeper is started: the program, and what comes before the folder's path.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// The file that is run.
    pub program: PathBuf,
    /// The arguments before the path.
    pub arguments: Vec<OsString>,
    /// How many files its instance may have open at first, if not as many as this process.
    pub open_files: Option<u64>,
}

impl Keeper {
    /// The running program's own `keeper` command; right even if its file was replaced meanwhile.
    pub fn this_program() -> Self {
        Self { program: "/proc/self/exe".into(), arguments: vec!["keeper".into()], open_files: None }
    }
}

/// How an instance ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// What it gave to `exit`.
    pub code: Option<i32>,
    /// What ended it.
    pub signal: Option<i32>,
    /// Whether its keeper saw it; without one nobody can tell.
    pub known: bool,
    /// Whether processes that it had started ran on then, although it ended with success.
    pub background: bool,
}

impl Exit {
    const UNKNOWN: Self = Self { code: None, signal: None, known: false, background: false };
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) if self.background => {
                write!(f, "exited with code {code} while processes that it had started ran on")
            }
            (Some(code), _) => write!(f, "exited with code {code}"),
            (None, Some(signal)) => match rustix_name(signal) {
                Some(name) => write!(f, "ended by {name}"),
                None => write!(f, "ended by signal {signal}"),
            },
            (None, None) => f.write_str("ended, and nobody saw how"),
        }
    }
}

/// Why an instance could not be spawned.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// Its folder could not be made.
    #[error("cannot prepare {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The keeper could not be started, or not be spoken with.
    #[error("cannot start the keeper: {0}")]
    Keeper(#[source] io::Error),
    /// It ended and had said nothing.
    #[error("the keeper ended before it had said anything")]
    KeeperEnded,
    /// It said nothing for too long.
    #[error("the keeper said nothing for {} s", SILENCE.as_secs())]
    Silent,
    /// The command could not be run.
    #[error("{0}")]
    Command(String),
}

/// Why it could not be found out what runs.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// A file could not be read.
    #[error("cannot read {path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lock is held, but its holder says nothing.
    #[error("the keeper of {0} holds its lock and says nothing")]
    Silent(PathBuf),
}

/// What was found in an instance's folder.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made once per instance, and taken apart at once")]
pub enum Adopted {
    /// It runs.
    Running(Instance),
    /// It ran, and ended.
    Ended(Exit),
    /// It never ran: its spawner did not get that far, or the command could not be run.
    Never,
}

/// An instance that runs, or did when it was made.
#[derive(Debug)]
pub struct Instance {
    dir: PathBuf,
    launch: Launch,
    keeper: Identity,
    process: Identity,
    /// `None` if it had ended before it could be opened.
    handle: Option<Handle>,
}

// === impl Instance ===

impl Instance {
    /// Runs one in a folder of its own, which must not exist yet; returns once its keeper said that it runs.
    /// Needs a tokio runtime, which then collects the keeper when it ends.
    pub async fn spawn(dir: &Path, launch: &Launch, keeper: &Keeper) -> Result<Self, SpawnError> {
        let dir =
            std::path::absolute(dir).map_err(|source| SpawnError::Folder { path: dir.to_owned(), source })?;
        let launch = &Launch { open_files: keeper.open_files, ..launch.clone() };
        let lock = {
            let (dir, launch) = (dir.clone(), launch.clone());
            spawn_blocking(move || prepare(&dir, &launch))
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error)))
        };
        let lock = lock.map_err(|source| SpawnError::Folder { path: dir.clone(), source })?;
        let mut child = tokio::process::Command::new(&keeper.program)
            .arg0("segue")
            .args(&keeper.arguments)
            .arg(&dir)
            .stdin(Stdio::from(lock.into_file()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(SpawnError::Keeper)?;
        // From here on something runs: that it cannot be looked at just now (no file descriptor is left) must not make
        // anybody believe that nothing does.
        let said = async {
            loop {
                let ended = child.try_wait().is_ok_and(|ended| ended.is_some());
                let looked = Status::read(&dir).and_then(|status| {
                    let Some(Status { process: Some(process), .. }) = status else {
                        return Ok((status, None));
                    };
                    Ok((status, Handle::open(process)?))
                });
                match looked {
                    Ok((Some(status), handle)) => return Ok((status, handle)),
                    Ok((None, _)) if ended => return Err(SpawnError::KeeperEnded),
                    Ok(_) | Err(_) => clock::sleep(LOOK).await,
                }
            }
        };
        let (status, handle) =
            tokio::time::timeout(SILENCE, said).await.unwrap_or(Err(SpawnError::Silent))?;
        // Nobody waits for the keeper; the runtime collects it when it ends.
        tokio::spawn(async move { child.wait().await });
        match (status.state, status.process) {
            (State::FailedToStart { error }, _) => Err(SpawnError::Command(error)),
            (_, None) => Err(SpawnError::Silent),
            (_, Some(process)) => {
                Ok(Self { dir, launch: launch.clone(), keeper: status.keeper, process, handle })
            }
        }
    }

    /// Finds out what became of the one in this folder. While its keeper has not said anything yet, this waits.
    pub async fn adopt(dir: &Path) -> Result<Adopted, AdoptError> {
        let failed = |source| AdoptError::Folder { path: dir.to_owned(), source };
        // Before its status: a keeper that ends takes the one away after it has written the other.
        let launch = Launch::read(dir).map_err(failed)?;
        let found = tokio::time::timeout(SILENCE, inspect(dir)).await;
        let found = found.map_err(|_| AdoptError::Silent(dir.to_owned()))?.map_err(failed)?;
        let Some((status, process)) = found else { return Ok(Adopted::Never) };
        if status.boot_id != process::boot_id().map_err(failed)? {
            return Ok(Adopted::Ended(Exit::UNKNOWN));
        }
        if status.state == State::Running {
            let Some(launch) = launch else {
                return match Handle::open(process).map_err(failed)? {
                    None => Ok(Adopted::Ended(Exit::UNKNOWN)),
                    Some(_) => Err(failed(io::Error::new(io::ErrorKind::NotFound, "launch.json is missing"))),
                };
            };
            let instance = Self::open(dir.to_owned(), launch, status.keeper, process).map_err(failed)?;
            if instance.handle.is_some() {
                return Ok(Adopted::Running(instance));
            }
            return Ok(Adopted::Ended(instance.exited().await));
        }
        Ok(Adopted::Ended(exit_of(&status.state)))
    }

    fn open(dir: PathBuf, launch: Launch, keeper: Identity, process: Identity) -> io::Result<Self> {
        Ok(Self { dir, launch, keeper, process, handle: Handle::open(process)? })
    }

    /// What it was told to run.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its name within its service.
    pub fn id(&self) -> &str {
        &self.launch.id
    }

    /// The version that it runs.
    pub fn version(&self) -> &str {
        &self.launch.version
    }

    /// The port that it is to listen on.
    pub fn port(&self) -> u16 {
        self.launch.port
    }

    /// Where it is to listen.
    pub fn address(&self) -> SocketAddr {
        self.launch.address()
    }

    /// Its main process.
    pub fn main(&self) -> Identity {
        self.process
    }

    /// That one's number.
    pub fn pid(&self) -> i32 {
        self.process.pid
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Signals its main process, and no other: one that has ended is no error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.handle.as_ref().map_or(Ok(()), |handle| handle.signal(signal.into()))
    }

    /// Ends all of its process group at once, if it is found to be its own.
    pub fn kill_group(&self) -> io::Result<()> {
        let Some(pid) = rustix::process::Pid::from_raw(self.process.pid) else { return Ok(()) };
        if self.process.stat()?.is_none() {
            // Its number may be another's now: those that are left are told apart one by one.
            return group::kill_members(self.process, self.keeper.pid);
        }
        match kill_process_group(pid, rustix::process::Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the main process to end, and for its keeper to say how.
    pub async fn exited(&self) -> Exit {
        if let Some(handle) = &self.handle {
            ended(handle).await;
        }
        loop {
            match self.how_it_ended() {
                Ok(Some(exit)) => return exit,
                Ok(None) => {}
                Err(error) if out_of_descriptors(&error) => {}
                Err(error) => {
                    tracing::warn!(instance = self.id(), %error, "cannot find out how it ended");
                    return Exit::UNKNOWN;
                }
            }
            clock::sleep(LOOK).await;
        }
    }

    /// Once the main process has ended: `None` as long as its keeper may still say how.
    fn how_it_ended(&self) -> io::Result<Option<Exit>> {
        // In this order: a keeper that is gone has written all that it ever will.
        let held = lock_is_held(&self.dir)?;
        match Status::read(&self.dir)?.map(|status| status.state) {
            Some(state @ State::Exited { .. }) => Ok(Some(exit_of(&state))),
            _ if held => Ok(None),
            _ => group::kill_members(self.process, self.keeper.pid).map(|()| Some(Exit::UNKNOWN)),
        }
    }

    /// Waits until its keeper ends while the main process lives: nobody takes what it says any more, and nobody will
    /// see how it ends. Where that does not happen, it waits for ever.
    pub async fn unkept(&self) {
        match Handle::open(self.keeper) {
            Ok(Some(keeper)) => ended(&keeper).await,
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(instance = self.id(), %error, "its keeper cannot be watched");
                std::future::pending::<()>().await;
            }
        }
        if self.handle.as_ref().is_none_or(|main| process::has_ended(main.pidfd())) {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until its keeper is gone too: its process group has ended, and its log is whole.
    pub async fn closed(&self) {
        while lock_is_held(&self.dir).unwrap_or_else(|error| out_of_descriptors(&error)) {
            clock::sleep(LOOK).await;
        }
    }

    /// How many lines of its output could not be written (disk full), as far as is known.
    pub fn lost_lines(&self) -> u64 {
        Status::read(&self.dir).ok().flatten().map_or(0, |status| status.lost_lines)
    }
}

/// Makes the folder and takes its lock.
fn prepare(dir: &Path, launch: &Launch) -> io::Result<Lock> {
    launch.write_new(dir)?;
    Lock::take(dir)?.ok_or_else(|| io::Error::other("its lock is held by another"))
}

/// Waits until the keeper has said something or is gone; `None` if there is and was no process.
async fn inspect(dir: &Path) -> io::Result<Option<(Status, Identity)>> {
    loop {
        let held = lock_is_held(dir)?;
        match Status::read(dir)? {
            Some(status) => return Ok(status.process.map(|process| (status, process))),
            None if held => clock::sleep(LOOK).await,
            None => return Ok(None),
        }
    }
}

/// Waits for a process to end. If the runtime cannot watch it, it is looked at again and again.
async fn ended(handle: &Handle) {
    #[expect(
        deprecated,
        reason = "its successor is unsafe for the sake of types whose descriptor may change; an OwnedFd's cannot"
    )]
    let watched =
        handle.pidfd().try_clone_to_owned().and_then(|fd| AsyncFd::with_interest(fd, Interest::READABLE));
    match watched {
        Ok(watched) => drop(watched.readable().await),
        Err(error) => {
            tracing::debug!(%error, "cannot watch a process, so it is polled");
            while !process::has_ended(handle.pidfd()) {
                clock::sleep(LOOK).await;
            }
        }
    }
}

/// That something cannot be looked at for want of a file descriptor says nothing of it, and passes.
fn out_of_descriptors(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    matches!(errno, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}

fn exit_of(state: &State) -> Exit {
    match *state {
        State::Exited { code, signal, background } => Exit { code, signal, known: true, background },
        State::Running | State::FailedToStart { .. } => Exit::UNKNOWN,
    }
}

fn rustix_name(signal: i32) -> Option<String> {
    let known =
        Signal::ALL.into_iter().find(|known| rustix::process::Signal::from(*known).as_raw() == signal);
    known.map(|signal| signal.to_string()).or_else(|| {
        let more =
            [(6, "SIGABRT"), (4, "SIGILL"), (7, "SIGBUS"), (8, "SIGFPE"), (11, "SIGSEGV"), (13, "SIGPIPE")];
        more.iter().find(|(number, _)| *number == signal).map(|(_, name)| (*name).to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_by_what_was_seen_of_it() {
        let known = Exit { known: true, ..Exit::UNKNOWN };
        let told = |exit: Exit| exit.to_string();
        assert_eq!(told(Exit { code: Some(3), ..known }), "exited with code 3");
        let background = Exit { code: Some(0), background: true, ..known };
        assert_eq!(told(background), "exited with code 0 while processes that it had started ran on");
        assert_eq!(told(Exit { signal: Some(9), ..known }), "ended by SIGKILL");
        assert_eq!(told(Exit { signal: Some(11), ..known }), "ended by SIGSEGV");
        assert_eq!(told(Exit { signal: Some(64), ..known }), "ended by signal 64");
        assert_eq!(told(Exit::UNKNOWN), "ended, and nobody saw how");
    }

    #[test]
    fn only_the_want_of_a_descriptor_says_nothing_of_what_was_looked_at() {
        let error = |errno: rustix::io::Errno| io::Error::from(errno);
        assert!(out_of_descriptors(&error(rustix::io::Errno::MFILE)));
        assert!(out_of_descriptors(&error(rustix::io::Errno::NFILE)));
        assert!(!out_of_descriptors(&error(rustix::io::Errno::SRCH)));
    }
}
