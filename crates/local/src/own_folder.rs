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
    if stat.st_mode & 0o077 != 0 {
        // One that was opened only to be looked at cannot be changed.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let changed = rustix::fs::openat(&folder.file, c".", flags, Mode::empty())
            .and_then(|file| rustix::fs::fchmod(file, PRIVATE));
        changed.map_err(|error| folder.failed(error))?;
    }
    Ok(())
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
        let file = rustix::fs::open(&path, looking(), Mode::empty());
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
        let open = || rustix::fs::openat(&self.file, name, looking() | OFlags::NOFOLLOW, Mode::empty());
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
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let synced = rustix::fs::openat(&self.file, c".", flags, Mode::empty()).and_then(rustix::fs::fsync);
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

/// Only to be looked at and entered: that needs no right to read it.
fn looking() -> OFlags {
    OFlags::PATH | OFlags::CLOEXEC
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
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

    const STRANGER: u32 = 4321;

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[track_caller]
    fn refused(path: &Path, words: &str) {
        let error = make(path).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn all_that_is_made_is_for_its_owner_alone() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b/../b/./c");
        make(&path).unwrap();
        for folder in ["a", "a/b", "a/b/c"] {
            assert_eq!(mode(&place.path().join(folder)), 0o700, "{folder}");
        }
        chmod(&place.path().join("a/b/c"), 0o755);
        make(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn a_link_of_ones_own_is_followed_and_one_without_end_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        fs::create_dir(at("real")).unwrap();
        symlink("real", at("relative")).unwrap();
        symlink(at("relative"), at("absolute")).unwrap();
        make(&at("absolute/web")).unwrap();
        assert!(at("real/web").is_dir());
        symlink("round", at("round")).unwrap();
        refused(&at("round/web"), "symbolic links");
        fs::write(at("file"), "").unwrap();
        refused(&at("file/web"), "Not a directory");
    }

    #[test]
    fn where_others_may_write_it_is_refused_unless_it_is_sticky() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("shared");
        fs::create_dir(&folder).unwrap();
        chmod(&folder, 0o777);
        refused(&folder.join("web"), "may be written to by everybody");
        refused(&folder, "may be written to by everybody");
        assert!(!folder.join("web").exists());
        chmod(&folder, 0o1777);
        make(&folder.join("web")).unwrap();
    }

    /// What only root can set up.
    fn as_root() -> Option<tempfile::TempDir> {
        rustix::process::geteuid().is_root().then(|| tempfile::tempdir().unwrap())
    }

    #[test]
    fn below_a_strangers_folder_nothing_is_made_followed_or_changed() {
        let Some(place) = as_root() else { return };
        let (theirs, victim) = (place.path().join("theirs"), place.path().join("victim"));
        fs::create_dir(&theirs).unwrap();
        fs::create_dir(&victim).unwrap();
        chmod(&victim, 0o755);
        symlink(&victim, theirs.join("web")).unwrap();
        chown(&theirs, Some(STRANGER), Some(STRANGER)).unwrap();
        for name in ["web", "web/deeper", "other"] {
            refused(&theirs.join(name), "belongs to user 4321");
        }
        assert_eq!(mode(&victim), 0o755);
        assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
        refused(&theirs, "belongs to user 4321");
    }

    #[test]
    fn in_a_sticky_folder_a_strangers_link_and_folder_are_refused() {
        let Some(place) = as_root() else { return };
        let shared = place.path().join("shared");
        fs::create_dir(&shared).unwrap();
        chmod(&shared, 0o1777);
        let victim = place.path().join("victim");
        fs::create_dir(&victim).unwrap();
        chmod(&victim, 0o755);
        symlink(&victim, shared.join("link")).unwrap();
        std::os::unix::fs::lchown(shared.join("link"), Some(STRANGER), None).unwrap();
        refused(&shared.join("link"), "is a symbolic link of user 4321");
        fs::create_dir(shared.join("folder")).unwrap();
        chown(shared.join("folder"), Some(STRANGER), None).unwrap();
        refused(&shared.join("folder"), "belongs to user 4321");
        refused(&shared.join("folder/web"), "belongs to user 4321");
        assert_eq!(mode(&victim), 0o755);
    }

    #[test]
    fn a_group_other_than_roots_that_may_write_is_refused_to_root() {
        let Some(place) = as_root() else { return };
        let folder = place.path().join("grouped");
        fs::create_dir(&folder).unwrap();
        chmod(&folder, 0o775);
        chown(&folder, None, Some(STRANGER)).unwrap();
        refused(&folder.join("web"), "may be written to by its group, 4321");
        chown(&folder, None, Some(0)).unwrap();
        make(&folder.join("web")).unwrap();
    }
}
