//! `cargo xtask table`: the table of plain Kubernetes, made by `bench/` on the cluster of `e2e/cluster`.

use crate::command::{cargo, root, succeed};

/// What to measure, handed on to the bench program as it stands.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// --row, --recipe, --application, --rolls, --bound…; nothing: all of it, written to docs/results
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // Not the release profile: what is measured waits for clusters, and this one is built in a fraction of the time.
    let profile = ["--profile", "fast", "--locked"];
    succeed(cargo().arg("build").args(profile).args(["-p", "segue", "-p", "segue-bench"]))?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir));
    succeed(
        cargo()
            .arg("run")
            .args(profile)
            .args(["-q", "-p", "segue-bench", "--", "table"])
            .args(&arguments.words)
            .env("SEGUE_BINARY", target.join("fast/segue")),
    )
}
