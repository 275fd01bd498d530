//! The control groups that containers leave: in each hierarchy (version 1), or in the one (version 2).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::wait;

const ROOT: &str = "/sys/fs/cgroup";

/// Removes the control group of this name, with all below it, from every hierarchy. Its processes must have ended.
pub(crate) fn remove(name: &str) -> anyhow::Result<()> {
    for group in find(name) {
        // The kernel takes a moment from a process's end until its group counts as empty.
        wait::until(&format!("{} is empty", group.display()), Duration::from_secs(10), || {
            remove_all(&group).with_context(|| format!("cannot remove {}", group.display()))
        })?;
    }
    Ok(())
}

/// The control groups of this name.
pub(crate) fn find(name: &str) -> Vec<PathBuf> {
    let hierarchies = fs::read_dir(ROOT).into_iter().flatten().flatten().map(|entry| entry.path());
    std::iter::once(PathBuf::from(ROOT))
        .chain(hierarchies)
        .map(|hierarchy| hierarchy.join(name))
        .filter(|group| group.is_dir())
        .collect()
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
