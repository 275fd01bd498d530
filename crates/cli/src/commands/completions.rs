//! `segue completions SHELL`: the script that makes a shell complete this command's arguments.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::output;

/// Print the script by which a shell completes these commands
///
/// For example: segue completions bash > /etc/bash_completion.d/segue
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "segue", &mut script);
    output::write(&script)?;
    Ok(ExitCode::SUCCESS)
}
