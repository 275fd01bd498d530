//! Work on the workspace: `cargo xtask ci`, `arrows`, `dependencies`, `lengths`, `bench`, `agent`, `image`, `cluster`,
//! `table`, `corpus`.

mod agent;
mod arrows;
mod bench;
mod ci;
mod cluster;
mod command;
mod corpus;
mod dependencies;
mod lengths;
mod mutants;
mod programs;
mod table;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Work on the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Everything that must hold: format, file lengths, arrows, dependencies, lints, build, all tests
    Ci(ci::Arguments),
    /// Fail on a dependency between our crates that points the wrong way, and on a circle between files of one
    Arrows,
    /// Fail on a dependency that nothing uses, or that may not be given away
    Dependencies,
    /// Fail on a source file over 600 lines; print the median
    Lengths,
    /// Measure, beside rivals, in an optimised build
    Bench(bench::Arguments),
    /// Change the code in one place at a time and look whether a test notices; takes hours
    Mutants(mutants::Arguments),
    /// Build the agent's static binary; print where it is and how large
    Agent,
    /// Write the agent's image, a tar that containerd imports as segue-agent:dev
    Image {
        /// Where to
        out: PathBuf,
    },
    /// A real cluster on this machine, that stays
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Recipes by which Kubernetes rolls an application, under every kind of client, on a real cluster
    Table(table::Arguments),
    /// Real manifests through inject and back, read by kubectl's own reader too; fails if a promise is broken
    Corpus(corpus::Arguments),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Arrows => arrows::run(),
        Task::Dependencies => dependencies::run(),
        Task::Lengths => lengths::run(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Mutants(arguments) => mutants::run(&arguments),
        Task::Agent => agent::run(),
        Task::Image { out } => agent::image(&out),
        Task::Cluster(command) => cluster::run(&command),
        Task::Table(arguments) => table::run(&arguments),
        Task::Corpus(arguments) => corpus::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
