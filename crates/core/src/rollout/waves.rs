//! The waves: which instance to admit, drain or start, so that never fewer serve than the floor, and never more exist
//! than replicas and surge allow.

use super::action::Action;
use super::leaving::Leaving;
use super::seen::{InstanceSeen, Seen};
use crate::judge::{Judge, Readiness};
use crate::path::{Direction, PathSeen};
use crate::{InstanceId, Next, Time, Version, Wait};
use std::collections::BTreeMap;

/// Those that are on their way out.
type Ways = BTreeMap<InstanceId, Leaving>;

/// The instances that are not leaving, counted once per step.
struct Fleet<'a> {
    /// Those that stay, with whether they serve.
    staying: Vec<(&'a InstanceId, &'a InstanceSeen, bool)>,
    /// All that exist, leaving ones included.
    total: u32,
}

impl<'a> Fleet<'a> {
    fn count(judge: &Judge, ways: &Ways, seen: &'a Seen) -> Self {
        let alive = || seen.instances.iter().filter(|(_, instance)| instance.drain.alive);
        let staying = alive().filter(|(id, _)| !ways.contains_key(*id));
        Fleet {
            staying: staying.map(|(id, instance)| (id, instance, judge.serves(id))).collect(),
            total: count(alive().count()),
        }
    }

    fn serving(&self) -> u32 {
        count(self.staying.iter().filter(|(_, _, serves)| *serves).count())
    }

    fn of(&self, version: &Version) -> u32 {
        count(self.staying.iter().filter(|(_, instance, _)| instance.version == *version).count())
    }
}

/// What would be lost with an instance: the least with one that says it is not ready, then with one that has not said
/// anything, then with one that is about to serve.
fn worth(instance: &InstanceSeen, serves: bool) -> u8 {
    match instance.readiness {
        Readiness::NotReady(Some(_)) => 0,
        Readiness::NotReady(None) => 1,
        Readiness::Ready => 2 + u8::from(serves),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn next(judge: &Judge, ways: &mut Ways, seen: &Seen, now: Time) -> Vec<Action> {
    // Who leaves is settled first: an instance must not be admitted and drained in one breath.
    let mut actions = leaves(judge, ways, seen, now);
    let fleet = Fleet::count(judge, ways, seen);
    actions.extend(joins(judge, &fleet));
    actions.extend(starts(judge, &fleet, now));
    actions
}

/// Ready instances are admitted; one that says it is not ready any more is suspended, unless it is the last (law 4).
fn joins(judge: &Judge, fleet: &Fleet<'_>) -> Vec<Action> {
    let others_serve = fleet.serving() > 0;
    let mut actions = Vec::new();
    for &(id, instance, _) in &fleet.staying {
        let plan = judge.plan_of(&instance.version);
        let took = |name: &str, way| PathSeen::took(instance.drain.path(name), way);
        let names = || plan.paths.iter().map(|path| path.name.clone());
        match instance.readiness {
            Readiness::Ready => {
                let paths: Vec<_> = names().filter(|name| !took(name, Direction::Join)).collect();
                if !paths.is_empty() {
                    actions.push(Action::Admit { instance: id.clone(), paths });
                }
            }
            Readiness::NotReady(None) => {}
            Readiness::NotReady(Some(_)) => {
                if others_serve && names().any(|name| !took(&name, Direction::Leave)) {
                    actions.push(Action::Suspend { instance: id.clone() });
                }
            }
        }
    }
    actions
}

/// Begins the drains that the floor allows: instances of another version, and those beyond the replicas.
fn leaves(judge: &Judge, ways: &mut Ways, seen: &Seen, now: Time) -> Vec<Action> {
    let goal = judge.goal();
    let fleet = Fleet::count(judge, ways, seen);
    let floor = goal.floor();
    let mut serving = fleet.serving();
    let mut excess = fleet.of(&goal.version).saturating_sub(goal.replicas);
    // Whether an instance that is not ready will be again is not known: until a replacement serves, it counts as
    // one that may.
    let wrong = |instance: &InstanceSeen| instance.version != goal.version;
    let may_serve = |instance: &InstanceSeen, serves: bool| serves || wrong(instance);
    let mut hopes =
        count(fleet.staying.iter().filter(|(_, instance, serves)| may_serve(instance, *serves)).count());
    // Those that cost least first.
    let mut staying = fleet.staying;
    staying.sort_by_key(|(_, instance, serves)| worth(instance, *serves));
    let mut actions = Vec::new();
    for (id, instance, serves) in staying {
        let wrong = wrong(instance);
        // Of another version than it heads for, and of the goal's: the rollout goes back from it.
        let never_served = instance.version == judge.aim().version && !judge.proven(id);
        let broken = matches!(instance.readiness, Readiness::NotReady(Some(_)));
        let allowed = match (serves, wrong) {
            (_, false) if excess == 0 => false,
            (true, _) => serving > floor,
            (false, false) => serving >= floor,
            (false, true) => serving >= floor || (broken && (hopes > floor || never_served)),
        };
        if !allowed {
            continue;
        }
        serving -= u32::from(serves);
        hopes = hopes.saturating_sub(u32::from(may_serve(instance, serves)));
        excess -= u32::from(!wrong);
        let plan = judge.plan_of(&instance.version).clone();
        let mut leaving = Leaving::begin(instance.version.clone(), plan, now);
        if let Next::Do(steps) = leaving.step(&instance.drain, instance.signalled, now) {
            actions.extend(steps.into_iter().map(|step| Action::of(id, step)));
        }
        ways.insert(id.clone(), leaving);
    }
    actions
}

/// Starts as many instances as are missing and have a place.
fn starts(judge: &Judge, fleet: &Fleet<'_>, now: Time) -> Vec<Action> {
    let goal = judge.goal();
    if judge.back_off(&goal.version, now).is_some() {
        return Vec::new();
    }
    let missing = goal.replicas.saturating_sub(fleet.of(&goal.version));
    let places = goal.most().saturating_sub(fleet.total);
    let start = Action::Start { version: goal.version.clone() };
    vec![start; missing.min(places) as usize]
}

/// What an instance that is yet to be started waits for.
pub(super) fn start_wait(judge: &Judge, ways: &Ways, seen: &Seen, now: Time) -> Option<Wait> {
    let goal = judge.goal();
    let missing = goal.replicas > Fleet::count(judge, ways, seen).of(&goal.version);
    judge.back_off(&goal.version, now).filter(|_| missing)
}
