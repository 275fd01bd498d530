//! A test's own folder: specs, the state folder, and what the commands wrote.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::processes::{self, Process, Role};
use crate::running::{Ended, Running};
use crate::{segue, wait};

/// A folder that is gone, with every process that was started in it, when the test ends.
pub struct Place {
    folder: TempDir,
}

impl Place {
    /// A new, empty place.
    #[expect(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("segue-e2e-").tempdir().expect("a temporary folder");
        Self { folder }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The state folder that commands of this place use.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Writes a file into the folder, as a whole: a reader sees the old or the new one.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        let draft = self.folder.path().join(format!(".{name}.draft"));
        fs::write(&draft, text)
            .and_then(|()| fs::rename(&draft, &path))
            .expect("a test's file can be written");
        path
    }

    /// Every living process of this place, by the kernel's word.
    pub fn processes(&self) -> Vec<Process> {
        processes::of(self.folder())
    }

    /// The living main processes of this place's instances.
    pub fn instances(&self) -> Vec<Process> {
        self.processes().into_iter().filter(|process| process.role == Role::Main).collect()
    }

    /// Waits until exactly `count` instances of `version` run, each with its keeper, and nothing else that a `segue up`
    /// started; returns them.
    #[track_caller]
    pub fn until_only(&self, count: usize, version: &str) -> Vec<Process> {
        wait::until(&format!("exactly {count} instances of {version} run"), wait::LONG, || {
            let mut living = self.processes();
            living.retain(|process| process.role != Role::Command);
            let keepers = living.iter().filter(|process| process.role == Role::Keeper).count();
            let mains: Vec<Process> =
                living.iter().filter(|process| process.role == Role::Main).cloned().collect();
            let right = mains.iter().all(|main| main.version.as_deref() == Some(version));
            if right && mains.len() == count && keepers == count && living.len() == 2 * count {
                return Ok(mains);
            }
            Err(format!("{living:#?}"))
        })
    }

    /// Waits until nothing of this place runs.
    #[track_caller]
    pub fn until_nothing_runs(&self) {
        wait::until("nothing is left", wait::LONG, || {
            let living = self.processes();
            if living.is_empty() { Ok(()) } else { Err(format!("{living:#?}")) }
        });
    }

    /// Writes a spec for the sample program; the shell runs what stands in `before` in the same process first, and
    /// `more` is put behind it, as it stands.
    pub fn sample_spec(
        &self,
        file: &str,
        listen: SocketAddr,
        version: &str,
        flags: &[&str],
        before: &str,
        more: &str,
    ) -> PathBuf {
        let program = segue().to_string_lossy();
        // A dollar of the shell is not one of the spec.
        let script = format!("{before}\nexec \"$0\" \"$@\"").replace('$', "$$");
        let shell = ["/bin/sh", "-c", &script];
        let shell = if before.is_empty() { &[][..] } else { &shell[..] };
        let command = [shell, &[&program, "sample", "--port", "$PORT"], flags].concat();
        self.spec(
            file,
            listen,
            version,
            &command,
            &format!("ready: {{ http: /health, interval: 100ms }}\n{more}"),
        )
    }

    /// Writes a spec for any program; `more` is put behind it, as it stands.
    pub fn spec(
        &self,
        file: &str,
        listen: SocketAddr,
        version: &str,
        command: &[&str],
        more: &str,
    ) -> PathBuf {
        let command = serde_json::to_string(command).expect("strings are JSON");
        self.write(
            file,
            &format!(
                "name: web\nlisten: {listen}\nversion: {version}\ncommand: {command}\n\
                 env: {{ SEGUE_VERSION: {version} }}\n{more}"
            ),
        )
    }

    /// Starts a command of segue that may take its time, with this place's state folder.
    pub fn start(&self, arguments: &[&str]) -> Running {
        // Under `nohup` children would ignore a lost terminal.
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(segue()).args(self.arguments(arguments));
        Running::start_command(self.folder(), command)
    }

    /// Starts a command of segue by a shell that does this first, such as `ulimit -n 80;`.
    pub fn start_after(&self, before: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new("bash");
        command.args(["-c", &format!("{before} exec \"$@\""), "bash"]).arg(segue());
        command.args(self.arguments(arguments));
        Running::start_command(self.folder(), command)
    }

    /// A command of segue with this place's state folder, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(segue());
        command.args(self.arguments(arguments));
        command
    }

    fn arguments(&self, words: &[&str]) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        arguments.extend(["--state-dir".into(), self.state_dir().into()]);
        arguments
    }

    /// Runs a command of segue to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).ended()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        processes::end(self.folder());
    }
}

/// Below the ports that the kernel gives to outgoing connections (a load leaves thousands of those behind, and one may
/// take the port before the service does), and below those that Segue gives to instances.
const PORTS: Range<u16> = 10_000..15_000;

/// An address of this machine that nothing listens on just now, and that no other test of this process was given.
pub fn free_address() -> SocketAddr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let span = u32::from(PORTS.end - PORTS.start);
    let free = (0..span).find_map(|_| {
        // Processes that began one after the other begin far apart.
        let number = std::process::id().wrapping_mul(997).wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed));
        let port = PORTS.start + u16::try_from(number % span).ok()?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()?.local_addr().ok()
    });
    free.expect("a free port")
}
