//! A machine of the cluster: a network, mount and process namespace of its own, with daemons in it.
//!
//! Its first process ends when its standard input does, and that is a pipe from the cluster's owner. With it the kernel
//! ends every process of the namespace, and takes its mounts and network devices away.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;

use crate::addresses::Addresses;
use crate::claim::MARK;
use crate::command::{run, run_with_input};
use crate::needs;
use crate::process::{self, Process};
use crate::wait::{self, InVain};

/// What the first process does before it settles. The programs of a node find their usual places (`/run` with the
/// sockets of containerd and the lock of iptables, pods' logs, the network plugins' cache, the folder where a kubelet
/// listens for device plugins whatever its root folder is), and no other node's. Its network forwards, and has
/// IPv6 whatever the host's has. Nobody looks whether an address is another's already: that takes a second or two each.
const SETTLE: &str = r#"
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
mount --bind "$1/log" /var/log
if [ -d /var/lib/cni ]; then mount -t tmpfs tmpfs /var/lib/cni; fi
mkdir -p /var/lib/kubelet
mount -t tmpfs tmpfs /var/lib/kubelet
cd /proc/sys/net
echo 1 >ipv4/ip_forward
echo 1 >ipv6/conf/all/forwarding
echo 0 >ipv6/conf/all/disable_ipv6
echo 0 >ipv6/conf/default/accept_dad
cd /
exec "$0" while-stdin
"#;

/// One machine.
#[derive(Debug)]
pub struct Machine {
    name: String,
    addresses: Addresses,
    folder: PathBuf,
    mark: String,
    init: Process,
    /// `unshare`, whose standard input is the first process's too.
    holder: Mutex<Option<Child>>,
    daemons: Mutex<BTreeMap<String, Daemon>>,
}

#[derive(Debug)]
struct Daemon {
    words: Vec<OsString>,
    /// `nsenter`, whose child is the daemon; none while it is stopped.
    child: Option<Child>,
}

/// What every machine of a cluster has in common.
#[derive(Debug, Clone)]
pub(crate) struct TestBed {
    /// The cluster's number: the third byte of its machines' addresses.
    pub(crate) number: u8,
    pub(crate) mark: String,
    pub(crate) folder: PathBuf,
    pub(crate) pause: PathBuf,
}

impl TestBed {
    /// Addresses of the machines' network.
    pub(crate) fn addresses(&self, last: u8) -> Addresses {
        Addresses::new(self.number, last)
    }
}

impl Machine {
    /// Starts a machine without a network.
    pub(crate) fn start(bed: &TestBed, name: &str, last: u8) -> anyhow::Result<Self> {
        let folder = bed.folder.join(name);
        fs::create_dir_all(folder.join("log"))?;
        let mut holder = Command::new("unshare")
            .args(["--mount", "--net", "--pid", "--fork", "--mount-proc", "--propagation", "private", "--"])
            .args(["/bin/sh", "-euc", SETTLE])
            .arg(&bed.pause)
            .arg(&folder)
            .env(MARK, &bed.mark)
            .env("PATH", needs::path())
            // Not of the terminal's group: the owner decides what ctrl-C means.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log/machine.log"))?)
            .spawn()
            .context("cannot run `unshare`")?;
        let init = wait::until(&format!("{name} has settled"), wait::LONG, || {
            if let Some(status) = holder.try_wait()? {
                let said = fs::read_to_string(folder.join("log/machine.log")).unwrap_or_default();
                return Err(InVain(format!("its first process ended with {status}: {}", said.trim())).into());
            }
            let child = process::children(i32::try_from(holder.id())?);
            let init = *child.first().context("no first process")?;
            let runs = fs::read_link(format!("/proc/{}/exe", init.pid))?;
            if runs == bed.pause { Ok(init) } else { bail!("it runs {}", runs.display()) }
        })?;
        Ok(Self {
            name: name.to_owned(),
            addresses: bed.addresses(last),
            folder,
            mark: bed.mark.clone(),
            init,
            holder: Mutex::new(Some(holder)),
            daemons: Mutex::default(),
        })
    }

    /// Its name; a node's is that of its Node object.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address in the machines' network.
    pub fn address(&self) -> Ipv4Addr {
        self.addresses.v4
    }

    /// The same, with its IPv6 address there.
    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Where it keeps its data.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of the host, run in this machine's network: it sends through the machine's kube-proxy rules and
    /// conntrack. Not started yet. It is ended with the cluster at the latest.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.enter(&format!("/proc/{}/ns/net", self.init.pid), program)
    }

    /// A program run in this machine: its network, its mounts, its processes.
    pub fn inside(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.init.pid.to_string(), "--net", "--mount", "--pid", "--"])
            .arg(program);
        self.dress(&mut command);
        command
    }

    /// A program run in the network of a process of this machine; `inner` is the number it has here.
    pub(crate) fn command_beside(&self, inner: i32, program: impl AsRef<OsStr>) -> Command {
        self.enter(&format!("/proc/{}/root/proc/{inner}/ns/net", self.init.pid), program)
    }

    /// A process of this machine, as the host sees it.
    pub(crate) fn process(&self, inner: i32) -> Option<Process> {
        process::seen_from_outside(self.init, inner)
    }

    /// Runs lines of `ip` in this machine's network.
    pub(crate) fn ip(&self, lines: &str) -> anyhow::Result<()> {
        run_with_input(self.command("ip").args(["-batch", "-"]), lines)
            .with_context(|| format!("cannot set up the network of {}", self.name))?;
        Ok(())
    }

    /// Sets values below `/proc/sys` in this machine's network.
    pub(crate) fn sysctl(&self, path: &str, value: &str) -> anyhow::Result<()> {
        run(self.command("/bin/sh").args(["-c", "echo \"$1\" >\"/proc/sys/$0\"", path, value]))?;
        Ok(())
    }

    /// Its first process, for others to move devices to.
    pub(crate) fn init(&self) -> Process {
        self.init
    }

    /// Starts a daemon in this machine. What it writes is in [`Machine::log`].
    pub(crate) fn daemon<I, S>(&self, program: &Path, arguments: I) -> anyhow::Result<()>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let words: Vec<OsString> = std::iter::once(program.as_os_str().to_owned())
            .chain(arguments.into_iter().map(|word| word.as_ref().to_owned()))
            .collect();
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let child = Some(self.spawn(&name, &words)?);
        self.daemons().insert(name, Daemon { words, child });
        Ok(())
    }

    /// Stops a daemon with this signal and waits until it is gone.
    pub fn stop(&self, daemon: &str, signal: Signal) -> anyhow::Result<()> {
        let mut daemons = self.daemons();
        let held = daemons.get_mut(daemon).with_context(|| format!("{} has no {daemon}", self.name))?;
        let Some(mut child) = held.child.take() else { return Ok(()) };
        let what = format!("{daemon} of {} ended", self.name);
        wait::until(&what, Duration::from_secs(30), || {
            if child.try_wait()?.is_some() {
                return Ok(());
            }
            for process in process::children(i32::try_from(child.id())?) {
                process.signal(signal);
            }
            bail!("it still runs")
        })
    }

    /// Halts a daemon where it is (SIGSTOP): it does nothing, and what it has done stays.
    pub fn pause(&self, daemon: &str) -> anyhow::Result<()> {
        let (_, own) = self.processes(daemon)?;
        for process in own {
            process.signal(Signal::STOP);
        }
        Ok(())
    }

    /// Lets a halted daemon go on.
    pub fn resume(&self, daemon: &str) -> anyhow::Result<()> {
        let (nsenter, own) = self.processes(daemon)?;
        // nsenter halts with its child.
        for process in own.into_iter().chain(nsenter) {
            process.signal(Signal::CONT);
        }
        Ok(())
    }

    /// Who waits for a daemon outside of the machine, and the daemon itself.
    fn processes(&self, daemon: &str) -> anyhow::Result<(Option<Process>, Vec<Process>)> {
        let daemons = self.daemons();
        let held = daemons.get(daemon).with_context(|| format!("{} has no {daemon}", self.name))?;
        let child = held.child.as_ref().with_context(|| format!("{daemon} of {} does not run", self.name))?;
        let pid = i32::try_from(child.id())?;
        let own = process::children(pid);
        anyhow::ensure!(!own.is_empty(), "{daemon} of {} has ended", self.name);
        Ok((Process::of(pid), own))
    }

    /// Starts a daemon that was stopped or has ended, with the words that it was started with first.
    pub fn start_again(&self, daemon: &str) -> anyhow::Result<()> {
        let mut daemons = self.daemons();
        let held = daemons.get_mut(daemon).with_context(|| format!("{} has no {daemon}", self.name))?;
        if let Some(child) = &mut held.child
            && child.try_wait()?.is_none()
        {
            bail!("{daemon} of {} runs already", self.name);
        }
        held.child = Some(self.spawn(daemon, &held.words)?);
        Ok(())
    }

    /// What a daemon has written so far.
    pub fn log(&self, daemon: &str) -> String {
        let bytes = fs::read(self.log_file(daemon)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// An error if one of the daemons has ended by itself, with the end of what it wrote.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for (name, daemon) in self.daemons().iter_mut() {
            let Some(child) = &mut daemon.child else { continue };
            if let Some(status) = child.try_wait()? {
                let log = self.log(name);
                let tail: Vec<&str> = log.lines().rev().take(10).collect();
                let tail: Vec<&str> = tail.into_iter().rev().collect();
                let said = tail.join("\n");
                return Err(InVain(format!("{name} of {} ended with {status}:\n{said}", self.name)).into());
            }
        }
        Ok(())
    }

    /// Ends every process of this machine, and with them its mounts and its network.
    pub(crate) fn end(&self) {
        let Some(mut holder) = self.holder.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        drop(holder.stdin.take());
        self.init.signal(Signal::KILL);
        // It ends with its child, the first process, and that one when all others are gone.
        let _ = holder.wait();
        for daemon in self.daemons().values_mut() {
            if let Some(mut child) = daemon.child.take() {
                let _ = child.wait();
            }
        }
    }

    fn spawn(&self, name: &str, words: &[OsString]) -> anyhow::Result<Child> {
        let log = File::options().append(true).create(true).open(self.log_file(name))?;
        let (program, arguments) = words.split_first().context("a daemon without a program")?;
        self.inside(program)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {name} in {}", self.name))
    }

    fn log_file(&self, daemon: &str) -> PathBuf {
        self.folder.join(format!("log/{daemon}.log"))
    }

    fn enter(&self, network: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={network}")).arg("--").arg(program);
        self.dress(&mut command);
        command
    }

    fn dress(&self, command: &mut Command) {
        command.env(MARK, &self.mark).env("PATH", needs::path());
    }

    fn daemons(&self) -> MutexGuard<'_, BTreeMap<String, Daemon>> {
        self.daemons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}
