//! A rollout under new connections from everywhere, all the time, while one kube-proxy is halted.

use std::time::Duration;

use segue_e2e::plain::{self, Client, Outcome, Scenario, Setup, Stall};

use crate::TestBed;

/// One rollout. The kube-proxy goes on so long after the first new pod is ready. A run that measured itself shows nothing: it may
/// be made once more.
#[track_caller]
pub(crate) fn rolled(bed: &TestBed, namespace: &str, setup: &Setup, after_ready: Duration) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let run = |attempt: u32| {
        let scenario = Scenario {
            setup: setup.clone(),
            namespace: format!("{namespace}-{attempt}"),
            rolls: 1,
            stall: Some(Stall { after_ready }),
            clients: vec![Client::Fresh],
            folder: folder.path().join(attempt.to_string()),
        };
        plain::run(bed.cluster(), &scenario).unwrap_or_else(|error| panic!("{namespace}: {error:#}"))
    };
    let mut outcome = run(1);
    if let Some(why) = outcome.invalid() {
        eprintln!("{namespace}: once more, for {why}");
        outcome = run(2);
    }
    assert_eq!(outcome.invalid(), None);
    for ledger in &outcome.ledgers {
        assert!(ledger.requests > 0, "nothing was sent from {}", ledger.place);
    }
    eprintln!(
        "{namespace}: {} of {} dropped; {:?}",
        outcome.all().dropped,
        outcome.all().requests,
        outcome.rollouts
    );
    outcome
}
