//! How long one pod's drain takes, by what its clients do meanwhile.
//!
//! Each client speaks to a pod of its own, at the port where its Service would send it. All pods are deleted at once, and
//! each drain's end is what its agent says: the moment when its hook returned.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::{Cluster, Pod, wait};
use segue_e2e::client::Client;
use segue_e2e::plain::watch::Moment;
use segue_e2e::plain::{
    AgentLogs, Deployed, Network, Recipe, Setup, ShutdownBehaviour, Sight, Watch, objects, seconds_since_1970,
};

use super::timed::{AGENT, GUARD, GUARD_DEFAULT, SLEEP, Timed};
use crate::clock;
use crate::spread::Spread;

/// So many pods, so many drains of each kind.
const PODS: u32 = 4;

/// The quiet window of a drain.
const QUIET: f64 = 2.0;

/// What a pod's client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meanwhile {
    /// It is not there.
    Nothing,
    /// One request of 8 s, begun before the delete.
    InFlight,
    /// A last request, 2 s after the delete, on a new connection.
    LateArrival,
    /// 25 connections that have carried one request each and stay open.
    KeptIdle,
}

/// How old the pods are at the least.
const SETTLED: Duration = Duration::from_secs(20);

/// How long the request in flight takes.
const LONG: u64 = 8000;
const LATE: Duration = Duration::from_secs(2);
const KEPT: usize = 25;

/// What a client saw of its pod: moments in seconds since 1970.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    arrival: f64,
    answer: f64,
}

/// One pod's drain, in seconds from its delete.
struct Drain {
    released: Option<f64>,
    gone: f64,
    /// The latest of bound, last arrival + quiet window, last answer.
    earliest: f64,
}

pub(super) fn run(cluster: &Cluster) -> anyhow::Result<String> {
    let mut lines = vec![format!(
        "**Drains** of {PODS} pods each; seconds from the delete: min, median, max. *Earliest* is the latest of the path's \
         bound, the last arrival + 2 s, and the last answer.\n\n\
         | clients | recipe | earliest | until the hook returned | later than that | until the pod was gone | of sleep 30's |\n\
         |---|---|---|---|---|---|---|"
    )];
    let sleep = drains(cluster, SLEEP, Meanwhile::Nothing)?;
    let sleep = spread(sleep.iter().map(|drain| drain.gone)).median;
    for meanwhile in [Meanwhile::Nothing, Meanwhile::InFlight, Meanwhile::LateArrival, Meanwhile::KeptIdle] {
        for timed in [GUARD, AGENT, GUARD_DEFAULT] {
            let drains = drains(cluster, timed, meanwhile)?;
            let released = |drain: &Drain| drain.released.unwrap_or(f64::NAN);
            let gone = spread(drains.iter().map(|drain| drain.gone));
            lines.push(format!(
                "| {} | {} | {} | {} | {} | {} | {} |",
                meanwhile.name(),
                timed.name(),
                three(spread(drains.iter().map(|drain| drain.earliest))),
                three(spread(drains.iter().map(released))),
                three(spread(drains.iter().map(|drain| released(drain) - drain.earliest))),
                three(gone),
                if meanwhile == Meanwhile::Nothing {
                    format!("{:.2}", gone.median / sleep)
                } else {
                    "–".to_owned()
                },
            ));
        }
    }
    lines.push(format!("| none | {} | – | – | – | {sleep:.1} | 1 |\n", SLEEP.name()));
    Ok(lines.join("\n"))
}

impl Meanwhile {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::InFlight => "one request of 8 s",
            Self::LateArrival => "one arrives 2 s after the delete",
            Self::KeptIdle => "25 idle kept connections",
        }
    }
}

fn drains(cluster: &Cluster, timed: Timed, meanwhile: Meanwhile) -> anyhow::Result<Vec<Drain>> {
    eprintln!("drains: {}, clients: {}", timed.name(), meanwhile.name());
    let namespace =
        format!("drain-{}-{}-{}", timed.recipe.slug(), timed.bound.unwrap_or(0), meanwhile.name().len());
    let setup =
        Setup { replicas: PODS, inject: timed.inject(), ..Setup::new(timed.recipe, ShutdownBehaviour::Rude) };
    let deployed = Deployed::up(cluster, &namespace, &setup)?;
    let logs = timed.recipe.has_agent().then(|| AgentLogs::start(cluster, &namespace)).transpose()?;
    let watch = Watch::start(&deployed.api, objects::SELECTOR)?;
    let pods = deployed.pods()?;
    // By then the agent knows the kubelet's rhythm, as it does in any pod that has served for a while.
    clock::sleep(SETTLED);
    let network = Network::of(cluster.node(1).command("cat"))?;
    let clients = pods
        .iter()
        .map(|pod| {
            let address = address(pod, timed.recipe)?;
            network.run("client", move || meanwhile.act(address))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    // The request that is to be in flight is, and idle connections are idle.
    clock::sleep(Duration::from_secs(1));
    deployed.api.run(["delete", "pods", "--selector", objects::SELECTOR, "--wait=false"])?;
    let told = clients
        .into_iter()
        .map(|client| client.join().map_err(|_| anyhow::anyhow!("a client panicked"))??)
        .collect::<anyhow::Result<Vec<Told>>>()?;
    let sights = wait::until("the deleted pods are gone", wait::LONG, || {
        let sights = watch.sights();
        let of =
            |pod: &Pod| sights.iter().find(|sight| sight.uid == pod.uid && sight.gone.is_some()).cloned();
        let gone: Vec<Sight> = pods.iter().filter_map(of).collect();
        ensure!(gone.len() == pods.len(), "{} of {}", gone.len(), pods.len());
        Ok(gone)
    })?;
    let bound = f64::from(timed.bound.unwrap_or(0));
    let drains = sights
        .iter()
        .zip(told)
        .map(|(sight, told)| {
            let deleted = sight.deleted.context("a pod that went was deleted")?.wall;
            let released = logs.as_ref().map(|logs| released(logs, sight)).transpose()?;
            Ok(Drain {
                released: released.map(|released| released - deleted),
                gone: sight.leaving().context("a pod that went is gone")?.as_secs_f64(),
                earliest: bound.max(told.arrival + QUIET - deleted).max(told.answer - deleted),
            })
        })
        .collect::<anyhow::Result<_>>()?;
    drop(watch);
    deployed.remove()?;
    Ok(drains)
}

impl Meanwhile {
    /// What a client does, from a second before the delete on.
    fn act(self, address: SocketAddr) -> anyhow::Result<Told> {
        let arrival = Moment::now().wall;
        match self {
            Self::Nothing => Ok(Told::default()),
            Self::InFlight => {
                let mut client = Client::try_connect(address)?;
                client.try_get(&format!("/sleep?ms={LONG}"))?;
                ensure!(client.try_answer()?.status == 200, "the request in flight was not answered well");
                Ok(Told { arrival, answer: Moment::now().wall })
            }
            Self::LateArrival => {
                clock::sleep(Duration::from_secs(1) + LATE);
                let arrival = Moment::now().wall;
                let mut client = Client::try_connect(address)?;
                client.try_get("/")?;
                ensure!(client.try_answer()?.status == 200, "the late request was not answered well");
                Ok(Told { arrival, answer: Moment::now().wall })
            }
            Self::KeptIdle => {
                let mut kept = Vec::new();
                for _ in 0..KEPT {
                    let mut client = Client::try_connect(address)?;
                    client.try_get("/")?;
                    ensure!(client.try_answer()?.status == 200, "a request was not answered well");
                    kept.push(client);
                }
                // Kept until the other side ends them.
                for mut client in kept {
                    ensure!(client.bytes(1).is_err(), "an answer that nobody asked for");
                }
                Ok(Told { arrival, answer: arrival })
            }
        }
    }
}

/// Where the pod's Service sends.
fn address(pod: &Pod, recipe: Recipe) -> anyhow::Result<SocketAddr> {
    let port = if recipe == Recipe::Guard { objects::GUARD_PORT } else { objects::PORT };
    Ok(SocketAddr::new(pod.address.context("a pod that is ready has an address")?, port))
}

/// When the agent let its hook return.
fn released(logs: &AgentLogs, sight: &Sight) -> anyhow::Result<f64> {
    let lines = logs.lines(sight)?;
    let line = lines.iter().find(|line| line["event"].as_str() == Some("released"));
    let time = line.and_then(|line| line["time"].as_str());
    seconds_since_1970(time.with_context(|| format!("{} never said that its drain ended", sight.name))?)
}

fn spread(figures: impl Iterator<Item = f64>) -> Spread {
    Spread::of(&mut figures.collect::<Vec<_>>())
}

fn three(Spread { min, median, max }: Spread) -> String {
    format!("{min:.1}, {median:.1}, {max:.1}")
}
