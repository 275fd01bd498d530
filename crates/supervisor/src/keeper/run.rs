//! The keeper's life, from the lock that it inherits to the lock that it lets go of.

use std::io::{self, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

use super::log::Log;
use super::{Launch, Lock, State, Status, background, credentials, group};
use crate::clock;
use crate::process::{self, Handle, Identity};

/// What of `up`'s own environment is not for the application: by these it would speak for `up` to systemd.
const NOT_INHERITED: [&str; 8] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "JOURNAL_STREAM",
    "MAINPID",
];

/// Lets the application say so much while the disk is slow.
const PIPE_SIZE: usize = 256 * 1024;
/// How often the process group is looked at while it ends.
const LOOK_MS: u64 = 20;
/// One more than most daemons have forks.
const LOOKS_FOR_STRAYS: u32 = 3;
/// What left the process group may hold the pipe open for ever: so long it may still say something.
const TAIL_MS: u64 = 1000;

/// The whole life.
pub(super) fn run(dir: &Path) -> io::Result<()> {
    let dir = dir.canonicalize()?;
    // Handlers and not "ignore", which the application would inherit and then could not be asked to stop. That goes for
    // every signal that it may be asked by: started in the background of a script, `up` itself ignores some.
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    // It fails only for the leader of a process group, which needs none.
    let _ = rustix::process::setsid();
    std::env::set_current_dir("/")?;
    let Some(_lock) = Lock::inherit(&dir)? else {
        return Err(io::Error::other("another keeper holds its lock"));
    };
    let launch = Launch::read(&dir)?.ok_or_else(|| io::Error::other("launch.json is missing"))?;
    let mut status = Status {
        boot_id: process::boot_id()?,
        keeper: Identity::own()?,
        process: None,
        state: State::Running,
        lost_lines: 0,
    };
    match start(&dir, &launch) {
        Ok((mut child, pipe, log)) => {
            let identity = child_identity(&child)?;
            status.process = Some(identity);
            if let Err(error) = status.write(&dir) {
                // Nobody could ever find it: better that it does not run.
                child.kill()?;
                child.wait()?;
                return Err(error);
            }
            Watch { dir: &dir, launch: &launch, status, identity, child, pipe: Some(pipe), log }
                .until_the_end()
        }
        Err(error) => {
            status.state = State::FailedToStart { error: describe(&launch, &error) };
            let forgotten = Launch::forget(&dir);
            status.write(&dir).and(forgotten)
        }
    }
}

fn start(dir: &Path, launch: &Launch) -> io::Result<(Child, PipeReader, Log)> {
    let log = Log::create(dir, launch.log.clone())?;
    let (pipe, output) = io::pipe()?;
    // A user near the limit of what pipes may hold gets the smaller one, which will do.
    let _ = rustix::pipe::fcntl_setpipe_size(&pipe, PIPE_SIZE);
    let mut command = Command::new(&launch.program);
    if let Some((name, arguments)) = launch.arguments.split_first() {
        command.arg0(name).args(arguments);
    }
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    command
        .envs(&launch.env)
        .current_dir(&launch.cwd)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    if let Some(given) = launch.open_files {
        lower_open_files(given);
    }
    let child = match &launch.user {
        Some(user) => credentials::spawn_as(user, command)?,
        None => command.spawn()?,
    };
    Ok((child, pipe, log))
}

/// Gives this process's next child another limit of open files to begin with.
fn lower_open_files(given: u64) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current > given) {
        // It may always be lowered.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(given), ..limit });
    }
}

fn child_identity(child: &Child) -> io::Result<Identity> {
    // It cannot be gone: nobody has collected it.
    let pid = Pid::from_child(child).as_raw_nonzero().get();
    Identity::of(pid)?.ok_or_else(|| io::Error::other("/proc does not show it"))
}

fn describe(launch: &Launch, error: &io::Error) -> String {
    let program = launch.program.display();
    match error.kind() {
        io::ErrorKind::NotFound if !launch.cwd.is_dir() => {
            format!("cannot run {program}: its folder {} does not exist", launch.cwd.display())
        }
        io::ErrorKind::NotFound if launch.program.exists() => {
            format!("cannot run {program}: the interpreter in its first line, or its loader, does not exist")
        }
        io::ErrorKind::NotFound => format!("cannot run {program}: there is no such file"),
        io::ErrorKind::PermissionDenied => {
            format!("cannot run {program}: it is not executable for this user")
        }
        _ => format!("cannot run {program}: {error}"),
    }
}

/// A running instance and what is waited for.
struct Watch<'a> {
    dir: &'a Path,
    launch: &'a Launch,
    status: Status,
    identity: Identity,
    child: Child,
    /// `None` once everybody who could write there has closed it.
    pipe: Option<PipeReader>,
    log: Log,
}

/// Where in its end the process group is.
enum Ending {
    /// The main process runs.
    NotYet,
    /// SIGTERM was sent; SIGKILL follows then.
    Asked { kill_at: u64 },
    /// SIGKILL was sent, or nobody was left; the output's end is waited for until then.
    Over { until: u64 },
}

impl Watch<'_> {
    fn until_the_end(mut self) -> io::Result<()> {
        let handle =
            Handle::open(self.identity)?.ok_or_else(|| io::Error::other("it was collected by another"))?;
        let mut ending = Ending::NotYet;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let now = clock::boottime_ms();
            ending = match ending {
                Ending::NotYet if process::has_ended(handle.pidfd()) => self.main_ended(now)?,
                Ending::Asked { kill_at } => self.group_ending(kill_at, now)?,
                other => other,
            };
            if matches!(ending, Ending::Over { until } if self.pipe.is_none() || now >= until) {
                break;
            }
            self.wait_and_read(&handle, &ending, &mut chunk)?;
        }
        self.log.finish(clock::boottime_ms());
        self.child.wait()?;
        self.status.lost_lines = self.log.lost_lines();
        let forgotten = Launch::forget(self.dir);
        self.status.write(self.dir).and(forgotten)
    }

    /// Says how it ended, and asks those that it left behind to end. It is not collected yet: as long as it is not, the
    /// number of its process group cannot become another's.
    fn main_ended(&mut self, now: u64) -> io::Result<Ending> {
        let pid = Pid::from_child(&self.child);
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        if let Some(ended) = rustix::process::waitid(WaitId::Pid(pid), options)? {
            let (code, signal) = (ended.exit_status(), ended.terminating_signal());
            // That it cannot be looked for is no reason not to go on.
            let background = code == Some(0) && self.in_background().unwrap_or(false);
            self.status.state = State::Exited { code, signal, background };
            self.status.lost_lines = self.log.lost_lines();
            // With a full disk it is tried again at the end; what must happen to the process group does not wait for it.
            let _ = self.status.write(self.dir);
        }
        if self.members()? == 0 {
            return Ok(Ending::Over { until: now.saturating_add(TAIL_MS) });
        }
        self.signal_group(Signal::TERM)?;
        let grace = u64::try_from(self.launch.group_grace.as_millis()).unwrap_or(u64::MAX);
        Ok(Ending::Asked { kill_at: now.saturating_add(grace) })
    }

    /// Whether what it had started runs on. A daemon forks more than once: while one look goes on, the one that was there
    /// may end after it has started another, which only the next look shows.
    fn in_background(&self) -> io::Result<bool> {
        for _ in 0..LOOKS_FOR_STRAYS {
            if self.members()? > 0
                || !background::strays(self.launch, self.identity)?.is_empty()
                || background::is_listened_on(self.launch.port)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn group_ending(&self, kill_at: u64, now: u64) -> io::Result<Ending> {
        if self.members()? > 0 {
            if now < kill_at {
                return Ok(Ending::Asked { kill_at });
            }
            self.signal_group(Signal::KILL)?;
        }
        Ok(Ending::Over { until: now.saturating_add(TAIL_MS) })
    }

    fn members(&self) -> io::Result<usize> {
        Ok(group::members(self.identity, self.status.keeper.pid)?.len())
    }

    fn signal_group(&self, signal: Signal) -> io::Result<()> {
        match rustix::process::kill_process_group(Pid::from_child(&self.child), signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for output, for the main process's end, or for the next look that is due; takes what output there is.
    fn wait_and_read(&mut self, handle: &Handle, ending: &Ending, chunk: &mut [u8]) -> io::Result<()> {
        let timeout_ms = match *ending {
            Ending::NotYet => None,
            Ending::Asked { .. } => Some(LOOK_MS),
            Ending::Over { until } => Some(until.saturating_sub(clock::boottime_ms())),
        };
        let timeout =
            timeout_ms.map(|ms| Duration::from_millis(ms).try_into().unwrap_or(Timespec::default()));
        let mut readable = false;
        {
            let mut fds = Vec::with_capacity(2);
            fds.extend(self.pipe.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
            if matches!(ending, Ending::NotYet) {
                fds.push(PollFd::from_borrowed_fd(handle.pidfd(), PollFlags::IN));
            }
            match poll(&mut fds, timeout.as_ref()) {
                // The pipe's, where there is one.
                Ok(_) => readable = fds.first().is_some_and(|first| !first.revents().is_empty()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(pipe) = self.pipe.as_mut().filter(|_| readable) {
            // What is readable is read without waiting, so no signal interrupts that.
            match pipe.read(chunk)? {
                0 => self.pipe = None,
                count => self.log.write(&chunk[..count], clock::boottime_ms()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_may_say_much_before_it_waits_for_its_keeper() {
        let dir = tempfile::tempdir().expect("temp dir");
        let launch = Launch::for_tests("web-1", "/bin/true");
        let (mut child, pipe, _log) = start(dir.path(), &launch).expect("starts");
        child.wait().expect("ends");
        assert_eq!(rustix::pipe::fcntl_getpipe_size(&pipe).expect("looks"), 256 << 10);
    }
}
