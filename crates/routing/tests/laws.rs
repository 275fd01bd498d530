//! Laws 2 and 4, and that a registry is told to forget the pod only at its end, whatever a router does.

use crate::registry::{Faults, Listed};
use crate::world::{DEADLINE, TICK, World, at};
use http::Method;
use proptest::prelude::*;
use segue_core::pod::DEREGISTER_WITHIN;
use segue_core::pod::life::Reason;
use segue_routing::Shows;
use std::time::Duration;

fn faults(lies: bool) -> impl Strategy<Value = Faults> {
    (
        prop_oneof![3 => Just(0), 1 => 0..5_000_u64],
        prop::option::weighted(0.2, any::<bool>()),
        prop::option::weighted(0.1, prop_oneof![Just(503_u16), Just(404), Just(401)]),
        prop::option::weighted(
            0.2,
            prop_oneof![Just("in"), Just("out cached"), Just("none"), Just("<html>"), Just("")],
        ),
        prop::bool::weighted(0.2),
    )
        .prop_map(move |(slow, broken, refused, lie, forgets)| Faults {
            slow: Duration::from_millis(slow),
            broken,
            refused,
            lie: lie.filter(|_| lies),
            forgets: forgets && lies,
        })
}

fn some(lies: bool) -> impl Strategy<Value = Vec<Faults>> {
    prop::collection::vec(faults(lies), 1..40)
}

proptest! {
    #[test]
    fn a_drain_leaves_by_what_its_routers_said_or_at_its_deadline_whatever_they_do(
        faults in some(true), described in any::<bool>(), asked_at in 0..5_000_u64
    ) {
        let mut faults = faults.into_iter().cycle();
        let mut world = World::new(described);
        loop {
            world.asked = world.now >= at(asked_at);
            if let Some(outcome) = world.tick(|| faults.next().unwrap()) {
                if outcome.reason != Reason::Deadline {
                    prop_assert_eq!(outcome.reason, Reason::Drained);
                    prop_assert!(world.may_have_left(), "{:?} {:?}", outcome, world.registry());
                }
                break;
            }
            prop_assert!(world.now <= at(asked_at) + DEADLINE + TICK + TICK, "its deadline has passed");
        }
        prop_assert!(world.server.told.iter().all(|(_, method)| *method == Method::PUT), "{:?}", world.server.told);
    }

    #[test]
    fn where_the_registry_tells_the_truth_nobody_leaves_that_is_listed(faults in some(false)) {
        let mut faults = faults.into_iter().cycle();
        let mut world = World::new(true);
        world.asked = true;
        let outcome = loop {
            if let Some(outcome) = world.tick(|| faults.next().unwrap()) {
                break outcome;
            }
        };
        prop_assert!(outcome.reason == Reason::Deadline || world.server.listed == Listed::Out, "{outcome:?}");
    }

    #[test]
    fn the_end_has_a_deadline_whatever_the_registry_does_and_deregisters_no_sooner(
        faults in some(true), ends_at in 0..20_000_u64, asks in any::<bool>()
    ) {
        let mut faults = faults.into_iter().cycle();
        let mut world = World::new(true);
        world.asked = asks;
        while world.now < at(ends_at) {
            let _ = world.tick(|| faults.next().unwrap());
            prop_assert!(!world.life.ended(&world.seen(), world.now));
        }
        prop_assert!(world.server.told.iter().all(|(_, method)| *method == Method::PUT));
        world.ending = true;
        let began = world.now + TICK;
        while !world.life.ended(&world.seen(), world.now) {
            let _ = world.tick(|| faults.next().unwrap());
            prop_assert!(world.now <= began + DEREGISTER_WITHIN + TICK);
        }
        prop_assert!(world.registry().shows == Shows::Gone || world.now >= began + DEREGISTER_WITHIN);
    }
}

/// A world without faults, so that the laws above are not kept by deadlines alone.
#[test]
fn a_router_that_does_as_it_is_told_ends_a_drain_by_evidence_and_the_end_at_once() {
    let mut world = World::new(true);
    while world.now < at(3_000) {
        assert_eq!(world.tick(Faults::default), None);
    }
    assert_eq!(world.registry().shows, Shows::Admitted);
    world.asked = true;
    let outcome = loop {
        if let Some(outcome) = world.tick(Faults::default) {
            break outcome;
        }
    };
    let stages: Vec<_> = outcome.stages.iter().map(ToString::to_string).collect();
    assert_eq!(
        stages,
        [
            "stage cache of path registry over by evidence",
            "stage client-1 of path registry over by its bound",
            "stage cache of path service over by its bound",
        ]
    );
    // Two to three seconds for the cache where its bound is ten, and five for the clients.
    assert!(outcome.took.0 < Duration::from_secs(9), "{outcome:?}");
    world.ending = true;
    for _ in 0..15 {
        let _ = world.tick(Faults::default);
    }
    assert!(world.life.ended(&world.seen(), world.now));
    assert_eq!(world.server.listed, Listed::None);
    let deletes = world.server.told.iter().filter(|(_, method)| *method == Method::DELETE);
    assert_eq!(deletes.count(), 1);
}

#[test]
fn evidence_that_the_plan_does_not_describe_shortens_nothing() {
    let mut world = World::new(false);
    world.asked = true;
    let outcome = loop {
        if let Some(outcome) = world.tick(Faults::default) {
            break outcome;
        }
    };
    assert!(outcome.took.0 >= Duration::from_secs(15), "{outcome:?}");
}
