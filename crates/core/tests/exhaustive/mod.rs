//! What small worlds have in common: how each of their states is gone through, their time, and a goal.

pub mod ages;

use crate::cases::seconds;
use ages::{DEADLINE, GRACE, PROGRESS, TICK};
use segue_core::Version;
use segue_core::drain::Plan;
use segue_core::judge::Goal;
use segue_core::path::Path;
use stateright::{Checker, HasDiscoveries, Model};
use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

/// Goes through a world to its last state.
pub fn check<World>(name: &str, world: World)
where
    World: Model<
            State: Clone + Debug + Hash + PartialEq + Send + Sync,
            Action: Clone + Debug + PartialEq + Send + Sync,
        >,
    World: Send + Sync + 'static,
{
    let checker = world.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    for (law, path) in checker.discoveries() {
        if checker.model().property(law).expectation.discovery_is_failure() {
            let actions = path.clone().into_actions();
            panic!("{name}: {law}, after {actions:?}\n{:#?}", path.last_state());
        }
    }
    checker.assert_properties();
    println!("{name}: {} states, {} steps deep", checker.unique_state_count(), checker.max_depth());
}

/// A version in so many replicas, with surge and unavailable, behind one path.
pub fn goal(version: &str, (replicas, surge, unavailable): (u32, u32, u32), path: Path) -> Goal {
    Goal {
        version: Version::from(version),
        replicas,
        surge,
        unavailable,
        progress_deadline: seconds(PROGRESS * TICK),
        crash_limit: 1,
        drain: Plan {
            paths: vec![path],
            quiet: None,
            longest_request: None,
            linger: None,
            deadline: seconds(DEADLINE * TICK),
            stop_grace: seconds(GRACE * TICK),
        },
    }
}

/// States from which a fair world is known to come to its end.
#[derive(Debug, Default)]
pub struct Ending(Mutex<HashSet<u64>>);

impl Ending {
    /// Whether it comes to its end from this one; `next` is what happens in a fair world.
    pub fn is_met<State: Clone + Hash>(
        &self,
        state: &State,
        over: impl Fn(&State) -> bool,
        next: impl Fn(&State) -> Option<State>,
    ) -> bool {
        let mut trail = Vec::new();
        let mut state = state.clone();
        for _ in 0..400 {
            let mut hasher = DefaultHasher::new();
            state.hash(&mut hasher);
            let hash = hasher.finish();
            if over(&state) || self.0.lock().unwrap().contains(&hash) {
                self.0.lock().unwrap().extend(trail);
                return true;
            }
            trail.push(hash);
            state = next(&state).expect("something always happens");
        }
        false
    }
}
