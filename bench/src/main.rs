//! Measurements beside rivals, in one run on one machine: ratios can be compared, absolute numbers cannot.
//!
//! One module per benchmark; the rivals' settings are in `rivals/`.

mod clock;
mod deploy;
mod drain;
mod guard;
mod probe;
mod proxy;
mod redirect;
mod scratch;
mod spread;
mod table;

use clap::Parser;

#[derive(Parser)]
#[command(about = "Measures Segue beside its rivals")]
enum Command {
    /// The probe beside vegeta.
    Probe(probe::Args),
    /// The probe itself, as a process of its own.
    #[command(hide = true)]
    ProbeLoad(probe::LoadArgs),
    /// The proxy beside nginx and HAProxy.
    Proxy(proxy::Args),
    /// The guard in a pod beside an Envoy sidecar and beside nothing.
    Guard(guard::Args),
    /// The guard when clients are led to it inside the pod, beside clients that are sent to it and beside a NAT rule.
    Redirect(redirect::Args),
    /// POSTs that cross an application's close of its idle connections, with the guard and without.
    Keepalive(guard::keepalive::Args),
    /// The guard's load, as a process of its own.
    #[command(hide = true)]
    GuardLoad(guard::LoadArgs),
    /// What a drain adds to what its in-flight request needs.
    Drain(drain::Args),
    /// A deploy of many instances under load, beside its bound.
    Deploy(deploy::Args),
    /// Recipes by which Kubernetes rolls an application, under every kind of client, on a real cluster.
    Table(table::Args),
    /// A part of a benchmark that runs as a process of its own.
    #[command(hide = true, subcommand)]
    Part(proxy::Part),
}

fn main() -> anyhow::Result<()> {
    match Command::parse() {
        Command::Probe(args) => probe::run(&args),
        Command::ProbeLoad(args) => probe::load(args),
        Command::Proxy(args) => proxy::run(&args),
        Command::Guard(args) => guard::run(&args),
        Command::Redirect(args) => redirect::run(&args),
        Command::Keepalive(args) => guard::keepalive::run(&args),
        Command::GuardLoad(args) => guard::load(args),
        Command::Drain(args) => drain::run(&args),
        Command::Deploy(args) => deploy::run(&args),
        Command::Table(args) => table::run(&args),
        Command::Part(part) => part.run(),
    }
}
