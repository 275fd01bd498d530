//! What is made, followed, refused and left as it is.

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
    // That group may do no more than look.
    chmod(&folder, 0o755);
    make(&folder.join("theirs")).unwrap();
    chmod(&folder, 0o775);
    chown(&folder, None, Some(0)).unwrap();
    make(&folder.join("web")).unwrap();
}

#[test]
fn above_the_root_is_the_root() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().strip_prefix("/").unwrap().join("web");
    make(&Path::new("/../..").join(path)).unwrap();
    assert!(place.path().join("web").is_dir());
}

#[test]
fn as_many_links_are_followed_as_the_kernel_follows() {
    let place = tempfile::tempdir().unwrap();
    let at = |number: u32| place.path().join(format!("link-{number}"));
    fs::create_dir(at(0)).unwrap();
    for number in 1..=41 {
        symlink(format!("link-{}", number - 1), at(number)).unwrap();
    }
    make(&at(40).join("web")).unwrap();
    assert!(at(0).join("web").is_dir());
    refused(&at(41).join("web"), "symbolic links");
}
