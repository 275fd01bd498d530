//! A rude application is rolled under every kind of client at once: with the agent and its guard nothing is dropped,
//! while the usual recipe, under the same clients in the same run, is seen to drop.

use segue_e2e::plain::{self, Client, Outcome, Recipe, Scenario, Setup, ShutdownBehaviour};

use crate::TestBed;

pub(crate) fn holds(bed: &TestBed) {
    // The bed keeps this bound: `cargo xtask table` shows how well.
    let bound = ["--bound", "kube-proxy=3s"].map(str::to_owned);
    let guard = rolled(bed, "guarded", &Setup { inject: bound.to_vec(), ..setup(Recipe::Guard) });
    assert_eq!(guard.all().dropped, 0, "{}", told(&guard));
    assert_eq!((guard.counter("raced"), guard.counter("cut")), (Some(0), Some(0)), "{guard:#?}");
    assert_eq!(guard.reasons().into_iter().collect::<Vec<_>>(), [("drained", 4)], "{guard:#?}");

    let sleep = rolled(bed, "sleeping", &setup(Recipe::Sleep { seconds: 10 }));
    assert!(sleep.all().dropped > 0, "nothing was dropped without the guard: then nothing is shown");
}

fn setup(recipe: Recipe) -> Setup {
    Setup::new(recipe, ShutdownBehaviour::Rude)
}

/// One rollout under all clients. A run that measured itself shows nothing: it may be made once more.
#[track_caller]
fn rolled(bed: &TestBed, namespace: &str, setup: &Setup) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let run = |attempt: u32| {
        let scenario = Scenario {
            setup: setup.clone(),
            namespace: format!("{namespace}-{attempt}"),
            rolls: 1,
            stall: None,
            clients: Client::ALL.to_vec(),
            folder: folder.path().join(attempt.to_string()),
        };
        plain::run(bed.cluster(), &scenario).unwrap_or_else(|error| panic!("{}: {error:#}", setup.recipe))
    };
    let mut outcome = run(1);
    if let Some(why) = outcome.invalid() {
        eprintln!("{}: once more, for {why}", setup.recipe);
        outcome = run(2);
    }
    assert_eq!(outcome.invalid(), None);
    assert_eq!(outcome.removals.len(), 4, "{:#?}", outcome.removals);
    for ledger in &outcome.ledgers {
        assert!(ledger.requests > 0, "{} from {} sent nothing", ledger.client.name(), ledger.place);
    }
    assert!(outcome.scraped > 0, "the scraper was never answered");
    outcome
}

fn told(outcome: &Outcome) -> String {
    let losses = outcome.ledgers.iter().flat_map(|ledger| {
        let of = format!("{} from {}", ledger.client.name(), ledger.place);
        ledger.losses.iter().map(move |loss| format!("{of}: {loss:?}\n"))
    });
    format!("{}{:#?}", losses.collect::<String>(), outcome.removals)
}
