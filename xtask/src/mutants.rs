//! `cargo xtask mutants`: changes the product's code in one place at a time and looks whether a test notices.
//!
//! `cargo-mutants` makes the changes and runs the tests. What is done here: a sample that is the same for everybody (by
//! a seed), and a line per crate for `docs/results/`. It takes hours, so it is no part of `ci`.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::command::{cargo, root, succeed};
use crate::programs::{self, Program};

/// The crates whose tests are held to it where none is named. `core` has had all of its conditions removed.
const CRATES: [&str; 7] = ["proxy", "guard", "agent", "supervisor", "local", "yaml", "manifest"];

/// Another version may list other mutants.
const MUTANTS: Program = Program { name: "cargo-mutants", version: "27.1.0" };

/// Debug information takes most of the time of a build.
const BUILT: (&str, &str) = ("CARGO_PROFILE_DEV_DEBUG", "0");

/// What to change, and how many at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Crates without `segue-`; nothing: proxy guard agent supervisor local yaml manifest
    crates: Vec<String>,
    /// How many mutants of each crate, chosen by the seed; 0: all
    #[arg(long, default_value_t = 150)]
    sample: usize,
    /// Another seed, another sample
    #[arg(long, default_value_t = 20_261_128)]
    seed: u64,
    /// How many are built and tested at once, each with a target folder of its own; most tests wait more than they compute
    #[arg(long, default_value = "4")]
    jobs: NonZero<usize>,
    /// Only those whose name matches, such as a file's
    #[arg(long)]
    only: Option<String>,
    /// Where the logs go, a folder per crate
    #[arg(long, default_value = ".cache/mutants")]
    out: PathBuf,
}

/// What became of the mutants of a crate.
#[derive(Debug, Default)]
struct Outcomes {
    missed: usize,
    caught: usize,
    timeout: usize,
    unviable: usize,
    /// Jobs whose tests failed without any change: they tried nothing.
    broken: usize,
}

impl Outcomes {
    /// A line of the report of `cargo mutants`. It tries some that were not asked for; those don't count.
    fn add(&mut self, outcome: &Outcome, sample: &[&str]) {
        let Scenario::Mutant(mutant) = &outcome.scenario else {
            self.broken += usize::from(!matches!(outcome.summary, Summary::Success));
            return;
        };
        if !sample.contains(&mutant.name.as_str()) {
            return;
        }
        match outcome.summary {
            Summary::CaughtMutant => self.caught += 1,
            Summary::Timeout => self.timeout += 1,
            Summary::Unviable => self.unviable += 1,
            Summary::MissedMutant => self.missed += 1,
            Summary::Success | Summary::Failure => {}
        }
    }
}

/// The report of `cargo mutants`.
#[derive(Debug, Deserialize)]
struct Report {
    outcomes: Vec<Outcome>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    scenario: Scenario,
    summary: Summary,
}

#[derive(Debug, Deserialize)]
enum Scenario {
    Baseline,
    Mutant(Mutant),
}

#[derive(Debug, Clone, Copy, Deserialize)]
enum Summary {
    Success,
    Failure,
    CaughtMutant,
    MissedMutant,
    Timeout,
    Unviable,
}

#[derive(Debug, Deserialize)]
struct Mutant {
    name: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let named = arguments.crates.iter().map(String::as_str);
    let crates: Vec<&str> = if arguments.crates.is_empty() { CRATES.to_vec() } else { named.collect() };
    let mut rows = Vec::new();
    let mut broken = Vec::new();
    for name in crates {
        let (of, outcomes) = try_crate(name, arguments)?;
        rows.push(row(name, of, &outcomes));
        broken.extend((outcomes.broken > 0).then(|| format!("{name} ({} jobs)", outcomes.broken)));
    }
    println!(
        "\n| crate | mutants in all | tried | don't compile | caught | never ended | missed | caught of those that can be |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    println!("{}", rows.join("\n"));
    ensure!(
        broken.is_empty(),
        "less was tried than asked for, as tests failed without any change: {}; see baseline.log below {}",
        broken.join(", "),
        arguments.out.display()
    );
    Ok(())
}

/// `cargo mutants`.
fn mutants() -> anyhow::Result<Command> {
    let mut command = programs::of(MUTANTS)?;
    command.arg("mutants");
    Ok(command)
}

/// The same among processes of its own: a changed condition may signal whatever it finds, and what hangs ends with it.
fn alone(program: &Command) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    command.arg(program.get_program()).args(program.get_args());
    command
}

/// Tries a crate's sample; how many mutants there are of it in all, and what became of those tried.
fn try_crate(name: &str, arguments: &Arguments) -> anyhow::Result<(usize, Outcomes)> {
    let package = format!("segue-{name}");
    let listed = mutants()?.args(["--list", "--json", "--package", &package]).output()?;
    ensure!(
        listed.status.success(),
        "no mutants of {package}: {}",
        String::from_utf8_lossy(&listed.stderr).trim()
    );
    let all: Vec<Mutant> = serde_json::from_slice(&listed.stdout).context("a list of mutants")?;
    let names = all.iter().map(|mutant| mutant.name.as_str());
    let wanted = names.filter(|name| arguments.only.as_ref().is_none_or(|only| name.contains(only)));
    let sample = sample(wanted.collect(), arguments.sample, arguments.seed);
    ensure!(!sample.is_empty(), "{package} has no such mutant");

    let out = root().join(&arguments.out).join(name);
    std::fs::create_dir_all(&out).with_context(|| format!("{}", out.display()))?;
    let jobs = arguments.jobs.get();
    let targets = targets(&package, &out, jobs)?;
    let mut running = Vec::new();
    for (job, target) in targets.iter().enumerate() {
        let mut command = alone(&mutants()?);
        command.args(["--package", &package, "--no-times", "--colors", "never"]);
        command.args(["--shard", &format!("{job}/{jobs}"), "--sharding", "round-robin"]);
        command.arg("--output").arg(out.join(job.to_string())).envs([BUILT]).env("CARGO_TARGET_DIR", target);
        // A busy machine may take several times as long as the first run did; a mutant that hangs takes for ever.
        command.args(["--minimum-test-timeout", "120", "--timeout-multiplier", "3"]);
        for name in &sample {
            command.arg("--re").arg(format!("^{}$", escape(name)));
        }
        // Without the examples of the documentation: there are none, and to look for them costs a build.
        command.args(["--", "--all-targets"]);
        running.push(command.spawn().context("cannot run `cargo mutants`")?);
    }
    // Missed mutants are its exit code 2, and what this is for: the outcomes tell.
    for mut job in running {
        job.wait()?;
    }
    let mut sum = Outcomes::default();
    for (job, target) in targets.iter().enumerate() {
        std::fs::remove_dir_all(target).with_context(|| format!("{}", target.display()))?;
        let file = out.join(job.to_string()).join("mutants.out/outcomes.json");
        let text = std::fs::read(&file).with_context(|| format!("{}", file.display()))?;
        let report: Report = serde_json::from_slice(&text).with_context(|| format!("{}", file.display()))?;
        report.outcomes.iter().for_each(|outcome| sum.add(outcome, &sample));
    }
    Ok((all.len(), sum))
}

/// A target folder for each job in which the dependencies are built: built once, copied with its times.
fn targets(package: &str, out: &Path, jobs: usize) -> anyhow::Result<Vec<PathBuf>> {
    let targets: Vec<PathBuf> = (0..jobs).map(|job| out.join(format!("target-{job}"))).collect();
    let (first, others) = targets.split_first().context("no job")?;
    let mut build = cargo();
    build.args(["test", "--quiet", "--no-run", "--package", package]);
    succeed(build.envs([BUILT]).env("CARGO_TARGET_DIR", first))?;
    for other in others {
        succeed(Command::new("cp").args(["-a", "-T"]).args([first, other]))?;
    }
    Ok(targets)
}

/// So many of them, chosen by the seed and not by their order: one that comes or goes leaves the choice of the others.
fn sample(mut names: Vec<&str>, count: usize, seed: u64) -> Vec<&str> {
    if count > 0 {
        names.sort_by_cached_key(|name| Sha256::digest(format!("{seed} {name}")));
        names.truncate(count);
    }
    names
}

/// The regular expression that matches this text alone. Not every sign may be escaped: `\<` is the beginning of a word.
fn escape(text: &str) -> String {
    let escaped = text.chars().flat_map(|letter| {
        let special = r"\.+*?()|[]{}^$#&-~".contains(letter);
        special.then_some('\\').into_iter().chain([letter])
    });
    escaped.collect()
}

fn row(name: &str, of: usize, outcomes: &Outcomes) -> String {
    let Outcomes { missed, caught, timeout, unviable, broken: _ } = outcomes;
    let (noticed, viable) = (caught + timeout, caught + timeout + missed);
    let per_mille = (1000 * noticed).checked_div(viable).unwrap_or_default();
    let (percent, tenth) = (per_mille / 10, per_mille % 10);
    let tried = viable + unviable;
    format!(
        "| `{name}` | {of} | {tried} | {unviable} | {caught} | {timeout} | {missed} | {percent}.{tenth} % |"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_the_same_for_the_same_seed_and_another_for_another() {
        let names: Vec<String> = (0..1000).map(|number| format!("src/lib.rs:{number}: replace")).collect();
        let chosen = |seed| sample(names.iter().map(String::as_str).collect(), 150, seed);
        assert_eq!(chosen(1).len(), 150);
        assert_eq!(chosen(1), chosen(1));
        assert_ne!(chosen(1), chosen(2));
    }

    #[test]
    fn a_name_is_matched_as_it_stands() {
        assert_eq!(escape("a.rs:1:2: replace <= with -"), r"a\.rs:1:2: replace <= with \-");
    }

    #[test]
    fn what_was_not_asked_for_does_not_count() {
        let report = r#"{"outcomes": [
            {"scenario": "Baseline", "summary": "Success"},
            {"scenario": "Baseline", "summary": "Failure"},
            {"scenario": {"Mutant": {"name": "a"}}, "summary": "CaughtMutant"},
            {"scenario": {"Mutant": {"name": "b"}}, "summary": "MissedMutant"},
            {"scenario": {"Mutant": {"name": "c"}}, "summary": "MissedMutant"}]}"#;
        let report: Report = serde_json::from_str(report).unwrap();
        let mut sum = Outcomes::default();
        report.outcomes.iter().for_each(|outcome| sum.add(outcome, &["a", "b"]));
        assert_eq!((sum.caught, sum.missed, sum.timeout, sum.unviable), (1, 1, 0, 0));
        assert_eq!(sum.broken, 1, "a job that tried nothing is told");
    }

    #[test]
    fn what_does_not_compile_does_not_count() {
        let outcomes = Outcomes { missed: 1, caught: 7, timeout: 2, unviable: 5, broken: 0 };
        assert_eq!(row("x", 99, &outcomes), "| `x` | 99 | 15 | 5 | 7 | 2 | 1 | 90.0 % |");
    }
}
