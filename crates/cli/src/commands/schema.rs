//! `segue schema`: what a spec file may say, for editors and for people.

use std::process::ExitCode;

use crate::output;

/// Print the JSON Schema of the spec file that `up` and `deploy` read
///
/// For editors: put `# yaml-language-server: $schema=segue.schema.json` on the spec's first line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: Args) -> anyhow::Result<ExitCode> {
    let mut text = serde_json::to_vec_pretty(&segue_local::spec::schema())?;
    text.push(b'\n');
    output::write(&text)?;
    Ok(ExitCode::SUCCESS)
}
