//! Runs promises one after the other, and speaks as Rust's own harness does, so that its words and counts are the same.
//!
//! Two processes: the inner one runs the promises. The outer one waits for it and then sweeps, so that nothing is left
//! of the clusters, whether the inner one came to its end, panicked, or was interrupted or killed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use segue_cluster::{Cluster, KUBECONFIG};

/// Tells the inner process that it is that.
const INNER: &str = "SEGUE_E2E_INNER";

/// What a promise needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Any cluster.
    ApiOnly,
    /// One whose nodes are ours.
    Nodes,
}

/// One test.
pub(crate) struct Promise<Bed> {
    pub(crate) name: &'static str,
    pub(crate) needs: Needs,
    pub(crate) holds: fn(&Bed),
}

/// What the command line asks for: the words of `cargo test -- …` that make sense here.
#[derive(Debug, Default)]
struct Asked {
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
    list: bool,
}

pub(crate) fn main<Bed>(promises: &[Promise<Bed>], bed: impl FnOnce() -> Bed) -> ExitCode {
    let asked = Asked::read(std::env::args().skip(1));
    if asked.list {
        for promise in promises {
            println!("{}: test", promise.name);
        }
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(INNER).is_some() { run(&asked, promises, bed) } else { guard() }
}

/// The outer process. What interrupts it interrupts the inner one too, which is of the same terminal; it has to outlive that.
fn guard() -> ExitCode {
    let heard = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&heard)).expect("a signal can be handled");
    }
    let ended = Command::new(std::env::current_exe().expect("a test knows where it runs from"))
        .args(std::env::args_os().skip(1))
        .env(INNER, "1")
        .status()
        .expect("the promises can be run");
    match Cluster::sweep() {
        Ok(swept) if swept.is_empty() => {}
        Ok(swept) => eprintln!("swept what was left of clusters {swept:?}"),
        Err(error) => eprintln!("something of a cluster is left: {error:#}"),
    }
    if ended.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run<Bed>(asked: &Asked, promises: &[Promise<Bed>], bed: impl FnOnce() -> Bed) -> ExitCode {
    let existing = std::env::var_os(KUBECONFIG).is_some_and(|name| !name.is_empty());
    let chosen: Vec<&Promise<Bed>> = promises.iter().filter(|promise| asked.wants(promise.name)).collect();
    println!("\nrunning {} tests", chosen.len());
    let bed = bed();
    let (mut passed, mut failed, mut ignored) = (0, Vec::new(), 0);
    for promise in &chosen {
        if existing && promise.needs == Needs::Nodes {
            ignored += 1;
            println!(
                "test {} ... ignored, {KUBECONFIG} names a cluster whose nodes are not ours",
                promise.name
            );
            continue;
        }
        // The message of a panic stands above the line that names the test.
        if catch_unwind(AssertUnwindSafe(|| (promise.holds)(&bed))).is_ok() {
            passed += 1;
            println!("test {} ... ok", promise.name);
        } else {
            failed.push(promise.name);
            println!("test {} ... FAILED", promise.name);
        }
    }
    drop(bed);
    if !failed.is_empty() {
        println!("\nfailures:\n    {}", failed.join("\n    "));
    }
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    let filtered = promises.len() - chosen.len();
    println!(
        "\ntest result: {word}. {passed} passed; {} failed; {ignored} ignored; 0 measured; {filtered} filtered out\n",
        failed.len()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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
