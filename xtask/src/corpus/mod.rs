//! `cargo xtask corpus`: real manifests, each as a file and with its folder, go through inject and back, without the guard, with it, and with
//! `--redirect`.
//!
//! What must hold of each: what was injected is not changed by injecting again; undo gives the input to the byte; kubectl's own
//! decoder (`xtask/reader`) reads the same values as we do, before and after; and nothing differs but what inject is there to change.
//! What is refused must be so for a reason that is told. With `--fetch` the manifests come from pinned Go modules.

mod check;
mod fetch;
mod meant;
mod reader;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, ensure};

use check::{Finding, How, Unit};
use reader::Reader;
use report::Report;

/// Files are tried in threads of their own, which need no more than this and get it for deep documents.
const STACK: usize = 32 << 20;

/// A folder with more files below it is a repository, not what somebody applies.
const MOST_IN_A_FOLDER: usize = 100;

/// What to put through inject.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder of manifests; with --fetch, where they are put [default: .cache/corpus]
    folder: Option<PathBuf>,
    /// Fetch the manifests of some Go modules first
    #[arg(long)]
    fetch: bool,
    /// How many are tried at once [default: one for each core]
    #[arg(long)]
    jobs: Option<usize>,
    /// Tell what became of every file, not only of those that failed
    #[arg(long)]
    all: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = arguments.folder.clone().unwrap_or_else(|| crate::command::root().join(".cache/corpus"));
    if arguments.fetch {
        fetch::into(&folder)?;
    }
    let units = units(&folder)?;
    ensure!(!units.is_empty(), "{} has no .yaml, .yml or .json file below it", folder.display());
    let program = reader::build()?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let report = Mutex::new(Report::new(&folder, arguments.all));
    let queue = Mutex::new(units.iter());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..arguments.jobs.unwrap_or(cores).max(1))
            .map(|_| {
                let work = || work(&program, &queue, &report);
                std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)
            })
            .collect();
        for worker in workers {
            worker?.join().map_err(|_| anyhow::anyhow!("a worker panicked"))??;
        }
        anyhow::Ok(())
    })?;
    let report = report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{report}");
    ensure!(report.failed() == 0, "{} failed", report.failed());
    Ok(())
}

fn work<'u>(
    program: &Path,
    queue: &Mutex<impl Iterator<Item = &'u Unit>>,
    report: &Mutex<Report>,
) -> anyhow::Result<()> {
    let mut reader = Reader::start(program)?;
    loop {
        let next = queue.lock().ok().and_then(|mut queue| queue.next());
        let Some(unit) = next else { return Ok(()) };
        let tried = catch_unwind(AssertUnwindSafe(|| check::unit(unit, &mut reader)));
        let findings = if let Ok(findings) = tried {
            findings?
        } else {
            // It may have been in the middle of an answer.
            reader = Reader::start(program)?;
            How::ALL.map(|_| Finding::panicked())
        };
        if let Ok(mut report) = report.lock() {
            for (how, finding) in How::ALL.into_iter().zip(&findings) {
                report.add(unit, how, finding);
            }
        }
    }
}

/// Every file alone, and every folder that holds some, if it is one that a user could mean as a whole.
fn units(folder: &Path) -> anyhow::Result<Vec<Unit>> {
    let (mut files, mut folders) = (BTreeSet::new(), BTreeSet::new());
    walk(folder, &mut files, &mut folders)?;
    let inside = |folder: &PathBuf| files.iter().filter(|file| file.starts_with(folder)).count();
    let folders: Vec<_> =
        folders.iter().filter(|folder| (2..=MOST_IN_A_FOLDER).contains(&inside(folder))).cloned().collect();
    Ok(files.into_iter().map(Unit::File).chain(folders.into_iter().map(Unit::Folder)).collect())
}

fn walk(folder: &Path, files: &mut BTreeSet<PathBuf>, folders: &mut BTreeSet<PathBuf>) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files, folders)?;
        } else if path.is_file() && ["yaml", "yml", "json"].contains(&ending) {
            folders.insert(folder.to_owned());
            files.insert(path);
        }
    }
    Ok(())
}
