//! `cargo xtask ci`: everything that must hold on main, cheapest first; the tests and their counts come last.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, ensure};

use crate::command::{cargo, root, succeed};
use crate::{arrows, dependencies, lengths, tools};

/// What to leave out while working; nothing is left out in CI.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only the checks, no tests
    #[arg(long)]
    no_tests: bool,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    heading("format");
    succeed(cargo().args(["fmt", "--all", "--check"]))?;
    heading("file lengths");
    lengths::run()?;
    heading("arrows");
    arrows::run()?;
    heading("dependencies");
    dependencies::run()?;
    heading("lints");
    succeed(cargo().args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    if arguments.no_tests {
        return Ok(());
    }
    heading("programs that the tests run");
    tools::for_tests()?;
    heading("build");
    succeed(cargo().args(["build", "--workspace", "--locked"]))?;
    heading("tests");
    // The end-to-end tests run the binary that was just built; its target folder may have been moved.
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir));
    let counts = tests(&target.join("debug/segue"))?;
    // The last line says what ran: cargo's own last one speaks of the last crate's examples only.
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    Ok(())
}

/// What all test programs said together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
}

/// Runs all tests, passing on what they say.
fn tests(binary: &Path) -> anyhow::Result<Counts> {
    let mut child = cargo()
        .env("SEGUE_BINARY", binary)
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run `cargo test`")?;
    let mut counts = Counts::default();
    for line in BufReader::new(child.stdout.take().context("cargo has no output")?).lines() {
        let line = line?;
        counts.add(&line);
        println!("{line}");
    }
    let status = child.wait()?;
    ensure!(status.success(), "tests failed: {} passed, {} failed", counts.passed, counts.failed);
    ensure!(counts.passed > 0, "no test ran");
    Ok(counts)
}

impl Counts {
    /// Adds what one program's closing line says: `test result: ok. 3 passed; 0 failed; …`.
    fn add(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else { return };
        let mut last = 0;
        for word in result.split([' ', ';']).filter(|word| !word.is_empty()) {
            match word {
                "passed" => self.passed += last,
                "failed" => self.failed += last,
                number => last = number.parse().unwrap_or(last),
            }
        }
    }
}

fn heading(text: &str) {
    println!("\n== {text}");
    // Our lines must stand before those of the programs that write to the same place.
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_summed_and_others_are_not() {
        let mut counts = Counts::default();
        counts.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; finished in 0.02s");
        counts.add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; finished in 0.02s");
        counts.add("test a ... ok, 7 passed; 1 failed;");
        assert_eq!(counts, Counts { passed: 15, failed: 2 });
    }
}
