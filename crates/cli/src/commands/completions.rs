//! `segue completions SHELL`: the script that makes a shell complete this command's arguments.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::output;

/// Print the script by which a shell completes these commands
///
/// For example: segue completions bash > /etc/bash_completion.d/segue
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints it for the whole `command`.
pub(crate) fn run(args: Args, mut command: clap::Command) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "segue", &mut script);
    output::write(&script)?;
    Ok(ExitCode::SUCCESS)
}
