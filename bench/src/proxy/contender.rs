//! Starting a proxy on processor 0, and reading what it used.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Serialize;

use crate::clock;

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Contender {
    Nginx,
    Haproxy,
    Segue,
}

/// A process that is ended when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) port: u16,
}

impl Contender {
    pub(crate) fn start(self, origin: u16, directory: &Path) -> anyhow::Result<Process> {
        let port = free_port()?;
        let filled = |template: &str| {
            template
                .replace("{PORT}", &port.to_string())
                .replace("{ORIGIN}", &origin.to_string())
                .replace("{DIRECTORY}", &directory.to_string_lossy())
        };
        let mut command = pinned(0);
        match self {
            Contender::Nginx => {
                let file = directory.join("nginx.conf");
                fs::write(&file, filled(include_str!("../../rivals/nginx.conf")))?;
                command.arg("nginx").arg("-c").arg(file).arg("-e").arg(directory.join("nginx.error"));
            }
            Contender::Haproxy => {
                let file = directory.join("haproxy.cfg");
                fs::write(&file, filled(include_str!("../../rivals/haproxy.cfg")))?;
                command.args(["haproxy", "-db", "-q", "-f"]).arg(file);
            }
            Contender::Segue => {
                command.arg(std::env::current_exe()?).args(["part", "segue"]);
                command.args([port.to_string(), origin.to_string()]);
            }
        }
        Process::start(command, port).with_context(|| format!("starting {self:?}"))
    }
}

impl Process {
    pub(crate) fn origin() -> anyhow::Result<Process> {
        let port = free_port()?;
        let mut command = pinned(1);
        command.arg(std::env::current_exe()?).args(["part", "origin", &port.to_string()]);
        Process::start(command, port).context("starting the origin")
    }

    /// Starts it and waits until its port takes connections.
    pub(crate) fn start(command: Command, port: u16) -> anyhow::Result<Process> {
        let listens = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        Self::start_until(command, port, listens).with_context(|| format!("port {port}"))
    }

    /// Starts it and waits until it does what it is for.
    pub(crate) fn start_until(
        mut command: Command,
        port: u16,
        mut works: impl FnMut() -> bool,
    ) -> anyhow::Result<Process> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut process = Process { child, port };
        for _ in 0..2400 {
            if works() {
                return Ok(process);
            }
            if let Some(status) = process.child.try_wait()? {
                bail!("it ended at once: {status}");
            }
            clock::sleep(Duration::from_millis(25));
        }
        bail!("it does not do its work after a minute");
    }

    /// Processor time used so far, user and system, of the threads that it has now. The whole process's own counter
    /// goes in steps of 10 ms, too coarse for a round at a low rate.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut used = Duration::ZERO;
        for thread in fs::read_dir(self.folder().join("task"))? {
            let file = thread?.path().join("schedstat");
            let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            used +=
                Duration::from_nanos(text.split_whitespace().next().context("an empty schedstat")?.parse()?);
        }
        Ok(used)
    }

    /// Resident memory in bytes.
    pub(crate) fn memory(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(self.folder().join("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
        let kibibytes: u64 = line.split_whitespace().next().context("VmRSS")?.parse()?;
        Ok(kibibytes * 1024)
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> anyhow::Result<usize> {
        Ok(fs::read_dir(self.folder().join("fd"))?.count())
    }

    /// What the kernel tells of it.
    fn folder(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.child.id()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; it is gone in any case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that stays on one processor.
pub(crate) fn pinned(processor: u8) -> Command {
    let mut command = Command::new("taskset");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin")).args(["-c", &processor.to_string()]);
    command
}

/// A port that nobody has at the moment.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
