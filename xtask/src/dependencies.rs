//! `cargo xtask dependencies`: each one is used, and what comes with it may be given away.
//!
//! `cargo-machete` finds those that no code names, `cargo-deny` reads licences and origins (`deny.toml`). Where they are
//! missing they are built without optimisation: they run for seconds, and CI builds them anew each time.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{cargo, root, succeed};

/// The versions that were tried, so that a new one brings no new opinion by itself.
const MACHETE: (&str, &str) = ("cargo-machete", "0.9.2");
const DENY: (&str, &str) = ("cargo-deny", "0.20.2");

pub(crate) fn run() -> anyhow::Result<()> {
    succeed(program(MACHETE)?.arg("--skip-target-dir"))?;
    let checks = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    succeed(program(DENY)?.arg("--locked").args(checks))
}

/// The program of this version, installed inside the checkout where it is missing.
fn program((name, version): (&str, &str)) -> anyhow::Result<Command> {
    let folder: PathBuf = root().join(".cache/programs").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let install = ["install", name, "--version", version, "--locked", "--debug", "--root"];
        succeed(cargo().env("CARGO_PROFILE_DEV_DEBUG", "0").args(install).arg(&folder))?;
    }
    let mut command = Command::new(program);
    command.current_dir(root());
    Ok(command)
}
