//! A stand-in for DNS: a file of names that takes the place of `/etc/hosts` for the clients, and follows who is to be
//! found under a name as late as name servers and their caches do.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A file's length never changes: a reader that comes in between sees the old or the new names, and never none.
const LENGTH: usize = 4096;

/// The file.
#[derive(Debug)]
pub(crate) struct Hosts {
    path: PathBuf,
    name: String,
    file: File,
}

impl Hosts {
    /// Nobody is to be found under `name` yet.
    pub(crate) fn new(path: &Path, name: &str) -> anyhow::Result<Self> {
        fs::write(path, text(name, &[])).with_context(|| format!("cannot write {}", path.display()))?;
        let file = File::options().write(true).open(path)?;
        Ok(Self { path: path.to_owned(), name: name.to_owned(), file })
    }

    /// Says who is to be found. Of nobody, the last known stay: so do caches.
    pub(crate) fn set(&self, addresses: &[String]) -> anyhow::Result<()> {
        if !addresses.is_empty() {
            self.file.write_all_at(text(&self.name, addresses).as_bytes(), 0)?;
        }
        Ok(())
    }

    /// The words before a program that make it look names up here.
    pub(crate) fn words(path: &Path) -> Vec<String> {
        let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
        let words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script];
        words.iter().map(|word| (*word).to_owned()).chain([path.display().to_string()]).collect()
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn text(name: &str, addresses: &[String]) -> String {
    let mut lines: Vec<String> = addresses.iter().map(|address| format!("{address} {name}")).collect();
    let length: usize = lines.iter().map(|line| line.len() + 1).sum();
    lines.push("\n".repeat(LENGTH.saturating_sub(length)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_in_place_and_the_last_known_stay() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = Hosts::new(&folder.path().join("hosts"), "web").unwrap();
        hosts.set(&["10.0.0.1".into(), "10.0.0.2".into()]).unwrap();
        hosts.set(&[]).unwrap();
        let seen = fs::read_to_string(hosts.path()).unwrap();
        assert_eq!((seen.trim(), seen.len()), ("10.0.0.1 web\n10.0.0.2 web", LENGTH));
    }
}
