//! Replacing a file as a whole: whoever reads it sees the old text or the new one, never a part of one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the new text must outlive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlives {
    /// Any end of this process. It does not wait for the disk, so after a loss of power the file may hold the old text,
    /// the new one or nothing of use: only for what such a loss makes worthless.
    Kill,
    /// A loss of power too.
    PowerLoss,
}

/// Writes the text in place of the file's, readable for the owner alone.
pub fn replace(path: &Path, text: &[u8], outlives: Outlives) -> io::Result<()> {
    let beside = beside(path);
    let written = write(&beside, text, outlives).and_then(|()| fs::rename(&beside, path));
    if let Err(error) = written {
        // With a full disk the half of it would take the room that the next try needs.
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    match (outlives, path.parent()) {
        (Outlives::PowerLoss, Some(folder)) => sync_folder(folder),
        _ => Ok(()),
    }
}

/// Names in a folder outlive a loss of power only once the folder itself has reached the disk.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn write(path: &Path, text: &[u8], outlives: Outlives) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    match outlives {
        Outlives::Kill => Ok(()),
        Outlives::PowerLoss => file.sync_all(),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(".new");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn the_text_is_replaced_for_the_owner_alone_and_nothing_is_left_beside_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.json");
        for (text, outlives) in [("a longer one", Outlives::PowerLoss), ("short", Outlives::Kill)] {
            replace(&path, text.as_bytes(), outlives).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_put_in_its_place_leaves_the_old_and_nothing_beside_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("state.json");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("in-it"), "old").unwrap();
        assert!(replace(&path, b"new", Outlives::Kill).is_err());
        assert_eq!(fs::read_to_string(path.join("in-it")).unwrap(), "old");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_is_not_there_cannot_reach_the_disk() {
        let place = tempfile::tempdir().unwrap();
        sync_folder(place.path()).unwrap();
        assert_eq!(sync_folder(&place.path().join("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
