//! Runs promises, one after the other or side by side as each allows, and speaks as Rust's own harness does, so that its words and counts are the same.
//!
//! Two processes: the inner one runs the promises. The outer one waits for it and then sweeps, so that nothing is left
//! of the clusters, whether the inner one came to its end, panicked, or was interrupted or killed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use rustix::process::Signal;
use segue_cluster::{Cluster, KUBECONFIG, Process};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Tells the inner process that it is that.
const INNER: &str = "SEGUE_E2E_INNER";

/// How many promises run side by side: most of the time they wait for a drain.
const SIDE_BY_SIDE: usize = 6;

/// What a promise needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Any cluster.
    ApiOnly,
    /// One whose nodes are ours, and nobody else's meanwhile.
    Nodes,
    /// One whose nodes are ours; promises beside it do not disturb it, nor it them.
    Shared,
}

/// One test.
pub(crate) struct Test<TestBed> {
    pub(crate) name: &'static str,
    pub(crate) needs: Needs,
    pub(crate) holds: fn(&TestBed),
}

/// Those of them that are to be run.
type Chosen<'p, TestBed> = Vec<&'p Test<TestBed>>;

/// What the command line asks for: the words of `cargo test -- …` that make sense here.
#[derive(Debug, Default)]
struct Asked {
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
    list: bool,
}

pub(crate) fn main<TestBed: Sync>(tests: &[Test<TestBed>], bed: impl FnOnce() -> TestBed) -> ExitCode {
    let asked = Asked::read(std::env::args().skip(1));
    if asked.list {
        for test in tests {
            println!("{}: test", test.name);
        }
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(INNER).is_some() { run(&asked, tests, bed) } else { guard() }
}

/// The outer process. What interrupts it interrupts the inner one; it has to outlive that.
fn guard() -> ExitCode {
    let mut signals = Signals::new([SIGINT, SIGTERM]).expect("a signal can be handled");
    let mut inner = Command::new(std::env::current_exe().expect("a test knows where it runs from"))
        .args(std::env::args_os().skip(1))
        .env(INNER, "1")
        .spawn()
        .expect("the promises can be run");
    let process = i32::try_from(inner.id()).ok().and_then(Process::of);
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if let Some(process) = process {
                process.signal(Signal::TERM);
            }
        }
    });
    let ended = inner.wait().expect("a child can be waited for");
    match Cluster::sweep() {
        Ok(swept) if swept.is_empty() => {}
        Ok(swept) => eprintln!("swept what was left of clusters {swept:?}"),
        Err(error) => eprintln!("something of a cluster is left: {error:#}"),
    }
    if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run<TestBed: Sync>(asked: &Asked, tests: &[Test<TestBed>], bed: impl FnOnce() -> TestBed) -> ExitCode {
    let existing = std::env::var_os(KUBECONFIG).is_some_and(|name| !name.is_empty());
    let chosen: Chosen<'_, TestBed> = tests.iter().filter(|test| asked.wants(test.name)).collect();
    println!("\nrunning {} tests", chosen.len());
    let bed = bed();
    let (possible, ignored): (Chosen<'_, TestBed>, Chosen<'_, TestBed>) =
        chosen.iter().copied().partition(|test| !existing || test.needs == Needs::ApiOnly);
    for test in &ignored {
        println!("test {} ... ignored, {KUBECONFIG} names a cluster whose nodes are not ours", test.name);
    }
    let (shared, alone): (Chosen<'_, TestBed>, Chosen<'_, TestBed>) =
        possible.iter().copied().partition(|test| test.needs == Needs::Shared);
    let mut failed: Vec<&str> = Vec::new();
    for test in &alone {
        failed.extend(failing(test, &bed));
    }
    failed.extend(side_by_side(&shared, &bed));
    drop(bed);
    if !failed.is_empty() {
        println!("\nfailures:\n    {}", failed.join("\n    "));
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out\n",
        possible.len() - failed.len(),
        failed.len(),
        ignored.len(),
        tests.len() - chosen.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a promise; its name, if it did not hold.
fn failing<TestBed>(test: &Test<TestBed>, bed: &TestBed) -> Option<&'static str> {
    // The message of a panic stands above the line that names the test.
    let holds = catch_unwind(AssertUnwindSafe(|| (test.holds)(bed))).is_ok();
    println!("test {} ... {}", test.name, if holds { "ok" } else { "FAILED" });
    (!holds).then_some(test.name)
}

/// Runs promises that do not disturb each other; the names of those that did not hold.
fn side_by_side<TestBed: Sync>(tests: &[&Test<TestBed>], bed: &TestBed) -> Vec<&'static str> {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(test) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
            // A panic's message names its thread.
            let run = || failing(test, bed);
            let name = std::thread::Builder::new().name(test.name.to_owned());
            let lost = std::thread::scope(|scope| {
                name.spawn_scoped(scope, run).expect("a thread can be started").join()
            });
            let lost = lost.unwrap_or(Some(test.name));
            failed.lock().unwrap_or_else(PoisonError::into_inner).extend(lost);
        }
    };
    std::thread::scope(|scope| (0..SIDE_BY_SIDE).for_each(|_| _ = scope.spawn(work)));
    failed.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Asked {
    fn read(words: impl Iterator<Item = String>) -> Self {
        let mut asked = Self::default();
        let mut words = words.peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--exact" => asked.exact = true,
                "--list" => asked.list = true,
                "--skip" => asked.skips.extend(words.next()),
                // Their values are no filters.
                "--test-threads" | "--color" | "--format" | "-Z" => drop(words.next()),
                flag if flag.starts_with('-') => {}
                _ => asked.filters.push(word),
            }
        }
        asked
    }

    fn wants(&self, name: &str) -> bool {
        let matches =
            |filter: &String| if self.exact { name == filter } else { name.contains(filter.as_str()) };
        (self.filters.is_empty() || self.filters.iter().any(matches)) && !self.skips.iter().any(matches)
    }
}
