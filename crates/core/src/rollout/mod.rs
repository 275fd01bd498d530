//! Instances replaced in waves: start, join, drain, until all run the goal.
//!
//! One machine serves every change of a workload: a first start and a restart after a crash (nothing to replace), a
//! deploy, going back (the same rollout with the old goal), scale-in and the end (a goal of fewer replicas, or none).
//! So there is one way out: each instance that leaves does it by a [`Drain`](drain::Drain).
//!
//! Each step reads as its pipeline:
//!
//! ```text
//!  Seen ─▶ note (drains step) ─▶ judge (who serves; go on, or go back?) ─▶ waves (drain, admit, start) ─▶ Next
//! ```

mod action;
pub mod leaving;
mod seen;
mod waves;

use crate::judge::{Failure, Goal, Judge, Look, Outcome};
use crate::path::{Millis, Path, StageOver};
use crate::{InstanceId, Next, Time, Version, Wait, drain};
pub use action::Action;
pub use leaving::Leaving;
pub use seen::{InstanceSeen, Seen};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Instances replaced in waves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    #[serde(flatten)]
    judge: Judge,
    leaving: BTreeMap<InstanceId, Leaving>,
    #[serde(default)]
    drained: Vec<Drained>,
}

/// A drain that has ended, for whoever tells the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// The instance.
    pub instance: InstanceId,
    /// What it ran.
    pub version: Version,
    /// How it left.
    pub outcome: leaving::Outcome,
}

impl Rollout {
    /// A rollout to `goal` that begins now and goes back to `fallback` if it fails.
    pub fn begin(goal: Goal, fallback: Option<Goal>, now: Time) -> Self {
        let judge = Judge::begin(goal, fallback, now);
        Self { judge, leaving: BTreeMap::new(), drained: Vec::new() }
    }

    /// Turns to another goal, with the drains that are under way and what is known of the instances.
    #[must_use]
    pub fn turn(self, goal: Goal, fallback: Option<Goal>, now: Time) -> Self {
        let judge = self.judge.turn(goal, fallback, now);
        Self { judge, leaving: self.leaving, drained: Vec::new() }
    }

    /// Goes on after its driver was away: nobody looked meanwhile, so that time is no lack of progress, and what was
    /// reached before must first be seen again.
    pub fn resume(&mut self, now: Time) {
        self.judge.resume(now);
    }

    /// When it began.
    pub fn began(&self) -> Time {
        self.judge.began()
    }

    /// What it is heading for now: the fallback once it goes back.
    pub fn goal(&self) -> &Goal {
        self.judge.goal()
    }

    /// Why it goes back, if it does.
    pub fn failure(&self) -> Option<&Failure> {
        self.judge.failure()
    }

    /// An instance's way out, if it is leaving.
    pub fn leaving(&self, instance: &InstanceId) -> Option<&Leaving> {
        self.leaving.get(instance)
    }

    /// The stages of its paths by which an instance has joined, or left where it is leaving, and what ended each.
    pub fn stages(&self, id: &InstanceId, version: &Version) -> Vec<StageOver> {
        let joined = || self.judge.stages(id, version);
        self.leaving(id).map_or_else(joined, |leaving| leaving.drain().stages())
    }

    /// How every drain that has ended did so, in order.
    pub fn drained(&self) -> &[Drained] {
        &self.drained
    }

    /// Whether the instance takes requests and the last client knows of it.
    pub fn serves(&self, instance: &InstanceId) -> bool {
        !self.leaving.contains_key(instance) && self.judge.serves(instance)
    }

    /// What to do next.
    pub fn step(&mut self, seen: &Seen, now: Time) -> Next<Action, Outcome> {
        let mut actions = self.note(seen, now);
        self.judge.decide(&look(seen, &self.leaving, self.drained.len()), now);
        actions.extend(waves::next(&self.judge, &mut self.leaving, seen, now));
        let look = look(seen, &self.leaving, self.drained.len());
        match self.judge.outcome(&look, now) {
            // A router that never takes what it is told would keep it busy for ever.
            Some(stuck @ Outcome::Stuck { .. }) => Next::Done(stuck),
            _ if !actions.is_empty() => Next::Do(actions),
            Some(outcome) => Next::Done(outcome),
            None => Next::Wait(self.wait(seen, &look, now)),
        }
    }

    /// What every instance waits for, for whoever shows it: the same values that the rules wait by (law 3).
    pub fn waits(&self, seen: &Seen, now: Time) -> BTreeMap<InstanceId, Wait> {
        let look = look(seen, &self.leaving, self.drained.len());
        let wait = |(id, instance)| (InstanceId::clone(id), self.wait_of(id, instance, &look, now));
        seen.instances.iter().map(wait).collect()
    }

    fn wait_of(&self, id: &InstanceId, instance: &InstanceSeen, look: &Look<'_>, now: Time) -> Wait {
        match self.leaving.get(id) {
            Some(leaving) => leaving.wait(&instance.drain, instance.signalled, now),
            None => self.judge.wait(id, look.instances[id], look, now),
        }
    }

    /// What the rollout as a whole waits for; of several things, the one whose end comes first.
    fn wait(&self, seen: &Seen, look: &Look<'_>, now: Time) -> Wait {
        let theirs = seen.instances.iter().map(|(id, instance)| self.wait_of(id, instance, look, now));
        let start = waves::start_wait(&self.judge, &self.leaving, seen, now);
        self.judge.soonest(theirs.chain(start), look)
    }

    /// Takes note of the picture, steps every drain, and answers what those ask for.
    fn note(&mut self, seen: &Seen, now: Time) -> Vec<Action> {
        let mut actions = Vec::new();
        self.judge.retain(|id| seen.instances.contains_key(id));
        for (id, instance) in &seen.instances {
            let forget = Action::Forget { instance: id.clone() };
            if self.judge.is_noted(id) {
                actions.push(forget);
            } else if let Some(leaving) = self.leaving.get_mut(id) {
                match leaving.step(&instance.drain, instance.signalled, now) {
                    Next::Wait(_) => {}
                    Next::Do(steps) => actions.extend(steps.into_iter().map(|step| Action::of(id, step))),
                    Next::Done(outcome) => {
                        let version = instance.version.clone();
                        self.drained.push(Drained { instance: id.clone(), version, outcome });
                        self.leaving.remove(id);
                        self.judge.note_end(id);
                        actions.push(forget);
                    }
                }
            } else if self.judge.note(id, instance.judged(false), now) {
                actions.push(forget);
            }
        }
        self.vanished(seen, now);
        actions
    }

    /// A drain whose instance is not even shown any more has ended while the driver was away.
    fn vanished(&mut self, seen: &Seen, now: Time) {
        let shown = |id: &InstanceId| seen.instances.contains_key(id);
        for (instance, mut leaving) in self.leaving.extract_if(.., |id, _| !shown(id)) {
            if let Next::Done(outcome) = leaving.step(&drain::Seen::default(), None, now) {
                let version = leaving.version().clone();
                self.drained.push(Drained { instance, version, outcome });
            }
        }
    }
}

/// What the judge is shown.
fn look<'a>(seen: &'a Seen, leaving: &BTreeMap<InstanceId, Leaving>, left: usize) -> Look<'a> {
    let judged =
        |(id, instance): (&'a InstanceId, &'a InstanceSeen)| (id, instance.judged(leaving.contains_key(id)));
    Look { instances: seen.instances.iter().map(judged).collect(), left, abort: seen.abort }
}

/// A bound on how long a rollout takes: waves × (start + ready + join), each wave's drain holding its places.
pub fn bound(goal: &Goal, start_and_ready: Duration, drain: Duration) -> Option<Millis> {
    let wave = goal.surge.max(goal.unavailable);
    (wave > 0).then(|| {
        let join = |path: &Path| path.bound(crate::path::Direction::Join).unwrap_or_default();
        let join = goal.drain.paths.iter().map(join).max().unwrap_or_default();
        Millis(goal.replicas.div_ceil(wave) * (start_and_ready + join + drain))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Readiness;

    #[test]
    fn a_router_that_never_takes_what_it_is_told_holds_no_rollout_up_for_ever() {
        let at = |second: u64| Time::from_millis(second * 1000);
        let routed = |version| {
            let mut goal = goal(version);
            goal.drain.paths = vec![Path::atomic("proxy")];
            goal
        };
        let mut rollout = Rollout::begin(routed("v2"), Some(routed("v1")), at(0));
        let old = InstanceSeen {
            version: "v1".into(),
            readiness: Readiness::Ready,
            drain: drain::Seen { alive: true, ..drain::Seen::default() },
            signalled: None,
        };
        let seen = Seen { instances: BTreeMap::from([("web-1".into(), old)]), abort: true };
        let admit = Action::Admit { instance: "web-1".into(), paths: vec!["proxy".to_owned()] };
        for second in 0..10 {
            assert_eq!(rollout.step(&seen, at(second)), Next::Do(vec![admit.clone()]), "{second}");
        }
        assert_eq!(rollout.step(&seen, at(10)), Next::Done(Outcome::Stuck { failure: Failure::Aborted }));
    }

    #[test]
    fn what_was_written_before_the_judge_stood_by_itself_is_read() {
        let began = Rollout::begin(goal("v2"), Some(goal("v1")), Time::from_millis(5));
        let mut before = serde_json::to_value(&began).unwrap();
        before.as_object_mut().unwrap().remove("drained");
        before["ledger"]["drained"] = serde_json::json!([]);
        assert_eq!(serde_json::from_value::<Rollout>(before).unwrap(), began);
    }

    fn goal(version: &str) -> Goal {
        let second = Duration::from_secs(1);
        Goal {
            version: version.into(),
            replicas: 1,
            surge: 1,
            unavailable: 0,
            progress_deadline: 10 * second,
            crash_limit: 3,
            drain: drain::Plan {
                paths: Vec::new(),
                quiet: None,
                longest_request: None,
                linger: None,
                deadline: second,
                stop_grace: second,
            },
        }
    }

    #[test]
    fn the_time_that_the_driver_was_away_is_no_lack_of_progress() {
        let at = |second: u64| Time::from_millis(second * 1000);
        let begin = || Rollout::begin(goal("v2"), Some(goal("v1")), at(0));
        let old = InstanceSeen {
            version: "v1".into(),
            readiness: Readiness::NotReady(None),
            drain: drain::Seen { alive: true, ..drain::Seen::default() },
            signalled: None,
        };
        let seen = Seen { instances: BTreeMap::from([("web-1".into(), old)]), abort: false };

        let mut looked_on = begin();
        looked_on.step(&seen, at(3600));
        assert!(looked_on.failure().is_some());

        let mut away = begin();
        away.resume(at(3600));
        away.step(&seen, at(3609));
        assert_eq!(away.failure(), None);
        away.step(&seen, at(3611));
        assert!(away.failure().is_some(), "its deadline counts from then on");
    }
}
