//! A full disk under the logs: the application goes on, and what is missing is said.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use segue_supervisor::clock;
use segue_supervisor::keeper::Launch;

use super::{HELPER, Place, eventually, said, shell};

/// A file system of a few KiB, which only root can make.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(path: &'a Path) -> Self {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"]).arg(path).status();
        assert!(mounted.is_ok_and(|status| status.success()), "cannot mount a tmpfs");
        Self(path)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_never_blocks_the_application_and_every_lost_line_is_counted() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can mount a file system");
        return;
    }
    let place = Place::new();
    let signals = tempfile::tempdir().expect("temp dir");
    let (said_all, go) = (signals.path().join("said-all"), signals.path().join("go"));
    let _disk = SmallDisk::mount(place.0.path());
    let filler = place.0.path().join("filler");
    std::fs::write(&filler, vec![0; 60 * 1024]).expect("fits");
    // Much more than the disk and the pipe hold: it could not end its first part if anything blocked it.
    let script = format!(
        "{HELPER} say 20000 50; touch {}; until [ -e {} ]; do sleep 0.02; done; {HELPER} say 10 5",
        said_all.display(),
        go.display()
    );
    let instance = place.try_spawn(&Launch { ..shell("a-1", &script) }).await.expect("spawns");
    eventually("it said all", || said_all.exists()).await;
    std::fs::remove_file(&filler).expect("removes");
    // The keeper tries again once a second, where the machine lets it.
    clock::sleep(Duration::from_secs(4)).await;
    std::fs::write(&go, "").expect("writes");
    assert_eq!(instance.exited().await.code, Some(0));
    let said = said(&instance).await;
    let noted: Vec<usize> = said.iter().filter_map(|line| lost(line)).collect();
    let kept = said.iter().filter(|line| lost(line).is_none()).count();
    assert!(!noted.is_empty() && kept > 100, "{kept} kept, {noted:?} lost");
    assert_eq!(kept + noted.iter().sum::<usize>(), 20_010, "{noted:?}");
    assert_eq!(instance.lost_lines(), noted.iter().sum::<usize>() as u64);
    let whole = |line: &String| lost(line).is_some() || number_of(line).is_some();
    assert!(said.iter().all(whole), "a line is there in part");
    assert_eq!(said.last().map(String::as_str), Some("9 xxx"), "and it is written again when there is room");
}

/// How many lines a note of the keeper's says were lost.
fn lost(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("[segue: ")?.strip_suffix("lost here: No space left on device]")?;
    rest.split(' ').next()?.parse().ok()
}

/// A line as `say` prints it, whole.
fn number_of(line: &str) -> Option<usize> {
    let (number, letters) = line.split_once(' ')?;
    let number: usize = number.parse().ok()?;
    let right =
        [number % 51, number % 6].contains(&letters.len()) && letters.bytes().all(|byte| byte == b'x');
    right.then_some(number)
}
