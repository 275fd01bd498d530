//! What a redirect costs: the guard of a pod, reached by a number of its own, led to by the redirect, and led to by a NAT rule as
//! meshes have it.
//!
//! Each has a pod (a network namespace) of its own with the same application and agent. The clients come from another namespace, as
//! from a node. In each round each has its turn; the ratio to the first in the same round counts, and its median is told.

mod args;
mod pod;
mod report;

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};

use crate::guard::namespace;
use crate::guard::{Amount, Request, allow_descriptors, busy, load_on};
use crate::proxy::load::idle_at;
use crate::{clock, scratch};
pub(crate) use args::Args;
use pod::{Pod, Way};
use report::{Report, Turn};

/// A machine that stands still for a moment opens many more connections than were asked for.
const SPARE: usize = 5000;

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(
        std::thread::available_parallelism()?.get() >= 2,
        "two processors are needed: one for the agents, one for the load"
    );
    ensure!(namespace::is_possible(), "a network namespace for each pod takes root, `unshare` and `ip`");
    let agent = segue_cluster::agent::build()?;
    if !args.here {
        return namespace::again();
    }
    let connections = u32::try_from(args.idle.max(args.connections + SPARE))?;
    allow_descriptors(2 * u64::from(connections) + 100)?;
    let report = scratch::with_folder(|folder| {
        measure(args, &|way| Pod::new(way, &folder.join(way.word()), &agent, connections))
    })?;
    scratch::print(&report, &args.output, Report::markdown)
}

fn measure(args: &Args, pod: &dyn Fn(Way) -> anyhow::Result<Pod>) -> anyhow::Result<Report> {
    let load_average = busy()?;
    let pods = Way::ALL.map(|way| Ok((way, pod(way).with_context(|| way.name())?)));
    let pods = pods.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let mut turns = Vec::new();
    for request in [Request::Get, Request::Post] {
        for round in 0..=args.rounds {
            for (way, pod) in &pods {
                // Round 0 warms up: connections, caches, allocators.
                let seconds = if round == 0 { 1 } else { args.seconds };
                let amount = Amount { rate: args.rate, seconds, connections: args.connections };
                let (ran, cpu_us) =
                    load_on(&pod.agent, pod.entry, request, amount).with_context(|| way.name())?;
                if round > 0 {
                    eprintln!(
                        "{request:?}, {}: p50 {:.0} µs, {cpu_us:.1} µs of CPU per request",
                        way.name(),
                        ran.p50_us
                    );
                    turns.push(Turn { way: *way, request, round, cpu_us, ran });
                }
            }
        }
    }
    let mut entries = BTreeMap::new();
    for (way, pod) in &pods {
        let before = pod.entries()?;
        let mut open = Vec::with_capacity(args.idle);
        for number in 0..args.idle {
            open.push(idle_at(pod.entry).with_context(|| format!("connection {number} of {}", args.idle))?);
        }
        clock::sleep(std::time::Duration::from_secs(1));
        entries.insert(way.word(), pod.entries()?.saturating_sub(before));
    }
    Ok(Report::new(load_average, args, turns, entries))
}
