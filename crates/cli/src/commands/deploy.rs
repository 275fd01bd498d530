//! `segue deploy`: rolls a service to another spec without dropping a request, and shows how.

use std::path::PathBuf;
use std::process::ExitCode;

use segue_local::control::protocol::Request;

use crate::service::{self, Format, Place, talk};

/// Roll a service to a new spec without dropping a request
///
/// Shows every instance's state and why it waits, and returns when the last old instance is gone. Exits 1 if the new
/// version failed and it went back by itself. Ctrl-C takes it back the same way; a second one leaves it going. A
/// deploy whose terminal is lost goes on: --follow rejoins it (there Ctrl-C only leaves), --abort takes it back.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The service, for --follow and --abort; needed where several are known
    #[arg(conflicts_with = "file")]
    name: Option<String>,
    /// The spec (see `segue schema`)
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["follow", "abort"])]
    file: Option<PathBuf>,
    /// Show the deploy that is under way
    #[arg(long, conflicts_with_all = ["file", "abort"])]
    follow: bool,
    /// Take the deploy that is under way back
    #[arg(long, conflicts_with = "file")]
    abort: bool,
    /// Show what would be done, and do nothing
    #[arg(long, requires = "file")]
    dry_run: bool,
    /// How to print the result
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    place: Place,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Some(file) = &args.file else {
        let folder = args.place.service(args.name.as_deref())?;
        let request = if args.abort { Request::Abort } else { Request::Follow };
        return service::block_on(talk::deploy(&folder, &request, talk::Interrupt::Leave, args.output));
    };
    let spec = match service::spec(file) {
        Ok(spec) => spec,
        Err(code) => return Ok(code),
    };
    let folder = args.place.state_dir()?.service(&spec.name);
    if args.dry_run {
        return service::plan::print(&folder, spec, args.output);
    }
    let request = Request::Deploy { spec: Box::new(spec) };
    let interrupt = talk::Interrupt::Abort;
    service::block_on(talk::deploy(&folder, &request, interrupt, args.output))
}
