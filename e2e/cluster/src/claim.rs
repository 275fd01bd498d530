//! Which cluster is whose. A cluster has a number, and with it a network, a mark and a control group of its own; the
//! number is claimed by a file that its owner holds locked. The kernel lets go of the lock when the owner ends, so a
//! claim that can be locked is one whose owner is dead, and what is left of its cluster may be removed.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::process::{self, Process};
use crate::{command, folders, groups, wait};

/// One folder for the whole machine, whatever workspace the cluster is of; gone with the next boot, as is what the
/// claims are about.
const FOLDER: &str = "/run/segue-cluster";

/// Numbers to choose from: each is the third byte of the network's addresses.
const NUMBERS: std::ops::Range<u8> = 0..64;

/// Where the host's network devices are seen.
const DEVICES: &str = "/sys/class/net";

/// The variable in which every process that belongs to a cluster carries its mark.
pub(crate) const MARK: &str = "SEGUE_CLUSTER_MARK";

/// A cluster's number, held until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) number: u8,
    file: File,
    record: Record,
}

/// What stands in a claim: all that one must know to remove what is left of a cluster.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    owner: Process,
    mark: String,
    folder: PathBuf,
}

impl Claim {
    /// The first free number. Leftovers of dead owners are removed on the way.
    pub(crate) fn take() -> anyhow::Result<Self> {
        fs::create_dir_all(FOLDER).with_context(|| format!("cannot make {FOLDER}"))?;
        for number in NUMBERS {
            let Some(mut file) = lock(&path(number))? else { continue };
            if let Some(left) = read(&mut file) {
                left.remove(number)?;
            } else if is_taken(number)? {
                fs::remove_file(path(number))?;
                continue;
            }
            let owner = Process::own()?;
            let record = Record {
                owner,
                mark: format!("{number}-{}-{}", owner.pid, owner.started),
                folder: folders::built().join(format!("run/{number}")),
            };
            write(&mut file, &record)?;
            return Ok(Self { number, file, record });
        }
        bail!("{} clusters run already: see {FOLDER}", NUMBERS.len())
    }

    /// What every process of this cluster carries.
    pub(crate) fn mark(&self) -> &str {
        &self.record.mark
    }

    /// Where this cluster keeps its data.
    pub(crate) fn folder(&self) -> &Path {
        &self.record.folder
    }

    /// The host's end of the cluster's network.
    pub(crate) fn link(&self) -> String {
        link(self.number)
    }

    /// The control group above all of this cluster's containers.
    pub(crate) fn group(&self) -> String {
        group(self.number)
    }

    /// What there is of this cluster outside of its machines.
    pub(crate) fn traces(&self) -> Vec<PathBuf> {
        let mut traces = groups::places(&self.group());
        traces.push(self.record.folder.clone());
        traces.push(path(self.number));
        traces.push(Path::new(DEVICES).join(self.link()));
        traces
    }

    /// Removes everything of this cluster, and then the claim. The machines' first processes must have been ended.
    pub(crate) fn release(self) -> anyhow::Result<()> {
        self.record.remove(self.number)?;
        fs::remove_file(path(self.number))?;
        drop(self.file);
        Ok(())
    }
}

impl Record {
    fn remove(&self, number: u8) -> anyhow::Result<()> {
        let own = Process::own()?;
        let what = format!("every process of cluster {number} ended");
        wait::until(&what, Duration::from_secs(20), || {
            let mut left = process::marked(MARK, &self.mark);
            left.retain(|process| *process != own);
            for process in &left {
                process.signal(Signal::KILL);
            }
            if left.is_empty() { Ok(()) } else { bail!("{left:?}") }
        })?;
        if Path::new(DEVICES).join(link(number)).exists() {
            // It goes with its other end, but the kernel takes its time for that.
            let _ = command::run(Command::new("ip").args(["link", "del", &link(number)]));
        }
        groups::remove(&group(number))?;
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }
}

/// Removes what is left of clusters whose owner is dead; returns their numbers.
pub(crate) fn sweep() -> anyhow::Result<Vec<u8>> {
    let mut swept = Vec::new();
    for number in NUMBERS.filter(|number| path(*number).exists()) {
        let Some(mut file) = lock(&path(number))? else { continue };
        if let Some(left) = read(&mut file) {
            left.remove(number)?;
            swept.push(number);
        }
        fs::remove_file(path(number))?;
    }
    Ok(swept)
}

fn path(number: u8) -> PathBuf {
    Path::new(FOLDER).join(number.to_string())
}

fn link(number: u8) -> String {
    format!("segue-{number}")
}

fn group(number: u8) -> String {
    format!("segue-cluster-{number}")
}

/// Whether the host has this number's addresses for something else.
fn is_taken(number: u8) -> anyhow::Result<bool> {
    let network = format!("10.90.{number}.0/24");
    Ok(!command::run(Command::new("ip").args(["-4", "route", "show", "root", &network]))?.trim().is_empty())
}

/// The claim's file, locked; `None` while another process holds it.
fn lock(path: &Path) -> anyhow::Result<Option<File>> {
    let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = open().with_context(|| format!("cannot open {}", path.display()))?;
    if file.try_lock().is_err() {
        return Ok(None);
    }
    // Its owner may have removed it between our opening and our locking: then this is not the claim any more.
    let same =
        fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|own| own.ino() == there.ino()));
    Ok(same.then_some(file))
}

/// An empty or half-written claim is of an owner that died before it made anything.
fn read(file: &mut File) -> Option<Record> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write(file: &mut File, record: &Record) -> anyhow::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(serde_json::to_string(record)?.as_bytes())?;
    Ok(())
}
