//! The laws in random worlds: the oracle checks every step; here is what must come out at the end.

use crate::scenario::{Scenario, any_world, fair_world};
use proptest::prelude::*;
use segue_core::judge::{Failure, Outcome};

/// Nothing in these worlds may take longer than this, whatever goes wrong.
const LONG: u64 = 3 * 3_600_000;

/// `CASES=20000 cargo test -p segue-core` looks longer.
fn config() -> ProptestConfig {
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A new version that fails beside an old one that is good.
fn failing(mut scenario: Scenario, crashes_after: Option<u64>) -> Scenario {
    scenario.old.ready_after.get_or_insert(1_000);
    scenario.old.crashes_after = None;
    scenario.to.replicas = scenario.to.replicas.max(1);
    scenario.new.ready_after = None;
    scenario.new.crashes_after = crashes_after;
    scenario
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_laws_hold_and_a_rollout_ends_whatever_goes_wrong(scenario in any_world()) {
        let (run, _) = scenario.run();
        prop_assert!(run.took < LONG, "{run:?}");
        match run.outcome {
            Outcome::Reached => prop_assert!(scenario.new.ready_after.is_some() || scenario.to.replicas == 0),
            Outcome::WentBack { .. } => {
                prop_assert!(scenario.old.ready_after.is_some() || scenario.from.replicas == 0);
            }
            Outcome::Stuck { .. } => {
                prop_assert!(!scenario.old.good(), "stuck, though the old version is good: {run:?}");
            }
        }
    }

    #[test]
    fn a_good_version_is_reached_whatever_is_wrong_with_the_old_one(mut scenario in fair_world()) {
        scenario.new.ready_after.get_or_insert(1_000);
        scenario.new.crashes_after = None;
        let (run, _) = scenario.run();
        prop_assert!(matches!(run.outcome, Outcome::Reached), "{run:?}");
    }

    #[test]
    fn a_version_that_is_never_ready_leaves_all_old_instances_serving(scenario in fair_world()) {
        let (run, _) = failing(scenario, None).run();
        let told = Some("503".to_owned());
        let expected = matches!(
            &run.outcome,
            Outcome::WentBack { failure: Failure::NoProgress { last, .. } } if *last == told
        );
        prop_assert!(expected, "{run:?}");
    }

    #[test]
    fn a_version_that_crashes_before_it_is_ready_leaves_all_old_instances_serving(scenario in fair_world()) {
        let scenario = failing(scenario, Some(300));
        let (run, _) = scenario.run();
        let Outcome::WentBack { failure: Failure::Crashed { version, times } } = &run.outcome else {
            return Err(TestCaseError::fail(format!("{run:?}")));
        };
        prop_assert_eq!(version, &scenario.to.version);
        prop_assert!(*times >= scenario.to.crash_limit);
    }
}
