//! A Service with a number as its targetPort, which the guard alone could only get in front of by two steps, goes over to the
//! redirect in one rollout, and back in one. What the first one drops is what any rollout without the agent drops; from then on
//! nothing is dropped, nor by the way back. Nothing of the Service changes.

use std::time::Duration;

use segue_cluster::wait;
use segue_e2e::plain::objects::{NAME, SELECTOR};
use segue_e2e::plain::{Client, Deployed, Entry, Ledger, Recipe, Setup, ShutdownBehaviour, Watch, replace};

use crate::TestBed;

/// Load before and after.
const CALM: Duration = Duration::from_secs(3);

pub(crate) fn holds(bed: &TestBed) {
    let bound = ["--bound", "kube-proxy=3s"].map(str::to_owned);
    let setup = Setup {
        entry: Entry::NumericTargetPort,
        replicas: 2,
        inject: bound.to_vec(),
        ..Setup::new(Recipe::Nothing, ShutdownBehaviour::Rude)
    };
    let deployed = Deployed::up(bed.cluster(), "over-and-back", &setup).unwrap();
    let watch = Watch::start(&deployed.api, SELECTOR).unwrap();
    let ports = || deployed.api.run(["get", "service", NAME, "--output=jsonpath={.spec.ports}"]).unwrap();
    let before = ports();

    let restart = || deployed.restart();
    let without = rolled(&deployed, &watch, "without", restart);
    assert!(dropped(&without) > 0, "a rude application without an agent drops: else nothing is shown");
    let over = rolled(&deployed, &watch, "over", || deployed.go_over(Recipe::Redirect));
    assert!(dropped(&over) > 0, "the old pods had no agent: else nothing is shown");
    // What was cut is still open in the nodes' tables of connections, and a client's next one from the same port would go where it
    // went: to a pod that is gone.
    deployed.cluster.conntrack_flush().unwrap();
    let again = rolled(&deployed, &watch, "again", restart);
    let back = rolled(&deployed, &watch, "back", || deployed.go_over(Recipe::Nothing));
    for ledgers in [again, back] {
        assert_eq!(dropped(&ledgers), 0, "{}", told(&ledgers));
        assert!(ledgers.iter().all(|ledger| ledger.requests > 0));
    }
    assert_eq!(ports(), before);
    drop(watch);
    deployed.remove().unwrap();
}

/// A rollout under all clients.
#[track_caller]
fn rolled(
    deployed: &Deployed<'_>,
    watch: &Watch,
    what: &str,
    roll_out: impl FnOnce() -> anyhow::Result<()>,
) -> Vec<Ledger> {
    let folder = tempfile::tempdir().unwrap();
    let mut clients = deployed.clients(&Client::ALL, folder.path()).unwrap();
    wait::pass(CALM);
    let ended = replace(deployed, watch, &mut clients, |_| roll_out());
    ended.unwrap_or_else(|error| panic!("{what}: {error:#}"));
    wait::pass(CALM);
    let ledgers = clients.end().unwrap();
    println!("{what}: {} of {} dropped", dropped(&ledgers), requests(&ledgers));
    ledgers
}

fn dropped(ledgers: &[Ledger]) -> u64 {
    ledgers.iter().map(|ledger| ledger.dropped).sum()
}

fn requests(ledgers: &[Ledger]) -> u64 {
    ledgers.iter().map(|ledger| ledger.requests).sum()
}

fn told(ledgers: &[Ledger]) -> String {
    let losing = ledgers.iter().filter(|ledger| ledger.dropped > 0);
    let lines = losing.map(|one| format!("{} from {}: {:?}", one.client.name(), one.place, one.losses));
    lines.collect::<Vec<_>>().join("\n")
}
