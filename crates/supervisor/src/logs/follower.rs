//! Reads the log folder of one instance: whole lines, in order, over the rotations, while its keeper writes there.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock;
use crate::keeper::{lock_is_held, log};

/// How often the end of the log is looked at.
const LOOK: Duration = Duration::from_millis(50);
const CHUNK: usize = 65_536;

/// Where a follower begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// At the oldest line that is kept.
    Start,
    /// This many lines before the end.
    Last(usize),
    /// At the end: only what comes.
    Now,
}

/// One line, without its end; what is not UTF-8 is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was said.
    pub text: String,
    /// Whether Segue says it and not the instance (lines were deleted before they were read).
    pub ours: bool,
}

/// Follows one instance's log.
#[derive(Debug)]
pub struct Follower {
    dir: PathBuf,
    /// The file being read and its number; none before the first one is there.
    current: Option<(u64, File)>,
    /// Where the first file is to be begun.
    begin: Begin,
    /// Where reads go.
    chunk: Vec<u8>,
    /// Read, but not a whole line yet.
    rest: Vec<u8>,
    /// Whole lines, not yet given out.
    lines: VecDeque<Line>,
}

#[derive(Clone, Copy, Debug)]
enum Begin {
    Oldest,
    End,
}

// === impl Follower ===

impl Follower {
    /// Follows the instance whose folder this is; its log need not be there yet.
    pub fn open(instance_dir: &Path, since: Since) -> io::Result<Self> {
        let begin = if since == Since::Now { Begin::End } else { Begin::Oldest };
        let mut follower = Self {
            dir: instance_dir.to_owned(),
            current: None,
            begin,
            chunk: vec![0; CHUNK],
            rest: Vec::new(),
            lines: VecDeque::new(),
        };
        if since == Since::Now {
            follower.first_file()?;
        }
        if let Since::Last(count) = since {
            while follower.read_more()? {
                let surplus = follower.lines.len().saturating_sub(count);
                follower.lines.drain(..surplus);
            }
        }
        // What is made from here on is read from its beginning.
        follower.begin = Begin::Oldest;
        Ok(follower)
    }

    /// The next line; waits for it. `None` once the instance's keeper is gone and all that it wrote was read.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            // In this order: a keeper that is gone has written all that it ever will.
            let over = !lock_is_held(&self.dir)?;
            if let Some(line) = self.read_next()? {
                return Ok(Some(line));
            }
            if over {
                return Ok(self.take_rest());
            }
            clock::sleep(LOOK).await;
        }
    }

    /// The next line of those that are there already; `None` if that was all for now.
    pub fn read_next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            if !self.read_more()? {
                return Ok(None);
            }
        }
    }

    /// What stands at the end without a line's end: for who does not wait for more.
    pub fn take_rest(&mut self) -> Option<Line> {
        let rest = std::mem::take(&mut self.rest);
        (!rest.is_empty()).then(|| line(&rest))
    }

    fn first_file(&mut self) -> io::Result<bool> {
        let numbers = log::numbers(&self.dir)?;
        let number = match self.begin {
            Begin::Oldest => numbers.first(),
            Begin::End => numbers.last(),
        };
        let Some(number) = number.copied() else { return Ok(false) };
        let Some(mut file) = log::open(&self.dir, number)? else { return Ok(false) };
        if let Begin::End = self.begin {
            to_last_line_end(&mut file)?;
        }
        self.current = Some((number, file));
        Ok(true)
    }

    /// Reads some more; `false` if nothing more is there now.
    fn read_more(&mut self) -> io::Result<bool> {
        if self.current.is_none() && !self.first_file()? {
            return Ok(false);
        }
        let Some((number, file)) = &mut self.current else { return Ok(false) };
        let number = *number;
        let mut count = file.read(&mut self.chunk)?;
        let mut newer = None;
        if count == 0 {
            newer = log::numbers(&self.dir)?.into_iter().find(|newer| *newer > number);
            if newer.is_some() {
                // Only now that the next file is there, nothing more can come into this one.
                count = file.read(&mut self.chunk)?;
            }
        }
        if count > 0 {
            self.split(count);
            return Ok(true);
        }
        let Some(newer) = newer else { return Ok(false) };
        // A file that was deleted between the two looks: the next look finds a newer one.
        let Some(file) = log::open(&self.dir, newer)? else { return Ok(true) };
        if newer > number + 1 {
            let text = format!(
                "[segue: log files {} to {} were deleted before they were read]",
                number + 1,
                newer - 1
            );
            self.lines.push_back(Line { text, ours: true });
        }
        self.current = Some((newer, file));
        Ok(true)
    }

    fn split(&mut self, count: usize) {
        let mut bytes = &self.chunk[..count];
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(&bytes[..end]);
            self.lines.push_back(line(&self.rest));
            self.rest.clear();
            bytes = &bytes[end + 1..];
        }
        self.rest.extend_from_slice(bytes);
    }
}

fn line(bytes: &[u8]) -> Line {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    Line { text: String::from_utf8_lossy(bytes).into_owned(), ours: false }
}

/// Goes to the end, or back to where a line began that is not whole yet.
fn to_last_line_end(file: &mut File) -> io::Result<()> {
    let size = file.seek(SeekFrom::End(0))?;
    let start = size.saturating_sub(CHUNK as u64);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    file.seek(SeekFrom::Start(start + whole as u64))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_yet_is_given_only_to_who_does_not_wait_for_more() {
        let dir = tempfile::tempdir().expect("temp dir");
        let folder = dir.path().join("log");
        std::fs::create_dir(&folder).expect("makes it");
        std::fs::write(folder.join("000001.log"), "one\r\ntw").expect("writes");
        let mut all = Follower::open(dir.path(), Since::Start).expect("opens");
        let mut now = Follower::open(dir.path(), Since::Now).expect("opens");
        let next = |follower: &mut Follower| follower.read_next().expect("reads").map(|line| line.text);
        assert_eq!(next(&mut all).as_deref(), Some("one"));
        assert_eq!((next(&mut all), next(&mut now)), (None, None));
        let mut file =
            std::fs::OpenOptions::new().append(true).open(folder.join("000001.log")).expect("opens");
        io::Write::write_all(&mut file, b"o\nthree").expect("writes");
        assert_eq!(next(&mut now).as_deref(), Some("two"), "it began before, and is not whole before now");
        assert_eq!(next(&mut all).as_deref(), Some("two"));
        assert_eq!(next(&mut all), None);
        assert_eq!(all.take_rest().map(|line| line.text).as_deref(), Some("three"));
        assert_eq!(all.take_rest(), None);
    }
}
