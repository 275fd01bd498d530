//! A named cluster that stays: a process of its own is its owner, until it is told to take it down.
//!
//! The keeper is the program that asks for the cluster, started again in the background; see `cargo xtask cluster`.

use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustix::process::Signal;

use crate::process::Process;
use crate::wait::{self, InVain};
use crate::{Cluster, Options, folders};

/// The first start builds Kubernetes.
const START: Duration = Duration::from_mins(40);

/// A cluster by its name.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    name: String,
}

impl Keeper {
    /// The cluster of this name, running or not.
    pub fn named(name: &str) -> anyhow::Result<Self> {
        let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ensure!(
            !name.is_empty() && name.bytes().all(fine),
            "{name:?} is no cluster's name: small letters, digits and hyphens are allowed"
        );
        Ok(Self { folder: folders::built().join("kept").join(name), name: name.to_owned() })
    }

    /// Starts `command` in the background, which must call [`Keeper::hold`], and waits until its cluster is up; returns
    /// the administrator's kubeconfig.
    pub fn start(&self, command: &mut Command) -> anyhow::Result<PathBuf> {
        if let Some(owner) = self.owner() {
            bail!("cluster {} is up already, kept by process {}", self.name, owner.pid);
        }
        fs::create_dir_all(&self.folder)?;
        let _ = fs::remove_file(self.kubeconfig_file());
        let log_file = self.folder.join("log");
        let log = File::create(&log_file)?;
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("cannot start the cluster's keeper")?;
        wait::until(&format!("cluster {} is up (see {})", self.name, log_file.display()), START, || {
            if let Some(status) = child.try_wait()? {
                let said = fs::read_to_string(&log_file).unwrap_or_default();
                return Err(InVain(format!("its keeper ended with {status}: {}", said.trim())).into());
            }
            self.kubeconfig()
        })
    }

    /// Brings the cluster up in this process and keeps it until SIGTERM or SIGINT; then takes it down.
    pub fn hold(&self, options: &Options) -> anyhow::Result<()> {
        let told = told()?;
        fs::create_dir_all(&self.folder)?;
        fs::write(self.owner_file(), serde_json::to_string(&Process::own()?)?)?;
        let cluster = Cluster::up(options)?;
        // Written as a whole, and last: who finds it finds a cluster that is up.
        let draft = self.folder.join(".kubeconfig.draft");
        fs::copy(cluster.api.kubeconfig(), &draft)?;
        fs::rename(&draft, self.kubeconfig_file())?;
        let _ = told.recv();
        cluster.down()?;
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }

    /// Takes the cluster down and waits until it is; false if it was not up. What a killed keeper left goes too.
    pub fn stop(&self) -> anyhow::Result<bool> {
        let owner = self.owner();
        if let Some(owner) = owner {
            owner.signal(Signal::TERM);
            wait::until(&format!("cluster {} is down", self.name), wait::LONG, || {
                ensure!(!owner.lives(), "its keeper, process {}, still runs", owner.pid);
                Ok(())
            })?;
            let left = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            ensure!(
                !self.folder.exists(),
                "cluster {} was not taken down as a whole: {}",
                self.name,
                left.trim()
            );
        }
        Cluster::sweep()?;
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        Ok(owner.is_some())
    }

    /// The administrator's kubeconfig; an error if the cluster is not up.
    pub fn kubeconfig(&self) -> anyhow::Result<PathBuf> {
        let file = self.kubeconfig_file();
        ensure!(self.owner().is_some() && file.is_file(), "cluster {} is not up", self.name);
        Ok(file)
    }

    /// The process that keeps it, if that lives.
    fn owner(&self) -> Option<Process> {
        let text = fs::read_to_string(self.owner_file()).ok()?;
        serde_json::from_str::<Process>(&text).ok().filter(|owner| owner.lives())
    }

    fn owner_file(&self) -> PathBuf {
        self.folder.join("owner.json")
    }

    fn kubeconfig_file(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }
}

/// Hears SIGTERM and SIGINT.
fn told() -> anyhow::Result<std::sync::mpsc::Receiver<()>> {
    let (tell, told) = std::sync::mpsc::channel();
    let mut signals =
        signal_hook::iterator::Signals::new([signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = tell.send(());
        }
    });
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        assert!(Keeper::named("../x").is_err());
        assert!(Keeper::named("").is_err());
        assert!(Keeper::named("mine-2").is_ok());
    }

    #[test]
    fn a_cluster_that_is_not_up_has_no_kubeconfig() {
        let error = Keeper::named("of-a-test-that-never-starts-it").unwrap().kubeconfig().unwrap_err();
        assert!(error.to_string().ends_with("is not up"), "{error}");
    }
}
