//! Behind node ports with externalTrafficPolicy Local a load balancer asks each node's kube-proxy, and they are not late together:
//! the old pod's says at once that it is leaving, while the new pod's is halted and has not heard of it. So there the rollout
//! waits for kube-proxy: without that it is seen to drop, with it nothing is.

use std::time::Duration;

use segue_e2e::plain::{Entry, Manners, Recipe, Setup};

use crate::{Bed, halted};

/// Within kube-proxy's bound.
const LATE: Duration = Duration::from_secs(14);

pub(crate) fn holds(bed: &Bed) {
    let setup =
        Setup { replicas: 1, entry: Entry::NodePortLocal, ..Setup::new(Recipe::Guard, Manners::Rude) };
    let hasty = ["--bound", "kube-proxy.join=0s"].map(str::to_owned).to_vec();
    let hasty = halted::rolled(bed, "hasty", &Setup { inject: hasty, ..setup.clone() }, LATE);
    assert!(hasty.all().dropped > 0, "nothing was dropped without the wait: then nothing is shown");
    let patient = halted::rolled(bed, "patient", &setup, LATE);
    assert_eq!(patient.all().dropped, 0, "{:#?}", patient.ledgers);
}
