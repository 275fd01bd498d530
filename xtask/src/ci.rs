//! `cargo xtask ci`: everything that must hold on main, cheapest first; the tests and their counts come last.

use std::io::Write;

use crate::{arrows, cargo, lengths, root, succeed, tools};

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
    succeed(cargo().env("SEGUE_BINARY", target.join("debug/segue")).args([
        "test",
        "--workspace",
        "--locked",
        "--no-fail-fast",
    ]))
}

fn heading(text: &str) {
    println!("\n== {text}");
    // Our lines must stand before those of the programs that write to the same place.
    let _ = std::io::stdout().flush();
}
