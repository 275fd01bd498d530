//! What a kube-proxy that is late costs a rollout, with the join bounds that `segue inject` gives and with others.

use std::fmt::Write;
use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::{Cluster, Options, ProxyMode};
use segue_e2e::plain::{self, Client, Entry, Outcome, Recipe, Scenario, Setup, ShutdownBehaviour, Stall};

use super::args::Args;

/// One rollout of the matrix.
#[derive(Debug, Clone, Copy)]
struct Case {
    what: &'static str,
    entry: Entry,
    replicas: u32,
    bounds: &'static [&'static str],
    /// How long the kube-proxy stays halted after the first new pod is ready, in seconds; `None`: nobody sends, none is halted.
    late: Option<u64>,
}

const NO_JOIN: &[&str] = &["kube-proxy.join=0s"];
const JOIN: &[&str] = &["kube-proxy.join=15s"];

const DEPLOYMENT: Case =
    Case { what: "Deployment", entry: Entry::Service, replicas: 1, bounds: &[], late: Some(8) };
const NODE_PORT: Case =
    Case { what: "NodePort, Local", entry: Entry::NodePortLocal, late: Some(14), ..DEPLOYMENT };

/// What is run wherever kube-proxies and slices differ.
const EVERYWHERE: [Case; 2] = [DEPLOYMENT, Case { replicas: 4, ..DEPLOYMENT }];

/// What is run once.
const ONCE: [Case; 4] = [
    NODE_PORT,
    Case { bounds: NO_JOIN, ..NODE_PORT },
    Case { what: "Deployment, idle", replicas: 4, late: None, ..DEPLOYMENT },
    Case { what: "Deployment, idle", replicas: 4, bounds: JOIN, late: None, ..DEPLOYMENT },
];

/// All of it, as Markdown.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let images = plain::deployed::images(true)?;
    let mut text = "| kube-proxy | endpoints per slice | what | pods | `--bound` | halted until | dropped of new connections | \
                    s per rollout: done, old pods gone |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let mut missing = 0;
    for (mode, name) in [(ProxyMode::Iptables, "iptables"), (ProxyMode::Nftables, "nftables")] {
        for endpoints_per_slice in [None, Some(1)] {
            let options = Options {
                proxy_mode: mode,
                endpoints_per_slice,
                images: images.clone(),
                ..Options::default()
            };
            let cluster = Cluster::up(&options).context("no cluster")?;
            let once = mode == ProxyMode::Iptables && endpoints_per_slice.is_none();
            let cases = EVERYWHERE.iter().chain(ONCE.iter().filter(|_| once));
            for (number, case) in cases.enumerate() {
                let place = format!("join-{name}-{}-{number}", endpoints_per_slice.unwrap_or(100));
                let outcome = rolled(&cluster, *case, &place, args);
                let slices = endpoints_per_slice.unwrap_or(100);
                let line = format!("| {name} | {slices} | {} |", line(*case, &outcome));
                eprintln!("{line}");
                missing += usize::from(outcome.is_err());
                // Writing to a string does not fail.
                let _ = writeln!(text, "{line}");
            }
            cluster.down()?;
        }
    }
    println!("{text}");
    if let Some(file) = &args.out {
        std::fs::write(file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    ensure!(missing == 0, "{missing} rollouts have no result");
    Ok(())
}

fn rolled(cluster: &Cluster, case: Case, name: &str, args: &Args) -> anyhow::Result<Outcome> {
    let bounds = case.bounds.iter().flat_map(|bound| ["--bound", bound]).map(str::to_owned);
    let setup = Setup {
        entry: case.entry,
        replicas: case.replicas,
        inject: bounds.collect(),
        ..Setup::new(Recipe::Guard, ShutdownBehaviour::Rude)
    };
    let scenario = Scenario {
        setup,
        namespace: name.to_owned(),
        rolls: 1,
        stall: case.late.map(|seconds| Stall { after_ready: Duration::from_secs(seconds) }),
        clients: if case.late.is_some() { vec![Client::Fresh] } else { Vec::new() },
        folder: args.keep.join(name),
    };
    plain::run(cluster, &scenario)
}

fn line(case: Case, outcome: &anyhow::Result<Outcome>) -> String {
    let late = case.late.map_or_else(|| "–".to_owned(), |late| format!("Ready + {late} s"));
    let bounds =
        if case.bounds.is_empty() { "–".to_owned() } else { format!("`{}`", case.bounds.join(" ")) };
    let result = match outcome {
        Err(error) => format!("no result: {error:#} | –"),
        Ok(outcome) => {
            let all = outcome.all();
            let kinds: Vec<_> = all.drops.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
            let invalid = outcome.invalid().map(|why| format!(" INVALID: {why}")).unwrap_or_default();
            let rollouts = outcome.rollouts.iter().map(|roll| format!("{:.1}, {:.1}", roll.done, roll.gone));
            let rollouts: Vec<_> = rollouts.collect();
            format!("{} of {}{kinds}{invalid} | {}", all.dropped, all.requests, rollouts.join("; "))
        }
    };
    format!("{} | {} | {bounds} | {late} | {result}", case.what, case.replicas)
}
