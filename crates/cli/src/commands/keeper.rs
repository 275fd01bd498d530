//! `segue keeper DIR`: what `segue up` runs for each instance; not for people.

use std::path::PathBuf;
use std::process::ExitCode;

/// Run the instance of this folder and keep its output
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The instance's folder
    dir: PathBuf,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    Ok(segue_local::keeper::main(&args.dir))
}
