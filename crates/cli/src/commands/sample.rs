//! `segue sample` (hidden): the small program that the demo and the tests upgrade.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::time::Duration;

use segue_demo::sample::{self, Behaviour, ShutdownBehaviour};

use crate::duration;

/// The variable that says the version where the flag does not.
const VERSION_VARIABLE: &str = "SEGUE_VERSION";

/// Run a small HTTP program that can be upgraded, politely or rudely
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub(crate) struct Args {
    /// Port to listen on; 0 takes a free one and says which
    #[arg(long)]
    port: u16,
    /// Address to listen on; in a pod, 0.0.0.0 or ::
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Version to answer with, in the header segue-version [default: $SEGUE_VERSION, or v1]
    #[arg(long)]
    version: Option<String>,
    /// On SIGTERM, finish what was taken (the default)
    #[arg(long, conflicts_with_all = ["rude", "deaf"])]
    polite: bool,
    /// On SIGTERM, exit at once
    #[arg(long, conflicts_with = "deaf")]
    rude: bool,
    /// On SIGTERM, do nothing
    #[arg(long)]
    deaf: bool,
    /// Time until it listens
    #[arg(long, value_name = "D", value_parser = duration::parse, default_value = "0s")]
    start_delay: Duration,
    /// Answer 500 on /health
    #[arg(long)]
    fail_ready: bool,
    /// Exit before listening
    #[arg(long)]
    exit_at_once: bool,
    /// Exit that long after it began to listen
    #[arg(long, value_name = "D", value_parser = duration::parse)]
    crash_after: Option<Duration>,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let on_sigterm = match (args.rude, args.deaf) {
        (true, _) => ShutdownBehaviour::Rude,
        (_, true) => ShutdownBehaviour::Deaf,
        _ => ShutdownBehaviour::Polite,
    };
    let version = args.version.or_else(|| std::env::var(VERSION_VARIABLE).ok());
    sample::run(&Behaviour {
        address: (args.host, args.port).into(),
        version: version.unwrap_or_else(|| "v1".to_owned()),
        on_sigterm,
        start_delay: args.start_delay,
        fail_ready: args.fail_ready,
        exit_at_once: args.exit_at_once,
        crash_after: args.crash_after,
    })
}
