//! The proxy beside nginx and HAProxy: one worker each on processor 0, origin and load on processor 1.
//!
//! The rounds are interleaved (each contender in turn, then all again), so that what else happens on the machine
//! meets all of them. The median of the rounds counts.

pub(crate) mod contender;
pub(crate) mod load;
mod part;
mod report;

use anyhow::{Context as _, bail};

use contender::{Contender, Process};
pub(crate) use part::Part;
use report::{Report, Row};

use crate::scratch;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds of each contender and size; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Kept-alive client connections.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Idle client connections over which memory is measured.
    #[arg(long, default_value_t = 2000)]
    idle: usize,
    /// Bytes of the answers.
    #[arg(long, value_delimiter = ',', default_value = "1024,65536")]
    sizes: Vec<usize>,
    /// Only these contenders.
    #[arg(long, value_delimiter = ',', default_value = "nginx,haproxy,segue")]
    only: Vec<Contender>,
    /// Machine-readable result on stdout.
    #[arg(short, value_parser = ["text", "json"], default_value = "text")]
    output: String,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    missing()?;
    let report = scratch::with_folder(|directory| measure(args, directory))?;
    scratch::print(&report, &args.output, Report::markdown)
}

fn measure(args: &Args, directory: &std::path::Path) -> anyhow::Result<Report> {
    let origin = Process::origin()?;
    let contenders = args
        .only
        .iter()
        .map(|contender| Ok((*contender, contender.start(origin.port, directory)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut report = Report::new(args.rounds, args.seconds, args.connections, args.idle);
    for size in &args.sizes {
        for round in 0..=args.rounds {
            for (contender, process) in &contenders {
                // Round 0 warms up: connections, caches, allocators.
                let seconds = if round == 0 { 1 } else { args.seconds };
                let before = process.cpu()?;
                let ran = load::run(process.port, *size, args.connections, seconds)
                    .with_context(|| format!("{contender:?} at {size} bytes"))?;
                let cpu = process.cpu()?.saturating_sub(before);
                if round > 0 {
                    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
                    let cpu_us = cpu.as_micros() as f64 / ran.requests as f64;
                    report.rows.push(Row { contender: *contender, size: *size, cpu_us, ran });
                    eprintln!(
                        "{contender:?} {size} B: {cpu_us:.2} µs of CPU per request, {:.0} requests/s, p99 {} µs",
                        ran.rate, ran.p99_us
                    );
                }
            }
        }
    }
    drop(contenders);
    for contender in &args.only {
        // A fresh process: what load has left behind in an allocator is not what an idle connection needs.
        let process = contender.start(origin.port, directory)?;
        let bytes = load::idle_memory(&process, args.idle)?;
        eprintln!("{contender:?}: {bytes} bytes per idle connection");
        report.idle.push((*contender, bytes));
    }
    Ok(report)
}

/// Says what has to be installed first.
fn missing() -> anyhow::Result<()> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let found = |name: &&str| std::env::split_paths(&path).any(|folder| folder.join(name).is_file());
    let missing: Vec<_> =
        ["nginx", "haproxy", "wrk", "taskset"].into_iter().filter(|name| !found(name)).collect();
    if !missing.is_empty() {
        bail!(
            "not installed: {}; on Debian: apt-get install nginx-light haproxy wrk util-linux",
            missing.join(", ")
        );
    }
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("two processors are needed: one for the proxy, one for the load");
    }
    Ok(())
}
