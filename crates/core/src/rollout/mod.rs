//! Instances replaced in waves: start, join, drain, until all run the goal.
//!
//! One machine serves every change of a workload: a first start and a restart after a crash (nothing to replace), a
//! deploy, going back (the same rollout with the old goal), scale-in and the end (a goal of fewer replicas, or none).
//! So there is one way out: each instance that leaves does it by a [`Drain`].
//!
//! Each step reads as its pipeline, one module each:
//!
//! ```text
//!  Seen ─▶ ledger (who crashed, who joined) ─▶ verdict (go on, or go back?) ─▶ waves (drain, admit, start) ─▶ Next
//! ```

pub mod leaving;
mod ledger;
mod verdict;
mod waves;

use crate::drain;
use crate::path::{Millis, Path, StageOver};
use crate::stop::Signal;
use crate::{InstanceId, Next, Time, Version, Wait, Why};
pub use leaving::Leaving;
use ledger::Ledger;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
pub use verdict::Failure;

/// What a workload shall be: a version, how many of it, and by which rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// What the instances run.
    pub version: Version,
    /// How many of them serve.
    pub replicas: u32,
    /// How many instances there may be beyond `replicas`, those that drain included.
    pub surge: u32,
    /// How many fewer than `replicas` may serve.
    pub unavailable: u32,
    /// How long a rollout to this goal may go without progress before it goes back.
    #[serde(with = "crate::time::millis")]
    pub progress_deadline: Duration,
    /// How many instances of this goal may end by themselves before a rollout to it goes back.
    pub crash_limit: u32,
    /// The drain of this version's instances; its paths are also what they join.
    pub drain: drain::Plan,
}

impl Goal {
    /// How many instances must be serving at any moment.
    pub fn floor(&self) -> u32 {
        self.replicas.saturating_sub(self.unavailable)
    }

    /// How many instances there may be.
    pub fn most(&self) -> u32 {
        self.replicas + self.surge
    }
}

/// What was seen of the workload: every instance, always.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// All instances that the driver knows.
    pub instances: BTreeMap<InstanceId, InstanceSeen>,
    /// Whether the user asked to go back.
    pub abort: bool,
}

/// What was seen of one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSeen {
    /// What it runs.
    pub version: Version,
    /// Whether it says that it is ready.
    pub readiness: Readiness,
    /// What a drain of it needs to know.
    pub drain: drain::Seen,
    /// The strongest signal that this driver knows to have been sent to it.
    #[serde(default)]
    pub signalled: Option<Signal>,
}

/// What an instance says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// It is ready.
    Ready,
    /// It is not, for the reason that its check gave last. `None` only as long as no check of it has answered, as after
    /// its start or after its driver's: on that ignorance nothing is taken from it (law 4).
    NotReady(Option<String>),
}

/// What a driver is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Start one more instance of a version.
    Start {
        /// Which.
        version: Version,
    },
    /// Tell the routers of these paths to pick the instance.
    Admit {
        /// The instance.
        instance: InstanceId,
        /// The paths.
        paths: Vec<String>,
    },
    /// Tell the routers of all its paths to stop picking the instance, which stays: it is not ready.
    Suspend {
        /// The instance.
        instance: InstanceId,
    },
    /// A step of the instance's drain.
    Drain {
        /// The instance.
        instance: InstanceId,
        /// The step.
        action: drain::Action,
    },
    /// Signal an instance that was left alone.
    Stop {
        /// The instance.
        instance: InstanceId,
        /// With what.
        signal: Signal,
    },
    /// The instance is gone and its end is noted: it need not be shown any more.
    Forget {
        /// The instance.
        instance: InstanceId,
    },
}

impl Action {
    /// A step of an instance's way out.
    fn of(instance: &InstanceId, step: leaving::Action) -> Self {
        let instance = instance.clone();
        match step {
            leaving::Action::Drain(action) => Self::Drain { instance, action },
            leaving::Action::Stop(signal) => Self::Stop { instance, signal },
        }
    }
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "kebab-case")]
pub enum Outcome {
    /// Every instance runs the goal.
    Reached,
    /// It went back, and every instance runs what ran before.
    WentBack {
        /// Why.
        failure: Failure,
    },
    /// It went back, and going back made no progress either: what serves goes on serving.
    Stuck {
        /// Why it went back.
        failure: Failure,
    },
}

/// Instances replaced in waves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    goal: Goal,
    /// What to go back to; without it a rollout never goes back.
    fallback: Option<Goal>,
    began: Time,
    /// Why it goes back, once it does.
    back: Option<Failure>,
    leaving: BTreeMap<InstanceId, Leaving>,
    ledger: Ledger,
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
        Self { goal, fallback, began: now, back: None, leaving: BTreeMap::new(), ledger: Ledger::begin(now) }
    }

    /// Turns to another goal, with the drains that are under way and what is known of the instances.
    #[must_use]
    pub fn turn(self, goal: Goal, fallback: Option<Goal>, now: Time) -> Self {
        Self { goal, fallback, began: now, back: None, leaving: self.leaving, ledger: self.ledger.turn(now) }
    }

    /// Goes on after its driver was away: nobody looked meanwhile, so that time is no lack of progress, and what was
    /// reached before must first be seen again.
    pub fn resume(&mut self, now: Time) {
        self.ledger.restart_progress(now);
    }

    /// When it began.
    pub fn began(&self) -> Time {
        self.began
    }

    /// What it is heading for now: the fallback once it goes back.
    pub fn goal(&self) -> &Goal {
        match (&self.back, &self.fallback) {
            (Some(_), Some(fallback)) => fallback,
            _ => &self.goal,
        }
    }

    /// Why it goes back, if it does.
    pub fn failure(&self) -> Option<&Failure> {
        self.back.as_ref()
    }

    /// An instance's way out, if it is leaving.
    pub fn leaving(&self, instance: &InstanceId) -> Option<&Leaving> {
        self.leaving.get(instance)
    }

    /// The stages of its paths by which an instance has joined, or left where it is leaving, and what ended each.
    pub fn stages(&self, id: &InstanceId, version: &Version) -> Vec<StageOver> {
        let joined = || self.ledger.stages(id, &self.plan_of(version).paths);
        self.leaving(id).map_or_else(joined, |leaving| leaving.drain().stages())
    }

    /// How every drain that has ended did so, in order.
    pub fn drained(&self) -> &[Drained] {
        self.ledger.drained()
    }

    /// Whether the instance takes requests and the last client knows of it.
    pub fn serves(&self, instance: &InstanceId) -> bool {
        !self.leaving.contains_key(instance) && self.ledger.joined(instance)
    }

    /// What to do next.
    pub fn step(&mut self, seen: &Seen, now: Time) -> Next<Action, Outcome> {
        let mut actions = self.note(seen, now);
        self.judge(seen, now);
        actions.extend(self.waves(seen, now));
        if !actions.is_empty() {
            return Next::Do(actions);
        }
        match self.outcome(seen, now) {
            Some(outcome) => Next::Done(outcome),
            None => Next::Wait(self.wait(seen, now)),
        }
    }

    /// What every instance waits for, for whoever shows it: the same values that the rules wait by (law 3).
    pub fn waits(&self, seen: &Seen, now: Time) -> BTreeMap<InstanceId, Wait> {
        seen.instances
            .iter()
            .map(|(id, instance)| (id.clone(), self.wait_of(id, instance, seen, now)))
            .collect()
    }

    /// What the rollout as a whole waits for; of several things, the one whose end comes first.
    fn wait(&self, seen: &Seen, now: Time) -> Wait {
        let theirs = self.waits(seen, now).into_values().filter(|wait| wait.why != Why::Steady);
        // To wait for a replacement is to wait for what that waits for: of two waits with one end, the other tells more.
        let (floor, own): (Vec<_>, Vec<_>) = theirs.partition(|wait| matches!(wait.why, Why::Floor { .. }));
        let steady = Wait { why: Why::Steady, since: self.ledger.last_progress(), until: None };
        let all = own.into_iter().chain(self.start_wait(seen, now)).chain(floor);
        self.given_up_at_last(all.reduce(Wait::sooner).unwrap_or(steady))
    }

    /// Nothing is waited for any longer than the moment at which the rollout gives up.
    fn given_up_at_last(&self, wait: Wait) -> Wait {
        Wait { until: [wait.until, self.gives_up_at()].into_iter().flatten().min(), ..wait }
    }

    fn wait_of(&self, id: &InstanceId, instance: &InstanceSeen, seen: &Seen, now: Time) -> Wait {
        if let Some(leaving) = self.leaving.get(id) {
            return leaving.wait(&instance.drain, instance.signalled, now);
        }
        let paths = &self.plan_of(&instance.version).paths;
        let wait = self.ledger.wait_of(id, instance, paths, now);
        if wait.why == Why::Steady {
            return self.replacement_wait(instance, seen).unwrap_or(wait);
        }
        if instance.version == self.goal().version { self.given_up_at_last(wait) } else { wait }
    }

    /// The drain plan of a version's instances: the goal's that they belong to, of two the one that is headed for.
    fn plan_of(&self, version: &Version) -> &drain::Plan {
        let goals = [Some(self.goal()), self.fallback.as_ref()];
        let theirs = goals.into_iter().flatten().find(|goal| goal.version == *version);
        &theirs.unwrap_or(&self.goal).drain
    }
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
