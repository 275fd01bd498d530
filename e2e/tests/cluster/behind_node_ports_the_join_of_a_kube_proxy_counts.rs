//! Behind node ports with externalTrafficPolicy Local a load balancer asks each node's kube-proxy, and they are not late together:
//! the old pod's says at once that it is leaving, while the new pod's is halted and has not heard of it. So there the rollout
//! waits for kube-proxy: without that it is seen to drop, with it nothing is.

use std::time::Duration;

use segue_e2e::plain::{Entry, Recipe, Setup, ShutdownBehaviour};

use crate::{TestBed, halted};

/// Within kube-proxy's bound, and longer than a client keeps a name.
const LATE: Duration = Duration::from_secs(12);

pub(crate) fn holds(bed: &TestBed) {
    // What the balancer itself takes to ask again must not stand in for what is shown.
    let bounds = |join: &str| ["--bound", "node-health.join=0s", "--bound", join].map(str::to_owned).to_vec();
    let setup = |join: &str| Setup {
        replicas: 1,
        entry: Entry::NodePortLocal,
        inject: bounds(join),
        ..Setup::new(Recipe::Guard, ShutdownBehaviour::Rude)
    };
    let hasty = halted::rolled(bed, "hasty", &setup("kube-proxy.join=0s"), LATE);
    assert!(hasty.all().dropped > 0, "nothing was dropped without the wait: then nothing is shown");
    let patient = halted::rolled(bed, "patient", &setup("kube-proxy.join=15s"), LATE);
    assert_eq!(patient.all().dropped, 0, "{:#?}", patient.ledgers);
}
