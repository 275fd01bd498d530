//! One cell of the table: an application under all clients at once, rolled, and what became of everything.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use segue_cluster::{Cluster, wait};

use super::agents::AgentLogs;
use super::client::Client;
use super::clients::Clients;
use super::deployed::Deployed;
use super::objects::{GUARD_PORT, PORT, SELECTOR};
use super::outcome::{Outcome, Removal, Rollout};
use super::scraper::Scraper;
use super::setup::{Recipe, Setup};
use super::stall::Stall;
use super::watch::{Sight, Watch};
use crate::clock;

/// Load before the first rollout, between rollouts, and after the last.
const CALM: Duration = Duration::from_secs(4);

/// What to run.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What is deployed.
    pub setup: Setup,
    /// In which namespace.
    pub namespace: String,
    /// How often it is rolled.
    pub rolls: u32,
    /// A kube-proxy that is halted at the beginning of each rollout.
    pub stall: Option<Stall>,
    /// Who sends.
    pub clients: Vec<Client>,
    /// Where everything that was said is kept.
    pub folder: PathBuf,
}

/// Runs a scenario: deploys, sends, rolls, and reads every ledger. The application is taken away again, whatever came
/// of it.
pub fn run(cluster: &Cluster, scenario: &Scenario) -> anyhow::Result<Outcome> {
    let deployed = Deployed::up(cluster, &scenario.namespace, &scenario.setup)?;
    let outcome = measure(&deployed, scenario);
    deployed.remove()?;
    outcome
}

fn measure(deployed: &Deployed<'_>, scenario: &Scenario) -> anyhow::Result<Outcome> {
    let cluster = deployed.cluster;
    let logs = scenario.setup.recipe.has_agent().then(|| AgentLogs::start(cluster, &scenario.namespace));
    let logs = logs.transpose()?;
    let watch = Arc::new(Watch::start(&deployed.api, SELECTOR)?);
    let replicas = usize::try_from(scenario.setup.replicas)?;
    wait::until("the watch has seen every pod", wait::LONG, || {
        let ready = watch.living().iter().filter(|sight| sight.ready.is_some()).count();
        ensure!(ready == replicas, "{ready} of {replicas}");
        Ok(())
    })?;
    // As a PodMonitor that names the port would have it.
    let port = if scenario.setup.recipe == Recipe::Guard { GUARD_PORT } else { PORT };
    let scraper = Scraper::start(cluster.node(1), Arc::clone(&watch), port)?;

    let began = clock::now();
    let mut clients = deployed.clients(&scenario.clients, &scenario.folder)?;
    wait::pass(CALM);
    let mut rollouts = Vec::new();
    for _ in 0..scenario.rolls {
        rollouts.push(roll(deployed, &watch, &mut clients, scenario.stall)?);
        wait::pass(CALM);
    }
    let ledgers = clients.end()?;
    let seconds = (clock::now() - began).as_secs_f64();

    let (gone, living): (Vec<Sight>, Vec<Sight>) =
        watch.sights().into_iter().partition(|sight| sight.gone.is_some());
    if let Some(logs) = &logs {
        for sight in &gone {
            std::fs::write(scenario.folder.join(format!("{}.agent.log", sight.name)), logs.text(sight)?)?;
        }
    }
    // When those of the beginning were made was not seen.
    let new = gone.iter().chain(&living).filter(|sight| sight.created.at > began);
    let outcome = Outcome {
        setup: scenario.setup.clone(),
        ledgers,
        removals: gone.iter().map(|sight| removal(sight, logs.as_ref())).collect::<anyhow::Result<_>>()?,
        starts: new.filter_map(Sight::starting).map(|time| time.as_secs_f64()).collect(),
        rollouts,
        scraped: scraper.answered(),
        seconds,
    };
    std::fs::write(scenario.folder.join("outcome.json"), serde_json::to_vec_pretty(&outcome)?)?;
    Ok(outcome)
}

/// Restarts every pod and waits until the last old one is gone.
fn roll(
    deployed: &Deployed<'_>,
    watch: &Watch,
    clients: &mut Clients,
    stall: Option<Stall>,
) -> anyhow::Result<Rollout> {
    replace(deployed, watch, clients, |old| {
        let stalled = stall.map(|stall| stall.begin(deployed)).transpose()?;
        deployed.restart()?;
        stalled.map_or(Ok(()), |stalled| stalled.end(watch, old))
    })
}

/// Begins a rollout by `roll_out`, which is told the old pods, and waits until the last of them is gone.
pub fn replace(
    deployed: &Deployed<'_>,
    watch: &Watch,
    clients: &mut Clients,
    roll_out: impl FnOnce(&[String]) -> anyhow::Result<()>,
) -> anyhow::Result<Rollout> {
    let leaves = |sight: &Sight| !deployed.setup.stays(&sight.name);
    let old: Vec<String> = watch.living().into_iter().filter(leaves).map(|sight| sight.uid).collect();
    let began = clock::now();
    let seconds = |end: Instant| (end - began).as_secs_f64();
    roll_out(&old)?;
    let patience = deployed.setup.entry.patience();
    deployed.api.rollout_status(&deployed.setup.workload(), patience)?;
    let done = seconds(clock::now());
    let gone = wait::until("every old pod is gone", patience, || {
        clients.check()?;
        let sights = watch.sights();
        let ends: Vec<Instant> = sights
            .iter()
            .filter(|sight| old.contains(&sight.uid))
            .filter_map(|sight| Some(sight.gone?.at))
            .collect();
        ensure!(ends.len() == old.len(), "{} of {} are gone", ends.len(), old.len());
        ends.into_iter().max().context("there was no pod")
    })?;
    Ok(Rollout { done, gone: seconds(gone) })
}

fn removal(sight: &Sight, logs: Option<&AgentLogs>) -> anyhow::Result<Removal> {
    let leaving =
        sight.leaving().with_context(|| format!("{} went without a delete that was seen", sight.name))?;
    Ok(Removal {
        pod: sight.name.clone(),
        deleted: sight.deleted.map_or(0.0, |moment| moment.wall),
        seconds: leaving.as_secs_f64(),
        agent: logs.map(|logs| logs.last(sight)).transpose()?,
    })
}
