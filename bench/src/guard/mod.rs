//! The guard in a pod beside an Envoy sidecar and beside nothing, in front of one and the same application.
//!
//! What stands in front is pinned to processor 0; the application and the load are on processor 1. In each round every
//! one has its turn, so that what else happens on the machine meets all of them. *Added* is what a round with it took more
//! than the same round without anything; the median of the rounds counts.

mod args;
mod envoy;
mod front;
pub(crate) mod keepalive;
mod load;
pub(crate) mod namespace;
pub(crate) mod plan;
mod report;
mod rest;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::proxy::contender::Process;
use crate::scratch;
pub(crate) use args::{Args, Request};
pub(crate) use front::ANSWER;
use front::{Front, TestBed};
pub(crate) use load::{Amount, LoadArgs, Ran, load};
use report::{Report, Row};

/// How many connections each may carry beyond those of the load: on a machine that stands still for a moment an open loop
/// opens many more than were asked for, and no bound of what is measured is to be met then.
const SPARE: usize = 5000;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("two processors are needed: one for what stands in front, one for the load");
    }
    ensure!(args.only.contains(&Front::Nothing), "what is added is told beside `nothing`: --only needs it");
    if !args.here && namespace::is_possible() {
        // What comes by the network is fetched while there is one.
        front::prepare(&args.only)?;
        return namespace::again();
    }
    let connections = u32::try_from(args.idle.max(args.connections + SPARE))?;
    // Each client's connection may have one to the application.
    allow_descriptors(2 * u64::from(connections) + 100)?;
    let report = scratch::with_folder(|folder| {
        TestBed::new(folder, &args.only, connections).and_then(|bed| measure(args, &bed))
    })?;
    scratch::print(&report, &args.output, Report::markdown)
}

fn measure(args: &Args, bed: &TestBed) -> anyhow::Result<Report> {
    let mut report = Report::new(args, busy()?, bed.binaries()?);
    if args.starts > 0 {
        report.ready_ms = Some(rest::ready(bed, args.starts)?);
    }
    rounds(args, bed, &mut report.rows)?;
    for front in args.only.iter().filter(|_| args.idle > 0) {
        if let Some(memory) = rest::memory(bed, *front, args.idle)? {
            eprintln!("{}: {} bytes with {} connections", front.name(), memory.with_connections, args.idle);
            report.memory.push(memory);
        }
    }
    Ok(report)
}

fn rounds(args: &Args, bed: &TestBed, rows: &mut Vec<Row>) -> anyhow::Result<()> {
    let application = bed.application()?;
    let started = args
        .only
        .iter()
        .map(|front| Ok((*front, bed.start(*front, application.port)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    for request in &args.requests {
        for round in 0..=args.rounds {
            for (front, process) in &started {
                // Round 0 warms up: connections, caches, allocators.
                let seconds = if round == 0 { 1 } else { args.seconds };
                let (ran, cpu_us) = turn(args, process.as_ref(), application.port, *request, seconds)
                    .with_context(|| format!("{request:?} through {}", front.name()))?;
                if round > 0 {
                    tell(*front, *request, &ran, cpu_us);
                    rows.push(Row { front: *front, request: *request, round, cpu_us, ran });
                }
            }
        }
    }
    Ok(())
}

/// A turn, as it ends; a run takes minutes.
fn tell(front: Front, request: Request, ran: &Ran, cpu_us: f64) {
    let Ran { p50_us, p99_us, late_p99_us, dropped, .. } = ran;
    eprintln!(
        "{request:?} through {}: p50 {p50_us:.0} µs, p99 {p99_us:.0} µs, left late p99 {late_p99_us:.0} µs, \
         {cpu_us:.2} µs of CPU per request, {dropped} dropped",
        front.name()
    );
    if !ran.is_sound() {
        eprintln!("this round does not count: {}", ran.invalid.as_deref().unwrap_or("requests were dropped"));
    }
}

/// One run of the load, and what it cost the process in front per request, in microseconds.
fn turn(
    args: &Args,
    process: Option<&Process>,
    application: u16,
    request: Request,
    seconds: u64,
) -> anyhow::Result<(Ran, f64)> {
    let amount = Amount { rate: args.rate, seconds, connections: args.connections };
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match process {
        None => Ok((load::run(at(application), request, amount)?, 0.0)),
        Some(process) => load_on(process, at(process.port), request, amount),
    }
}

/// One run of the load, and what it cost this process per request, in microseconds.
pub(crate) fn load_on(
    process: &Process,
    to: SocketAddr,
    request: Request,
    amount: Amount,
) -> anyhow::Result<(Ran, f64)> {
    let before = process.cpu()?;
    let ran = load::run(to, request, amount)?;
    let cpu = process.cpu()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let cpu_us = cpu.as_secs_f64() * 1e6 / ran.requests as f64;
    Ok((ran, cpu_us))
}

/// Lets this process, and those that it starts, have so many descriptors.
pub(crate) fn allow_descriptors(wanted: u64) -> anyhow::Result<()> {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = now.maximum.map(|maximum| maximum.max(wanted));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).with_context(|| {
        format!("{wanted} open files are needed: `ulimit -n {wanted}`, or fewer with --idle")
    })
}

/// How many threads wanted to run in the last minute: more than a few, and the figures show others' work.
pub(crate) fn busy() -> anyhow::Result<f64> {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    Ok(load.split_whitespace().next().context("/proc/loadavg is empty")?.parse()?)
}
