//! A Deployment's new pods need not wait for every kube-proxy: one that is halted while they come goes on sending to the old ones,
//! and those serve for the whole leave bound. (`cargo xtask table --part join` shows it with nftables and with slices of one
//! endpoint too.)

use std::time::Duration;

use segue_e2e::plain::{Recipe, Setup, ShutdownBehaviour};

use crate::{TestBed, halted};

pub(crate) fn holds(bed: &TestBed) {
    for replicas in [1, 4] {
        let setup = Setup { replicas, ..Setup::new(Recipe::Guard, ShutdownBehaviour::Rude) };
        let outcome = halted::rolled(bed, &format!("halted-{replicas}"), &setup, Duration::from_secs(8));
        assert_eq!(outcome.all().dropped, 0, "{replicas} replicas: {:#?}", outcome.ledgers);
        // Every old pod was on its way out before the kube-proxy heard of it, or there was nothing to lose.
        assert_eq!(outcome.removals.len(), usize::try_from(replicas).unwrap(), "{:#?}", outcome.removals);
    }
}
