//! The log of one instance: numbered files of a limited size, of which the newest few are kept.
//!
//! Only whole lines are written, and a file is closed only between two of them. A line longer than [`LINE_LIMIT`] is cut
//! into several. When the disk is full (or writing fails otherwise) what cannot be written is counted and thrown away,
//! line by line and never in part; once it works again, the log says how many lines are missing and why.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Longer lines are cut into pieces of this length: the keeper holds an unfinished line in memory.
pub(crate) const LINE_LIMIT: usize = 64 * 1024;

const FOLDER: &str = "log";
/// While writing fails, it is tried again no more often than this: every try may leave a line of ours behind.
const TRY_AGAIN_MS: u64 = 1000;

/// How much of an instance's output is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLimits {
    /// A file is closed and the next begun at this size.
    pub max_size: u64,
    /// How many files are kept, the one being written too.
    pub keep: NonZeroU32,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { max_size: 10 << 20, keep: NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN) }
    }
}

/// Writes the log.
#[derive(Debug)]
pub(crate) struct Log {
    folder: PathBuf,
    limits: LogLimits,
    number: u64,
    file: File,
    /// What the file holds.
    size: u64,
    /// The file's last line is unfinished, since writing failed within it and it could not be taken back.
    torn: bool,
    /// Said, but not written yet: at most one unfinished line, between two calls.
    pending: Vec<u8>,
    trouble: Option<Trouble>,
    /// All lines that were ever lost.
    lost: u64,
}

/// Writing failed, and has not worked since.
#[derive(Debug)]
struct Trouble {
    why: String,
    lines: u64,
    tried_ms: u64,
}

// === impl Log ===

impl Log {
    /// Begins the instance's first file, or the next after those that are there.
    pub(crate) fn create(instance_dir: &Path, limits: LogLimits) -> io::Result<Self> {
        let folder = instance_dir.join(FOLDER);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let number = numbers(instance_dir)?.last().map_or(1, |last| last + 1);
        let file = create(&folder, number)?;
        let pending = Vec::new();
        Ok(Self { folder, limits, number, file, size: 0, torn: false, pending, trouble: None, lost: 0 })
    }

    /// How many lines could not be written.
    pub(crate) fn lost_lines(&self) -> u64 {
        self.lost
    }

    /// Takes what the instance said, in pieces of any size. Never fails and never waits for room: see the module's text.
    pub(crate) fn write(&mut self, bytes: &[u8], now_ms: u64) {
        let mut lines = Vec::with_capacity(self.pending.len() + bytes.len() + 1);
        for mut part in bytes.split_inclusive(|byte| *byte == b'\n') {
            while self.pending.len() + part.strip_suffix(b"\n").unwrap_or(part).len() > LINE_LIMIT {
                let (piece, rest) = part.split_at(LINE_LIMIT - self.pending.len());
                lines.append(&mut self.pending);
                lines.extend_from_slice(piece);
                lines.push(b'\n');
                part = rest;
            }
            self.pending.extend_from_slice(part);
            if part.ends_with(b"\n") {
                lines.append(&mut self.pending);
            }
        }
        self.write_lines(&lines, now_ms);
    }

    /// Nothing more comes: an unfinished line is ended, and what was lost is said if that can be done.
    pub(crate) fn finish(&mut self, now_ms: u64) {
        if !self.pending.is_empty() {
            self.write(b"\n", now_ms);
        }
        self.recover(now_ms);
    }

    fn write_lines(&mut self, mut lines: &[u8], now_ms: u64) {
        if let Some(trouble) = &self.trouble
            && now_ms.saturating_sub(trouble.tried_ms) >= TRY_AGAIN_MS
        {
            self.recover(now_ms);
        }
        while !lines.is_empty() {
            if let Some(trouble) = &mut self.trouble {
                let count = lines.split_inclusive(|byte| *byte == b'\n').count() as u64;
                trouble.lines += count;
                self.lost += count;
                return;
            }
            let taken = match self.fitting(lines) {
                0 if self.rotate() => continue,
                // No new file can be made: this one grows over its size.
                0 => line_length(lines),
                taken => taken,
            };
            match self.append(&lines[..taken]) {
                Ok(()) => lines = &lines[taken..],
                Err((kept, error)) => {
                    lines = &lines[kept..];
                    self.trouble = Some(Trouble { why: plain(&error), lines: 0, tried_ms: now_ms });
                }
            }
        }
    }

    /// How much of these whole lines goes into this file: all lines that do, or one if it is empty. 0: none.
    fn fitting(&self, lines: &[u8]) -> usize {
        let room = usize::try_from(self.limits.max_size.saturating_sub(self.size)).unwrap_or(usize::MAX);
        if lines.len() <= room {
            return lines.len();
        }
        match lines[..room].iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => newline + 1,
            None if self.size == 0 => line_length(lines),
            None => 0,
        }
    }

    /// Writes whole lines. On failure the part of a line that was written is taken back; says how much is there for good.
    fn append(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        let error = loop {
            match self.file.write(&lines[written..]) {
                Ok(0) => break io::ErrorKind::WriteZero.into(),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
            if written == lines.len() {
                self.size += written as u64;
                return Ok(());
            }
        };
        let whole = lines[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        self.size += whole as u64;
        self.torn = whole < written && self.file.set_len(self.size).is_err();
        Err((whole, error))
    }

    /// After trouble: tries to say what was lost; from then on lines are written again.
    fn recover(&mut self, now_ms: u64) {
        let Some(trouble) = &mut self.trouble else { return };
        trouble.tried_ms = now_ms;
        let plural = if trouble.lines == 1 { "line was" } else { "lines were" };
        let torn = if self.torn { "\n" } else { "" };
        let said = format!("{torn}[segue: {} {plural} lost here: {}]\n", trouble.lines, trouble.why);
        if self.size > 0 && self.size + said.len() as u64 > self.limits.max_size {
            self.rotate();
        }
        if self.append(said.as_bytes()).is_ok() {
            self.trouble = None;
            self.torn = false;
        }
    }

    /// Begins the next file and deletes what is no longer kept.
    fn rotate(&mut self) -> bool {
        let Ok(file) = create(&self.folder, self.number + 1) else { return false };
        self.file = file;
        self.number += 1;
        self.size = 0;
        self.torn = false;
        self.delete_oldest();
        true
    }

    /// Leaves as many as are kept. A file that cannot be deleted is met again at the next rotation.
    fn delete_oldest(&self) {
        let keep = u64::from(self.limits.keep.get());
        for number in numbers_in(&self.folder).unwrap_or_default() {
            if number + keep <= self.number {
                let _ = fs::remove_file(self.folder.join(name(number)));
            }
        }
    }
}

/// The numbers of an instance's log files, the oldest first.
pub(crate) fn numbers(instance_dir: &Path) -> io::Result<Vec<u64>> {
    numbers_in(&instance_dir.join(FOLDER))
}

/// One of them; `None` if it was deleted.
pub(crate) fn open(instance_dir: &Path, number: u64) -> io::Result<Option<File>> {
    match File::open(instance_dir.join(FOLDER).join(name(number))) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn numbers_in(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".log")?.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn create(folder: &Path, number: u64) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).open(folder.join(name(number)))
}

fn name(number: u64) -> String {
    format!("{number:06}.log")
}

fn line_length(lines: &[u8]) -> usize {
    lines.iter().position(|byte| *byte == b'\n').map_or(lines.len(), |newline| newline + 1)
}

/// The system's own words, without the number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
