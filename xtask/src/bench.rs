//! `cargo xtask bench`: runs the measurements of `bench/` in a release build.

use crate::command::{cargo, succeed};
use crate::tools;

/// What to measure, handed on to the bench program as it stands.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// proxy, guard, redirect, probe, drain or deploy, and that one's own arguments; nothing: what the program does without
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    tools::for_benchmarks()?;
    // The deploy measurement runs the command itself, so it is built the same way.
    succeed(cargo().args(["build", "--release", "--locked", "-p", "segue", "-p", "segue-bench"]))?;
    succeed(
        cargo()
            .args(["run", "--release", "--locked", "-q", "-p", "segue-bench", "--"])
            .args(&arguments.words),
    )
}
