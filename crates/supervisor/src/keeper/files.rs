//! The files of one instance's folder by which `up` and the keeper speak to each other.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::credentials::User;
use super::log::LogLimits;
use crate::atomic::{self, Outlives};
use crate::duration;
use crate::process::Identity;

const LAUNCH: &str = "launch.json";
const STATUS: &str = "status.json";

/// What is to be run: written by the one who spawns, read by the keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// The instance's name within its service.
    pub id: String,
    /// The version that it runs.
    pub version: String,
    /// The program's file, found already.
    pub program: PathBuf,
    /// Its arguments, its own name first, all replaced already.
    pub arguments: Vec<String>,
    /// What its environment has beside what `up` has.
    pub env: BTreeMap<String, String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// As whom, if not as the one who runs `up`.
    pub user: Option<User>,
    /// The port that it is to listen on.
    pub port: u16,
    /// How much of its output is kept.
    pub log: LogLimits,
    /// How long what is left of its process group has, between SIGTERM and SIGKILL, once the main process has ended.
    #[serde(with = "duration")]
    pub group_grace: Duration,
    /// How many files it may have open at first, if not as many as its keeper: `segue up` raises its own limit.
    #[serde(default)]
    pub open_files: Option<u64>,
}

impl Launch {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Makes the folder, for its owner alone, and writes it there. A folder that exists is another instance's.
    pub fn write_new(&self, dir: &Path) -> io::Result<()> {
        if let Some(parent) = dir.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        }
        fs::DirBuilder::new().mode(0o700).create(dir)?;
        write(dir, LAUNCH, self)
    }

    /// Nobody will run it again: what it holds (secrets, perhaps) is not kept for longer than it is of use.
    pub fn forget(dir: &Path) -> io::Result<()> {
        match fs::remove_file(dir.join(LAUNCH)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// One of a program without arguments.
    #[cfg(test)]
    pub(super) fn for_tests(id: &str, program: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: "v1".to_owned(),
            program: program.into(),
            arguments: vec![program.to_owned()],
            env: BTreeMap::new(),
            cwd: "/".into(),
            user: None,
            port: 4000,
            log: LogLimits::default(),
            group_grace: Duration::from_secs(2),
            open_files: None,
        }
    }

    /// What was written; `None` if its spawner did not get that far.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        read(dir, LAUNCH)
    }
}

/// How far the instance is: written by its keeper alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The boot within which the processes below are told apart.
    pub boot_id: String,
    /// The keeper itself.
    pub keeper: Identity,
    /// The main process, once there is one.
    pub process: Option<Identity>,
    /// Where in its life it is.
    #[serde(flatten)]
    pub state: State,
    /// How many lines of its output could not be written.
    pub lost_lines: u64,
}

/// Where in its life an instance is, as its keeper saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// The main process runs, or nobody saw it end.
    Running,
    /// It ended: by `exit`, or by a signal.
    Exited {
        /// What it gave to `exit`.
        code: Option<i32>,
        /// What ended it.
        signal: Option<i32>,
        /// Whether processes that it had started ran on then, although it ended with success.
        #[serde(default)]
        background: bool,
    },
    /// There never was a process.
    FailedToStart {
        /// Why.
        error: String,
    },
}

impl Status {
    /// What the keeper wrote last.
    pub fn read(dir: &Path) -> io::Result<Option<Self>> {
        read(dir, STATUS)
    }

    /// What its keeper says from now on.
    pub fn write(&self, dir: &Path) -> io::Result<()> {
        write(dir, STATUS, self)
    }
}

/// What was written; `None` if nothing of use is there, as after a loss of power.
fn read<T: DeserializeOwned>(dir: &Path, name: &str) -> io::Result<Option<T>> {
    let path = dir.join(name);
    match fs::read(&path) {
        Ok(text) => Ok(serde_json::from_slice(&text)
            .inspect_err(|error| tracing::warn!(%error, "{} cannot be understood", path.display()))
            .ok()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// No process outlives a loss of power, so what was said of one is of no use after it.
fn write<T: Serialize>(dir: &Path, name: &str, value: &T) -> io::Result<()> {
    atomic::replace(&dir.join(name), &serde_json::to_vec_pretty(value)?, Outlives::Kill)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_none_and_what_cannot_be_read_or_deleted_is_told() {
        let dir = tempfile::tempdir().expect("temp dir");
        Launch::forget(dir.path()).expect("there is none");
        assert_eq!(Launch::read(dir.path()).expect("there is none"), None);
        for file in [LAUNCH, STATUS] {
            fs::create_dir(dir.path().join(file)).expect("makes it");
        }
        Launch::forget(dir.path()).expect_err("a folder is no file");
        Launch::read(dir.path()).expect_err("a folder is no file");
        Status::read(dir.path()).expect_err("a folder is no file");
    }
}
