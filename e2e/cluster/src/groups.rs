//! The control groups that a cluster's pods are in: in each hierarchy (version 1), or in the one (version 2).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::wait;

const ROOT: &str = "/sys/fs/cgroup";

/// Makes the control group of this path in every hierarchy: the kubelet wants to find the one that its pods' groups go in.
pub(crate) fn make(path: &str) -> anyhow::Result<()> {
    for hierarchy in hierarchies() {
        let group = hierarchy.join(path);
        fs::create_dir_all(&group).with_context(|| format!("cannot make {}", group.display()))?;
    }
    Ok(())
}

/// Lets a control group's processes have the processor before those of others: what a cluster does in time on a quiet
/// machine it does in time on a busy one too. Where the kernel has no such setting nothing happens.
pub(crate) fn favour(name: &str) {
    for group in places(name) {
        // The most that version 1 knows, and version 2.
        for (setting, most) in [("cpu.shares", "262144"), ("cpu.weight", "10000")] {
            let setting = group.join(setting);
            if setting.is_file() {
                let _ = fs::write(setting, most);
            }
        }
    }
}

/// Removes the control group of this name, with all below it, from every hierarchy. Its processes must have ended.
pub(crate) fn remove(name: &str) -> anyhow::Result<()> {
    for group in places(name).into_iter().filter(|group| group.is_dir()) {
        // The kernel takes a moment from a process's end until its group counts as empty.
        wait::until(&format!("{} is empty", group.display()), Duration::from_secs(10), || {
            remove_all(&group).with_context(|| format!("cannot remove {}", group.display()))
        })?;
    }
    Ok(())
}

/// Where the control groups of this name are, or would be.
pub(crate) fn places(name: &str) -> Vec<PathBuf> {
    hierarchies().map(|hierarchy| hierarchy.join(name)).collect()
}

/// The root group of each hierarchy. Several names may stand for one hierarchy (`cpu` and `cpuacct`).
fn hierarchies() -> impl Iterator<Item = PathBuf> {
    let below = fs::read_dir(ROOT).into_iter().flatten().flatten();
    let below =
        below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path());
    let one = PathBuf::from(ROOT);
    // The groups of the one hierarchy of version 2 are folders too, but not roots.
    let is_one = one.join("cgroup.procs").is_file();
    std::iter::once(one).filter(move |_| is_one).chain(below.filter(move |_| !is_one))
}

/// A group is a folder whose files cannot be removed and need not be.
fn remove_all(group: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(group)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove_all(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}
