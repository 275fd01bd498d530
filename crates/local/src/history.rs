//! What was done to a service: one JSON line each, appended once it is over, and never changed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use jiff::Timestamp;
use segue_core::Version;
use segue_supervisor::atomic;
use serde::{Deserialize, Serialize};

use crate::folder::Folder;

/// One thing that was done, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it began.
    pub at: Timestamp,
    /// What was done.
    pub what: What,
    /// Who asked for it.
    pub by: Who,
    /// The label of the version that ran before, if one did.
    pub from: Option<String>,
    /// The label of the version that was to run.
    pub to: Option<String>,
    /// The revision behind `to`: it tells two specs with the same label apart.
    pub revision: Option<Version>,
    /// How it ended.
    pub ended: Ended,
    /// Why it ended so, where there is more to say.
    pub why: Option<String>,
    /// Requests that were ended before they were answered.
    pub cut: u64,
    /// On which instances.
    #[serde(default)]
    pub cut_on: Vec<Cut>,
    /// From beginning to end, in milliseconds.
    pub took_ms: u64,
}

/// Requests that one instance had in flight when its deadline came, or when it ended by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The instance.
    pub instance: String,
    /// How many.
    pub requests: u64,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// `segue up` brought it to what its file says.
    Up,
    /// `segue deploy`.
    Deploy,
    /// `segue rollback`.
    Rollback,
    /// `segue down`, or a signal to `segue up`.
    Down,
    /// `segue up` ended without a word (`kill -9`).
    Killed,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            What::Up => "up",
            What::Deploy => "deploy",
            What::Rollback => "rollback",
            What::Down => "down",
            What::Killed => "killed",
        })
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// All is as it was asked for.
    Reached,
    /// All is as it was before.
    WentBack,
    /// It went back, and that made no progress either.
    Stuck,
    /// `down` came first.
    Interrupted,
    /// All was as asked for already. Such an end is told, and not noted.
    NothingToDo,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Ended::Reached => "reached",
            Ended::WentBack => "went back",
            Ended::Stuck => "stuck",
            Ended::Interrupted => "interrupted",
            Ended::NothingToDo => "nothing to do",
        })
    }
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The user's number, as the kernel says it.
    pub uid: u32,
    /// The user's name, where there is one.
    pub user: Option<String>,
    /// The process.
    pub pid: Option<i32>,
}

impl Who {
    /// The user of this number.
    pub fn of(uid: u32, pid: Option<i32>) -> Self {
        let users = fs::read("/etc/passwd").unwrap_or_default();
        let users = String::from_utf8_lossy(&users);
        let named = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
        });
        Self { uid, user: named, pid }
    }

    /// This process.
    pub fn own() -> Self {
        Self::of(rustix::process::geteuid().as_raw(), i32::try_from(std::process::id()).ok())
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.user {
            Some(user) => f.pad(user),
            None => write!(f, "user {}", self.uid),
        }
    }
}

/// Adds an entry.
pub fn append(folder: &Folder, entry: &Entry) -> io::Result<()> {
    let path = folder.history_file();
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).read(true).mode(0o600).open(path)?;
    let length = file.metadata()?.len();
    let mut line = Vec::new();
    // A full disk or a loss of power may have torn the last line: it must not take this one with it.
    if length > 0 {
        let mut last = [0];
        file.read_exact_at(&mut last, length - 1)?;
        if last != *b"\n" {
            line.push(b'\n');
        }
    }
    serde_json::to_writer(&mut line, entry)?;
    line.push(b'\n');
    // In one write, so that no reader sees half a line.
    file.write_all(&line)?;
    file.sync_data()?;
    if length == 0 { atomic::sync_folder(folder.path()) } else { Ok(()) }
}

/// The last entries, the oldest first. A line that cannot be read (the disk was full) is passed over.
pub fn last(folder: &Folder, count: usize) -> io::Result<Vec<Entry>> {
    // As bytes: one that is no UTF-8 spoils its own line alone.
    let text = match fs::read(folder.history_file()) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = text.split(|byte| *byte == b'\n').rev();
    let mut entries: Vec<Entry> =
        lines.filter_map(|line| serde_json::from_slice(line).ok()).take(count).collect();
    entries.reverse();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::StateDir;

    fn entry(to: &str) -> Entry {
        Entry {
            at: "2026-11-23T12:00:00Z".parse().unwrap(),
            what: What::Deploy,
            by: Who::own(),
            from: Some("v1".to_owned()),
            to: Some(to.to_owned()),
            revision: Some(to.into()),
            ended: Ended::Reached,
            why: None,
            cut: 1,
            cut_on: vec![Cut { instance: "web-1".to_owned(), requests: 1 }],
            took_ms: 1200,
        }
    }

    #[test]
    fn what_was_appended_is_read_back_and_a_broken_line_hides_no_other() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        assert!(last(&folder, 5).unwrap().is_empty());
        drop(folder.lock().unwrap());
        append(&folder, &entry("v2")).unwrap();
        let mut text = fs::read_to_string(folder.history_file()).unwrap();
        text.push_str("{\"at\":\"2026\n");
        fs::write(folder.history_file(), text).unwrap();
        append(&folder, &entry("v3")).unwrap();
        append(&folder, &entry("v4")).unwrap();
        assert_eq!(last(&folder, 2).unwrap(), [entry("v3"), entry("v4")]);
        assert_eq!(last(&folder, 9).unwrap().len(), 3);
    }

    #[test]
    fn a_torn_line_takes_no_other_with_it_and_one_strange_byte_hides_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        drop(folder.lock().unwrap());
        append(&folder, &entry("v2")).unwrap();
        let whole = fs::read(folder.history_file()).unwrap();
        for torn in [&whole[..whole.len() / 2], b"\xff\xfe", b"\0\0\0\0"] {
            fs::write(folder.history_file(), [&whole, torn].concat()).unwrap();
            append(&folder, &entry("v3")).unwrap();
            append(&folder, &entry("v4")).unwrap();
            assert_eq!(last(&folder, 9).unwrap(), [entry("v2"), entry("v3"), entry("v4")], "after {torn:?}");
        }
        fs::write(folder.history_file(), b"{\"at").unwrap();
        append(&folder, &entry("v5")).unwrap();
        assert_eq!(last(&folder, 9).unwrap(), [entry("v5")]);
        assert_eq!(fs::read(folder.history_file()).unwrap().split(|byte| *byte == b'\n').count(), 3);
    }

    #[test]
    fn the_user_of_this_process_is_named_as_the_system_names_it() {
        let own = Who::own();
        assert_eq!(own.uid, rustix::process::geteuid().as_raw());
        assert_eq!(Who::of(0, None).user.as_deref(), Some("root"));
        assert_eq!(Who::of(u32::MAX - 1, None).to_string(), format!("user {}", u32::MAX - 1));
    }

    #[test]
    fn what_was_done_and_how_it_ended_is_read_as_it_is_written() {
        let whats = [What::Up, What::Deploy, What::Rollback, What::Down, What::Killed];
        for what in whats {
            assert_eq!(serde_json::json!(what), what.to_string());
        }
        let ends = [Ended::Reached, Ended::WentBack, Ended::Stuck, Ended::Interrupted, Ended::NothingToDo];
        for ended in ends {
            assert_eq!(serde_json::json!(ended), ended.to_string().replace(' ', "-"));
        }
    }

    #[test]
    fn a_history_that_cannot_be_read_is_not_none() {
        let place = tempfile::tempdir().unwrap();
        let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
        drop(folder.lock().unwrap());
        fs::create_dir(folder.history_file()).unwrap();
        assert!(last(&folder, 5).is_err());
    }
}
