//! How long a rollout takes when nobody sends: beside the bound that Segue promises, and beside sleep 30.

use std::path::Path;

use segue_cluster::Cluster;
use segue_e2e::plain::{self, Kind, Outcome, Scenario, Setup, ShutdownBehaviour};

use super::timed::{GUARD, GUARD_DEFAULT, SLEEP, Timed};

const REPLICAS: u32 = 4;

pub(super) fn run(cluster: &Cluster, folder: &Path) -> anyhow::Result<String> {
    let mut lines = vec![
        "**Rollouts** of four idle pods, one at a time; the Deployment's bound is ⌈N/surge⌉ × (start + ready + join) + \
         one drain, and 10 %.\n\n\
         | workload | recipe | s until the last old pod is gone | of the bound | of sleep 30's |\n\
         |---|---|---|---|---|"
            .to_owned(),
    ];
    for kind in [Kind::Deployment, Kind::StatefulSet] {
        let sleep = rolled(cluster, kind, SLEEP, folder)?;
        for timed in [GUARD, GUARD_DEFAULT] {
            let outcome = rolled(cluster, kind, timed, folder)?;
            let share = match (kind, timed.bound) {
                (Kind::Deployment, Some(_)) => {
                    format!("{:.2}", gone(&outcome) / bound(&outcome, timed.join()))
                }
                _ => "–".to_owned(),
            };
            lines.push(format!(
                "| {} | {} | {:.1} | {share} | {:.2} |",
                kind.name(),
                timed.name(),
                gone(&outcome),
                gone(&outcome) / gone(&sleep)
            ));
        }
        lines.push(format!("| {} | {} | {:.1} | – | 1 |", kind.name(), SLEEP.name(), gone(&sleep)));
    }
    Ok(lines.join("\n") + "\n")
}

fn rolled(cluster: &Cluster, kind: Kind, timed: Timed, folder: &Path) -> anyhow::Result<Outcome> {
    eprintln!("rollout of an idle {}: {}", kind.name(), timed.name());
    let name = format!("idle-{}-{}-{}", kind.name(), timed.recipe.slug(), timed.bound.unwrap_or(0));
    let setup = Setup {
        kind,
        replicas: REPLICAS,
        inject: timed.inject(),
        ..Setup::new(timed.recipe, ShutdownBehaviour::Rude)
    };
    let folder = folder.join(&name);
    let scenario = Scenario { setup, namespace: name, rolls: 1, stall: None, clients: Vec::new(), folder };
    plain::run(cluster, &scenario)
}

/// From the restart until the last old pod was gone, in seconds.
fn gone(outcome: &Outcome) -> f64 {
    outcome.rollouts.iter().map(|rollout| rollout.gone).sum()
}

/// What the Deployment's rollout may take, in seconds. Both parts that the machine decides were measured in the same run.
fn bound(outcome: &Outcome, join: f64) -> f64 {
    let most = |times: &mut dyn Iterator<Item = f64>| times.fold(0.0, f64::max);
    let start = most(&mut outcome.starts.iter().copied());
    let drain = most(&mut outcome.removals.iter().map(|removal| removal.seconds));
    // Four pods with a surge of a quarter: one at a time.
    1.1 * (f64::from(REPLICAS) * (start + join) + drain)
}
