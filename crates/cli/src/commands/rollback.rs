//! `segue rollback`: rolls a service to the last version that worked before the current one.

use std::process::ExitCode;

use segue_local::control::protocol::Request;

use crate::service::{self, Format, Place, talk};

/// Roll a service back to the last version that worked before the current one
///
/// It is a deploy of that version's spec, with the same drain, the same view and the same exit codes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The service; needed where several are known
    name: Option<String>,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let folder = args.place.service(args.name.as_deref())?;
    let interrupt = talk::Interrupt::Abort;
    service::block_on(talk::deploy(&folder, &Request::Rollback, interrupt, args.output))
}
