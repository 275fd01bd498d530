//! The lock of an instance's folder: held = its keeper, or the one who is about to spawn it, lives.
//!
//! The spawner takes it and hands it to the keeper as standard input: the lock belongs to the open file, so there is no
//! moment in which nobody holds it, and no other process that is spawned meanwhile can inherit it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use crate::clock;

const LOCK: &str = "lock";

/// [`is_held`] shares the lock for much less than this; who wants to take it outlives a few such looks.
const A_LOOK: Duration = Duration::from_millis(2);
const LOOKS_OUTLIVED: u32 = 5;

/// Whoever has this value (or a copy of its file) holds the lock.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes it; `None` if another holds it.
    pub fn take(dir: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(dir.join(LOCK))?;
        for _ in 0..LOOKS_OUTLIVED {
            if exclusive(&file)? {
                return Ok(Some(Self(file)));
            }
            clock::pause(A_LOOK);
        }
        Ok(None)
    }

    /// The keeper's side: takes over the lock that came as standard input, or takes it if it did not come.
    pub(crate) fn inherit(dir: &Path) -> io::Result<Option<Self>> {
        let input = File::from(rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?);
        let (ours, handed) = (std::fs::metadata(dir.join(LOCK)), input.metadata()?);
        if ours.is_ok_and(|ours| (ours.dev(), ours.ino()) == (handed.dev(), handed.ino())) {
            // Already held through this open file by the spawner: this only makes sure of it.
            return Ok(exclusive(&input)?.then_some(Self(input)));
        }
        Self::take(dir)
    }

    /// The open file, to be handed on.
    pub(crate) fn into_file(self) -> File {
        self.0
    }
}

fn exclusive(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody holds the lock of this folder. It shares the lock for an instant if nobody does.
pub fn is_held(dir: &Path) -> io::Result<bool> {
    let file = match File::open(dir.join(LOCK)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(false),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_its_last_copy_is_closed() {
        let dir = tempfile::tempdir().expect("temp dir");
        assert!(!is_held(dir.path()).expect("looks"));
        let lock = Lock::take(dir.path()).expect("takes").expect("free");
        assert!(Lock::take(dir.path()).expect("tries").is_none());
        let copy = lock.0.try_clone().expect("copies");
        drop(lock);
        assert!(is_held(dir.path()).expect("looks"));
        drop(copy);
        assert!(!is_held(dir.path()).expect("looks"));
    }

    #[test]
    fn a_lock_that_cannot_be_looked_at_is_not_taken_for_free() {
        let dir = tempfile::tempdir().expect("temp dir");
        let file = dir.path().join("no-folder");
        std::fs::write(&file, "").expect("writes");
        is_held(&file).expect_err("it is below a file");
    }
}
