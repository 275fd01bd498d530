//! Files stay short enough to be read: none over 600 lines, the median at most 150.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::command::root;

const MOST: usize = 600;
const MEDIAN: usize = 150;

pub(crate) fn run() -> anyhow::Result<()> {
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "e2e", "bench"] {
        rust_files(&root().join(folder), &mut files)?;
    }
    let mut lengths = files
        .into_iter()
        .map(|path| {
            let text =
                fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            Ok((text.lines().count(), path))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    lengths.sort();
    let summary = judge(&lengths)?;
    println!("{summary}");
    Ok(())
}

/// One line about files sorted by length; an error when one is too long, or most are.
fn judge(lengths: &[(usize, PathBuf)]) -> anyhow::Result<String> {
    let too_long: Vec<String> = lengths
        .iter()
        .filter(|(lines, _)| *lines > MOST)
        .map(|(lines, path)| format!("{} has {lines} lines", path.display()))
        .collect();
    if !too_long.is_empty() {
        bail!("no file may have more than {MOST} lines:\n  {}", too_long.join("\n  "));
    }
    let median = lengths.get(lengths.len() / 2).map_or(0, |(lines, _)| *lines);
    if median > MEDIAN {
        bail!("half of the files have more than {median} lines; the median may be {MEDIAN}");
    }
    let longest = lengths.last().map_or(0, |(lines, _)| *lines);
    Ok(format!("{} files, median {median} lines, longest {longest}", lengths.len()))
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            rust_files(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(lengths: &[usize]) -> Vec<(usize, PathBuf)> {
        lengths.iter().map(|lines| (*lines, PathBuf::from("a.rs"))).collect()
    }

    #[test]
    fn short_files_pass_with_their_median() {
        assert_eq!(judge(&files(&[10, 90, 600])).unwrap(), "3 files, median 90 lines, longest 600");
    }

    #[test]
    fn one_file_too_long_fails_and_is_named() {
        assert!(judge(&files(&[10, 20, 601])).unwrap_err().to_string().contains("a.rs has 601 lines"));
    }

    #[test]
    fn a_median_too_long_fails() {
        assert!(judge(&files(&[151, 151, 151])).is_err());
    }
}
