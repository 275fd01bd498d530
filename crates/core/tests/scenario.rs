//! Random worlds and goals.

use crate::world::instance::Behaviour;
use crate::world::oracle::Oracle;
use crate::world::{Faults, Run, World};
use proptest::option;
use proptest::prelude::*;
use segue_core::Version;
use segue_core::drain::Plan;
use segue_core::judge::Goal;
use segue_core::path::{Bounds, Millis, Path, Stage};
use segue_core::rollout::Rollout;
use std::collections::BTreeMap;
use std::time::Duration;

/// A deploy from one goal to another in a world.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub from: Goal,
    pub to: Goal,
    pub old: Behaviour,
    pub new: Behaviour,
    pub faults: Faults,
    /// From the beginning, if the user aborts.
    pub abort_after: Option<u64>,
    /// Whether the same machine ran the old goal before, and so knows its instances.
    pub knows: bool,
    pub seed: u64,
}

impl Scenario {
    /// Runs it under the oracle's eyes.
    pub fn run(&self) -> (Run, World) {
        let behaviours =
            [(self.from.version.clone(), self.old.clone()), (self.to.version.clone(), self.new.clone())];
        let paths = self.to.drain.paths.clone();
        let world = World::new(BTreeMap::from(behaviours), paths, self.faults.clone(), self.seed);
        let mut world = world.with(&self.from.version, self.from.replicas);
        let (to, from) = (self.to.clone(), Some(self.from.clone()));
        let mut machine = if self.knows {
            let mut steady = Rollout::begin(self.from.clone(), None, world.time());
            let _ = steady.step(&world.seen(), world.time());
            world.now += 1;
            steady.turn(to.clone(), from.clone(), world.time())
        } else {
            Rollout::begin(to.clone(), from.clone(), world.time())
        };
        world.faults.until += world.now;
        world.abort_at = self.abort_after.map(|after| world.now + after);
        let run = world.run(&mut machine, &mut Oracle::new(to, from));
        (run, world)
    }
}

fn bounds() -> impl Strategy<Value = Bounds> {
    option::weighted(0.8, 0..6_000_u64)
        .prop_map(|max| Bounds { max: max.map(|max| Millis(Duration::from_millis(max))) })
}

fn stage() -> impl Strategy<Value = Stage> {
    (bounds(), bounds()).prop_map(|(join, leave)| Stage {
        name: String::new(),
        join,
        leave,
        source: "a test".to_owned(),
        evidence: Some("the test says so".to_owned()),
        setting: "cache.refresh".to_owned(),
    })
}

fn paths() -> impl Strategy<Value = Vec<Path>> {
    let stages = prop::collection::vec(stage(), 0..=3);
    prop::collection::vec(stages, 0..=2).prop_map(|paths| {
        let stage = |(index, stage)| Stage { name: format!("cache-{index}"), ..stage };
        let stages = |stages: Vec<Stage>| stages.into_iter().enumerate().map(stage).collect();
        let named = |(index, all)| Path { name: format!("path-{index}"), stages: stages(all) };
        paths.into_iter().enumerate().map(named).collect()
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    (paths(), option::of(100..3_000_u64), 0..40_000_u64, 0..8_000_u64).prop_map(
        |(paths, quiet, deadline, grace)| Plan {
            paths,
            quiet: quiet.map(|quiet| Millis(Duration::from_millis(quiet))),
            longest_request: None,
            linger: None,
            deadline: Duration::from_millis(deadline),
            stop_grace: Duration::from_millis(grace),
        },
    )
}

/// Replicas, surge and unavailable, the last two not both 0.
fn numbers() -> impl Strategy<Value = (u32, u32, u32)> {
    (0..=5_u32, 0..=3_u32, 0..=3_u32)
        .prop_filter("nothing could ever move", |(_, surge, unavailable)| surge + unavailable > 0)
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    let ready = option::weighted(0.9, 0..4_000_u64);
    let crashes = option::weighted(0.15, 0..8_000_u64);
    let stops = option::weighted(0.8, 0..10_000_u64);
    let longest = prop_oneof![4 => 1..3_000_u64, 1 => 1..60_000_u64];
    (ready, crashes, stops, longest).prop_map(|(ready_after, crashes_after, stops_in, longest_request)| {
        Behaviour { ready_after, crashes_after, stops_in, longest_request }
    })
}

fn faults() -> impl Strategy<Value = Faults> {
    let percent = || prop_oneof![2 => Just(0_u64), 1 => 1..6_u64];
    let delay = prop_oneof![1 => Just(0_u64), 1 => 1..2_000_u64];
    (0..90_000_u64, percent(), percent(), percent(), any::<bool>(), delay).prop_map(
        |(until, crash, falter, restart, pool_dies, router_delay)| Faults {
            until,
            crash,
            falter,
            restart,
            pool_dies,
            router_delay,
        },
    )
}

/// Any deploy in any world.
pub fn any_world() -> impl Strategy<Value = Scenario> {
    let worlds = (behaviour(), behaviour(), faults(), option::weighted(0.3, 0..60_000_u64), any::<bool>());
    (plan(), numbers(), numbers(), 1..5_u32, worlds, any::<u64>()).prop_map(
        |(drain, old, new, crash_limit, (old_ones, new_ones, faults, abort_after, knows), seed)| {
            let goal = |version, (replicas, surge, unavailable)| Goal {
                version: Version::from(version),
                replicas,
                surge,
                unavailable,
                progress_deadline: Duration::from_mins(2),
                crash_limit,
                drain: drain.clone(),
            };
            let (from, to) = (goal("v1", old), goal("v2", new));
            Scenario { from, to, old: old_ones, new: new_ones, faults, abort_after, knows, seed }
        },
    )
}

/// A world where nothing goes wrong by itself: what goes wrong is the versions' own.
pub fn fair_world() -> impl Strategy<Value = Scenario> {
    any_world().prop_map(|scenario| Scenario {
        faults: Faults { until: 0, ..scenario.faults },
        abort_after: None,
        ..scenario
    })
}
