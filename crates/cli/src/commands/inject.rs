//! `segue inject`: manifests get what a drain needs, and keep every other byte.

mod files;
mod report;
mod said;
mod summary;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use segue_manifest::files::File;
use segue_manifest::inject::{NATIVE_SIDECARS, Options, Outcome, Refused, inject, undo, version_of};
use segue_manifest::notes::Rule;
use segue_manifest::paths::Overrides;
use segue_yaml::{Diagnostic, Severity, Stream};

use crate::output::{self, outln};
use crate::{duration, service::Format};
use files::Destination;
use said::Said;
use summary::Summary;

const DAY: Duration = Duration::from_hours(24);

/// Put the agent into manifests: hooks, grace and rollout values with it, and nothing else changes
///
/// Prints the manifests on stdout and what there is to know on stderr. What was injected before is planned anew, so
/// injecting twice is injecting once. Every edit is recorded in the annotation segue.dev/injected, and --undo takes it
/// back to the byte. A workload that can't be injected is printed as it was, the rest goes on, and a summary says which
/// and why. Exits 2, with nothing written, if none can be, or if the input can't be read. With -o json stdout has what
/// there is to know instead of the manifests: give --write or --out too, or it is a rehearsal.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are flags of a command line")]
pub(crate) struct Args {
    /// Files, folders (every .yaml, .yml and .json below them; none of Kustomize's), or - for stdin
    #[arg(required = true, value_name = "FILE|DIR|-")]
    inputs: Vec<PathBuf>,
    /// Put the guard in front of the ports that Services send to: kept-alive connections are closed politely too
    #[arg(long)]
    guard: bool,
    /// Let each pod's own network lead to the guard what comes for those ports: no second step, and clients of the
    /// pods' own addresses too. Needs the capability NET_ADMIN in one init container
    #[arg(long, requires = "guard", conflicts_with = "second_step")]
    redirect: bool,
    /// The agent's image
    #[arg(long, value_name = "IMAGE", default_value = Options::AGENT_IMAGE, value_parser = image)]
    agent_image: String,
    /// How long a stage takes at most, as kube-proxy=3s; STAGE.join=D and STAGE.leave=D set one way; may be given again
    #[arg(long = "bound", value_name = "STAGE=D", value_parser = bound)]
    bounds: Vec<(String, Duration)>,
    /// How long one request takes at most [default: 30s, Kubernetes' own grace period]
    #[arg(long, value_name = "D", value_parser = at_most_a_day)]
    longest_request: Option<Duration>,
    /// How long the application takes from its stop signal to its end [default: 10s, as docker stop grants]
    #[arg(long, value_name = "D", value_parser = at_most_a_day)]
    stop_time: Option<Duration>,
    /// Without the guard: how long a connection may be silent before it counts as idle [default: 5s, as Node
    /// and uvicorn keep one]
    #[arg(long, value_name = "D", value_parser = at_most_a_day)]
    idle_after: Option<Duration>,
    /// How many connections the guard carries at most; it sizes the agent's memory request
    #[arg(long, value_name = "N", default_value_t = Options::MAX_CONNECTIONS, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,
    /// Leave minReadySeconds, maxUnavailable, maxSurge and progressDeadlineSeconds, and say what that costs
    #[arg(long)]
    keep_strategy: bool,
    /// Keep preStop hooks that only sleep; they run after the drain
    #[arg(long)]
    keep_sleep: bool,
    /// The cluster's version, as 1.31: one without native sidecars (before 1.29) is refused
    #[arg(long, value_name = "VERSION", value_parser = version)]
    kubernetes_version: Option<(u32, u32)>,
    /// Also send Services with a numeric targetPort to the guard; only once every pod has it (implies --guard)
    #[arg(long)]
    second_step: bool,
    /// Take out what was injected; with --second-step only what the second step did to Services
    #[arg(
        long,
        conflicts_with_all = ["guard", "redirect", "agent_image", "bounds", "longest_request", "stop_time", "idle_after",
                              "max_connections", "keep_strategy", "keep_sleep", "kubernetes_version"]
    )]
    undo: bool,
    /// Exit 2, with nothing written, if a single workload is refused
    #[arg(long)]
    strict: bool,
    /// Write the files in place
    #[arg(long, conflicts_with = "out")]
    write: bool,
    /// Write the files into this folder, each under its own name
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How to say what there is to know; with json it stands on stdout, and manifests only go where --write or --out says
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let format = args.output;
    let destination = match (args.write, &args.out) {
        (true, _) => Destination::InPlace,
        (false, Some(folder)) => Destination::Folder(folder.clone()),
        (false, None) if format == Format::Json => Destination::Nowhere,
        (false, None) => Destination::Stdout,
    };
    destination.check_inputs(&args.inputs)?;
    let files = match files::read(&args.inputs, args.undo) {
        Err(error) if format == Format::Json => {
            let diagnostic = Diagnostic::error(format!("{error:#}")).rule(Rule::Unreadable.id());
            return refuse(&Refused(vec![diagnostic]), None, format);
        }
        files => files?,
    };
    destination.check_files(&files)?;
    let streams = match parse(&files) {
        Ok(streams) => streams,
        Err(refused) => return refuse(&refused, None, format),
    };
    let strict = args.strict;
    match change(args, &streams) {
        Ok(outcome) if strict && outcome.refused().next().is_some() => {
            let refused = Refused(outcome.refused().cloned().collect());
            refuse(&refused, Some((&outcome, &streams)), format)
        }
        Ok(outcome) => {
            destination.write(&files, &outcome.texts)?;
            match format {
                Format::Text => tell(&outcome),
                Format::Json => {
                    let written = !matches!(destination, Destination::Nowhere);
                    outln!("{:#}", report::of(&outcome, &streams, written))?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(refused) => refuse(&refused, None, format),
    }
}

/// Nothing is written. `outcome`: what would have come of it otherwise.
fn refuse(
    refused: &Refused,
    outcome: Option<(&Outcome, &[Stream])>,
    format: Format,
) -> anyhow::Result<ExitCode> {
    match format {
        Format::Text => output::note(refused.render(output::stderr_has_color())),
        Format::Json => outln!("{:#}", report::refused(refused, outcome))?,
    }
    Ok(ExitCode::from(2))
}

/// What there is to know, and last what became of each workload.
fn tell(outcome: &Outcome) {
    if !outcome.notes.is_empty() {
        output::note(Said { notes: &outcome.notes, width: output::stderr_width() });
    }
    for diagnostic in outcome.refused() {
        let warning = diagnostic.clone().severity(Severity::Warning);
        output::note(format_args!("\n{}", warning.render(output::stderr_has_color())));
    }
    if !outcome.workloads.is_empty() {
        output::note(format_args!("\n{}", Summary(outcome)));
    }
}

/// Every file that can't be read is told, not only the first.
fn parse(files: &[File]) -> Result<Vec<Stream>, Refused> {
    let (mut streams, mut refused) = (Vec::new(), Vec::new());
    for file in files {
        match segue_yaml::parse(&file.name, &file.text) {
            Ok(stream) => streams.push(stream),
            Err(error) => refused.extend(Refused::from(error).0),
        }
    }
    if refused.is_empty() { Ok(streams) } else { Err(Refused(refused)) }
}

fn change(args: Args, streams: &[Stream]) -> Result<Outcome, Refused> {
    if args.undo { undo(streams, args.second_step) } else { inject(streams, &options(args)) }
}

fn options(args: Args) -> Options {
    let mut bounds = Overrides::default();
    for (stage, bound) in args.bounds {
        // Checked when the flag was read.
        let _ = bounds.set(&stage, bound);
    }
    Options {
        guard: args.guard,
        redirect: args.redirect,
        agent_image: args.agent_image,
        bounds,
        longest_request: args.longest_request.unwrap_or(Options::LONGEST_REQUEST),
        stop_time: args.stop_time.unwrap_or(Options::STOP_TIME),
        idle_after: args.idle_after.unwrap_or(Options::IDLE_AFTER),
        max_connections: args.max_connections,
        keep_strategy: args.keep_strategy,
        keep_sleep: args.keep_sleep,
        second_step: args.second_step,
        kubernetes: args.kubernetes_version,
    }
}

fn bound(text: &str) -> Result<(String, Duration), String> {
    let (stage, bound) = text.split_once('=').ok_or("write it as STAGE=D, such as kube-proxy=3s")?;
    let bound = at_most_a_day(bound)?;
    Overrides::default().set(stage, bound).map_err(|error| error.to_string())?;
    Ok((stage.to_owned(), bound))
}

/// What no registry could have, such as an unset variable of a script, is told before a cluster is given it.
fn image(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err("write it as REGISTRY/NAME:TAG".to_owned());
    }
    Ok(text.to_owned())
}

/// Longer waits are mistakes: no pod is given so long.
fn at_most_a_day(text: &str) -> Result<Duration, String> {
    let duration = duration::parse(text)?;
    if duration > DAY { Err(format!("{text} is longer than a day")) } else { Ok(duration) }
}

fn version(text: &str) -> Result<(u32, u32), String> {
    let known = version_of(text).ok_or_else(|| format!("`{text}` is no version: write it as 1.31"))?;
    if known < NATIVE_SIDECARS {
        return Err("the agent needs Kubernetes 1.29 or later (native sidecars): upgrade the cluster first"
            .to_owned());
    }
    Ok(known)
}
