//! Making a folder of one's own, reached only by way of those that nobody else can change.
//!
//! Root may be told to keep its state below a folder of another user, who could put a link, or another folder, in its
//! place: then root would write where that user says. So each folder on the way is opened by its name alone, without
//! following links, and looked at once it is open; what belongs to root or to this user, and may be written to by no
//! other, can't be exchanged after that.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};

/// As many links as the kernel follows.
const LINKS: u32 = 40;
const PRIVATE: Mode = Mode::RWXU;
const STICKY: u32 = 0o1000;
/// Only to be looked at and entered: that needs no right to read it.
const LOOKED_AT: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
/// One that was opened only to be looked at can be neither changed nor synced.
const READ: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnFolderError {
    /// It cannot be made or opened.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Someone else could put another in its place, or has.
    #[error(
        "{path} {why}: whoever that is could put another folder in the place of the state. Say with --state-dir \
         a folder of one's own, below folders of one's own or of root", path = path.display()
    )]
    Unsafe {
        /// Which.
        path: PathBuf,
        /// What is so.
        why: String,
    },
}

/// Makes the folder, and those above it, for its owner alone, or opens what is there and takes others' rights to it
/// away.
pub(crate) fn make(path: &Path) -> Result<(), OwnFolderError> {
    let folder = Way::begin()?.walk(path)?;
    let stat = folder.stat()?;
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own {
        return Err(folder.not_safe(format!("belongs to user {}", stat.st_uid)));
    }
    // What others could write to may hold links of theirs already.
    folder.check_writers(&stat)?;
    let changed = rustix::fs::openat(&folder.file, c".", READ, Mode::empty())
        .and_then(|file| rustix::fs::fchmod(file, PRIVATE));
    changed.map_err(|error| folder.failed(error))
}

/// An open folder, and how it was reached.
struct Folder {
    file: OwnedFd,
    path: PathBuf,
}

/// The folders that were entered, the root first.
struct Way {
    folders: Vec<Folder>,
    /// Whose word counts: root's, one's own, and of whom the root folder is, who could change all below it anyway.
    trusted: [u32; 3],
    links: u32,
}

impl Way {
    fn begin() -> Result<Self, OwnFolderError> {
        let path = PathBuf::from("/");
        let file = rustix::fs::open(&path, LOOKED_AT, Mode::empty());
        let file = file.map_err(|error| OwnFolderError::Io { path: path.clone(), source: error.into() })?;
        let root = Folder { file, path };
        let trusted = [0, rustix::process::geteuid().as_raw(), root.stat()?.st_uid];
        Ok(Self { folders: vec![root], trusted, links: 0 })
    }

    fn walk(mut self, path: &Path) -> Result<Folder, OwnFolderError> {
        let mut names = names(path);
        while let Some(name) = names.pop_front() {
            if name == ".." {
                // Above the root is the root.
                if self.folders.len() > 1 {
                    self.folders.pop();
                }
                continue;
            }
            let Some(above) = self.folders.last() else { break };
            self.check(above)?;
            let entered = above.enter(&name)?;
            let stat = entered.stat()?;
            if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
                for name in self.follow(&entered, &stat)?.into_iter().rev() {
                    names.push_front(name);
                }
            } else {
                self.folders.push(entered);
            }
        }
        self.folders.pop().ok_or_else(|| OwnFolderError::Io {
            path: path.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    /// Where a link leads to, of somebody whose word counts.
    fn follow(&mut self, link: &Folder, stat: &Stat) -> Result<VecDeque<OsString>, OwnFolderError> {
        self.links += 1;
        if self.links > LINKS {
            return Err(link.failed(rustix::io::Errno::LOOP));
        }
        if !self.trusted.contains(&stat.st_uid) {
            return Err(link.not_safe(format!("is a symbolic link of user {}", stat.st_uid)));
        }
        let target =
            rustix::fs::readlinkat(&link.file, c"", Vec::new()).map_err(|error| link.failed(error))?;
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_absolute() {
            self.folders.truncate(1);
        }
        Ok(names(&target))
    }

    /// A folder in which a name means what its owner or root says, and nobody else.
    fn check(&self, folder: &Folder) -> Result<(), OwnFolderError> {
        let stat = folder.stat()?;
        if !self.trusted.contains(&stat.st_uid) {
            return Err(folder.not_safe(format!("belongs to user {}", stat.st_uid)));
        }
        folder.check_writers(&stat)
    }
}

impl Folder {
    fn stat(&self) -> Result<Stat, OwnFolderError> {
        rustix::fs::fstat(&self.file).map_err(|error| self.failed(error))
    }

    /// What has this name here, a link itself too; made if there is nothing.
    fn enter(&self, name: &OsStr) -> Result<Self, OwnFolderError> {
        let path = self.path.join(name);
        let failed =
            |error: rustix::io::Errno| OwnFolderError::Io { path: path.clone(), source: error.into() };
        let flags = LOOKED_AT.union(OFlags::NOFOLLOW);
        let open = || rustix::fs::openat(&self.file, name, flags, Mode::empty());
        let file = match open() {
            Err(rustix::io::Errno::NOENT) => {
                match rustix::fs::mkdirat(&self.file, name, PRIVATE) {
                    Ok(()) => self.sync()?,
                    Err(rustix::io::Errno::EXIST) => {}
                    Err(error) => return Err(failed(error)),
                }
                open()
            }
            opened => opened,
        };
        let entered = Self { file: file.map_err(failed)?, path };
        match FileType::from_raw_mode(entered.stat()?.st_mode) {
            FileType::Directory | FileType::Symlink => Ok(entered),
            _ => Err(entered.failed(rustix::io::Errno::NOTDIR)),
        }
    }

    /// The new name in it is to outlive a loss of power.
    fn sync(&self) -> Result<(), OwnFolderError> {
        let synced = rustix::fs::openat(&self.file, c".", READ, Mode::empty()).and_then(rustix::fs::fsync);
        match synced {
            // Where one may enter and write but not list, as in some /tmp, there is nothing to be done.
            Ok(()) | Err(rustix::io::Errno::ACCESS | rustix::io::Errno::INVAL) => Ok(()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// In a sticky folder, as /tmp is, nobody can take another's entry away. Where a user's main group is the user's own,
    /// as most systems have it, folders are writable for it by default; root gains nothing by that.
    fn check_writers(&self, stat: &Stat) -> Result<(), OwnFolderError> {
        let groups = [0, rustix::process::getegid().as_raw()];
        let is_root = rustix::process::geteuid().is_root();
        let own_group = if is_root { stat.st_gid == 0 } else { groups.contains(&stat.st_gid) };
        if stat.st_mode & STICKY != 0 {
            Ok(())
        } else if stat.st_mode & 0o002 != 0 {
            Err(self.not_safe("may be written to by everybody".to_owned()))
        } else if stat.st_mode & 0o020 != 0 && !own_group {
            Err(self.not_safe(format!("may be written to by its group, {}", stat.st_gid)))
        } else {
            Ok(())
        }
    }

    fn failed(&self, error: rustix::io::Errno) -> OwnFolderError {
        OwnFolderError::Io { path: self.path.clone(), source: error.into() }
    }

    fn not_safe(&self, why: String) -> OwnFolderError {
        OwnFolderError::Unsafe { path: self.path.clone(), why }
    }
}

fn names(path: &Path) -> VecDeque<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    names.collect()
}

#[cfg(test)]
mod tests;
