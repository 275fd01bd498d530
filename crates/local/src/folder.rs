//! Where a service keeps what must outlive `segue up`: one folder each, in the state folder.
//!
//! ```text
//! STATE_DIR/NAME/  control.sock  lock  state.json  history.jsonl  gauge  instances/ID/
//! ```
//! `lock` is held by the one process that drives the service, whoever that is: so there is never a second.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::own_folder::{self, OwnFolderError};

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Neither root nor a session folder.
    #[error("XDG_RUNTIME_DIR is not set: say with --state-dir where the state is to be kept")]
    NoDefault,
    /// It or a file in it cannot be made, read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It cannot be made, or someone else could write there.
    #[error(transparent)]
    Own(#[from] OwnFolderError),
    /// Someone drives this service already.
    #[error("{name} is driven already, by process {pid}")]
    Busy {
        /// The service.
        name: String,
        /// Who holds the lock; 0 if it has not said so yet.
        pid: u32,
    },
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io { path, source }
}

/// The folder of all services of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// The one that was asked for, or this user's own: `/run/segue` for root, else `$XDG_RUNTIME_DIR/segue`.
    pub fn find(asked: Option<PathBuf>) -> Result<Self, FolderError> {
        let path = match asked {
            Some(path) => path,
            None => default(rustix::process::geteuid().is_root(), std::env::var_os("XDG_RUNTIME_DIR"))?,
        };
        std::path::absolute(&path).map(Self).map_err(failed(&path))
    }

    /// The folder of one service; it need not exist.
    pub fn service(&self, name: &str) -> Folder {
        Folder { name: name.to_owned(), path: self.0.join(name) }
    }

    /// All services that have a folder, by name.
    pub fn services(&self) -> Result<Vec<Folder>, FolderError> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&self.0)(error)),
        };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut services: Vec<_> = names.map(|name| self.service(&name)).collect();
        services.retain(|service| service.lock_file().exists());
        services.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(services)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

fn default(is_root: bool, session: Option<OsString>) -> Result<PathBuf, FolderError> {
    let session = session.filter(|path| !path.is_empty());
    match session {
        _ if is_root => Ok("/run/segue".into()),
        Some(session) => Ok(PathBuf::from(session).join("segue")),
        None => Err(FolderError::NoDefault),
    }
}

/// The folder of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    name: String,
    path: PathBuf,
}

impl Folder {
    /// The service's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The socket by which the one who drives it is spoken to.
    pub fn control_socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// What must survive a restart of the driver.
    pub fn state_file(&self) -> PathBuf {
        self.path.join("state.json")
    }

    /// The specs that were run: what must survive a loss of power.
    pub fn revisions_file(&self) -> PathBuf {
        self.path.join("revisions.json")
    }

    /// One line for each thing that was done to the service.
    pub fn history_file(&self) -> PathBuf {
        self.path.join("history.jsonl")
    }

    /// How many requests are in flight.
    pub fn in_flight_file(&self) -> PathBuf {
        self.path.join("gauge")
    }

    /// The folder of one instance.
    pub fn instance(&self, id: &str) -> PathBuf {
        self.instances().join(id)
    }

    fn instances(&self) -> PathBuf {
        self.path.join("instances")
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join("lock")
    }

    /// The instances that have a folder, the oldest first.
    pub fn instance_ids(&self) -> Result<Vec<String>, FolderError> {
        let path = self.instances();
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(&path)(error)),
        };
        let mut ids: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        ids.sort_by_key(|id| (instance_number(id), id.clone()));
        Ok(ids)
    }

    /// Makes the folder, for its owner alone, and becomes the one who drives the service.
    pub fn lock(&self) -> Result<Held, FolderError> {
        own_folder::make(&self.path)?;
        let path = self.lock_file();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(failed(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(FolderError::Busy { name: self.name.clone(), pid: pid_in(&mut file) });
            }
            Err(error) => return Err(failed(&path)(error.into())),
        }
        let said = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        said.map_err(failed(&path))?;
        Ok(Held { _file: file })
    }

    /// Who drives it now, if anyone does.
    pub fn driven_by(&self) -> Result<Option<u32>, FolderError> {
        let path = self.lock_file();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path)(error)),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(None),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Some(pid_in(&mut file))),
            Err(error) => Err(failed(&path)(error.into())),
        }
    }
}

/// While this lives, nobody else drives the service.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

/// The number at the end of an instance's name.
pub fn instance_number(id: &str) -> u64 {
    id.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn pid_in(file: &mut File) -> u32 {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.read_to_string(&mut text));
    read.ok().and_then(|_| text.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn state_dir() -> (tempfile::TempDir, StateDir) {
        let place = tempfile::tempdir().unwrap();
        let state_dir = StateDir::find(Some(place.path().join("state"))).unwrap();
        (place, state_dir)
    }

    #[test]
    fn a_second_driver_is_refused_and_told_who_the_first_is() {
        let (_place, state_dir) = state_dir();
        let folder = state_dir.service("web");
        let held = folder.lock().unwrap();
        assert_eq!(folder.driven_by().unwrap(), Some(std::process::id()));
        let refused = folder.lock().unwrap_err();
        assert!(matches!(refused, FolderError::Busy { pid, .. } if pid == std::process::id()), "{refused}");
        drop(held);
        assert_eq!(folder.driven_by().unwrap(), None);
        folder.lock().unwrap();
    }

    #[test]
    fn the_folder_is_for_its_owner_alone() {
        let (_place, state_dir) = state_dir();
        let folder = state_dir.service("web");
        drop(folder.lock().unwrap());
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        drop(folder.lock().unwrap());
        assert_eq!(fs::metadata(folder.path()).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn services_are_found_by_their_lock_and_instances_by_their_number() {
        let (_place, state_dir) = state_dir();
        assert!(state_dir.services().unwrap().is_empty());
        drop(state_dir.service("web").lock().unwrap());
        drop(state_dir.service("api").lock().unwrap());
        fs::create_dir(state_dir.path().join("something-else")).unwrap();
        let names: Vec<_> =
            state_dir.services().unwrap().iter().map(|folder| folder.name().to_owned()).collect();
        assert_eq!(names, ["api", "web"]);

        let web = state_dir.service("web");
        for id in ["web-10", "web-9"] {
            fs::create_dir_all(web.instance(id)).unwrap();
        }
        assert_eq!(web.instance_ids().unwrap(), ["web-9", "web-10"]);
        assert!(state_dir.service("api").instance_ids().unwrap().is_empty());
        fs::write(state_dir.service("api").path().join("instances"), "no folder").unwrap();
        assert!(state_dir.service("api").instance_ids().is_err(), "what cannot be read is not none");
    }

    #[test]
    fn without_one_that_was_asked_for_it_is_roots_or_the_sessions() {
        let of = |is_root, session: Option<&str>| default(is_root, session.map(Into::into)).ok();
        assert_eq!(of(true, None), Some("/run/segue".into()));
        assert_eq!(of(true, Some("/run/user/0")), Some("/run/segue".into()));
        assert_eq!(of(false, Some("/run/user/1000")), Some("/run/user/1000/segue".into()));
        assert_eq!([of(false, Some("")), of(false, None)], [None, None]);
    }

    #[test]
    fn what_is_not_there_is_nobodys_and_what_cannot_be_looked_at_is_told() {
        let (place, state_dir) = state_dir();
        assert_eq!(state_dir.path(), place.path().join("state"));
        assert_eq!(state_dir.service("web").driven_by().unwrap(), None);
        fs::write(state_dir.path(), "no folder").unwrap();
        assert!(state_dir.services().is_err());
        assert!(state_dir.service("web").driven_by().is_err());
    }
}
