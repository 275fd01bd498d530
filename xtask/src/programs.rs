//! Programs of the crate registry that tasks run: of a fixed version, and inside the checkout.
//!
//! Where one is missing it is built without optimisation: it runs for seconds or waits for builds, and CI builds it anew
//! each time.

use std::process::Command;

use crate::command::{cargo, root, succeed};

/// A program, and the version that was tried: a new one brings no new opinion by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// A command that runs it in the workspace's root.
pub(crate) fn of(Program { name, version }: Program) -> anyhow::Result<Command> {
    let folder = root().join(".cache/programs").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if !program.exists() {
        let install = ["install", name, "--version", version, "--locked", "--debug", "--root"];
        succeed(cargo().env("CARGO_PROFILE_DEV_DEBUG", "0").args(install).arg(&folder))?;
    }
    let mut command = Command::new(program);
    command.current_dir(root());
    Ok(command)
}
