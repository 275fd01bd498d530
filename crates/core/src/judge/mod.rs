//! Whether a change of a workload goes well, judged over instances that others start and stop: the waves of one machine
//! ([`crate::rollout`]), or a controller in a cluster ([`controller`]).
//!
//! ```text
//!  Look ─▶ joins (who serves) ─▶ crashes (who ended by itself) ─▶ progress ─▶ go on, go back, or over
//! ```
//! Nothing here starts, drains or stops an instance. Whoever does asks how many serve, how many must, and what for it is to wait.

pub mod controller;
mod crashes;
mod goal;
mod joins;
mod look;
mod progress;
mod verdict;

pub use goal::Goal;
pub use look::{Instance, Look, Readiness};
pub use verdict::{Failure, Outcome};

use crate::path::StageOver;
use crate::{InstanceId, Time, Version, Wait, Why, drain};
use crashes::Crashes;
use joins::Joins;
use progress::Progress;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is known of a change that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judge {
    goal: Goal,
    /// What to go back to; without it a rollout never goes back.
    fallback: Option<Goal>,
    began: Time,
    /// Why it goes back, once it does.
    back: Option<Failure>,
    ledger: Ledger,
}

/// What is remembered of the instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ledger {
    joins: Joins,
    crashes: Crashes,
    /// Instances whose end is noted and that are still shown.
    noted: BTreeSet<InstanceId>,
    progress: Progress,
}

impl Judge {
    /// A change to `goal` that begins now and goes back to `fallback` if it fails.
    pub fn begin(goal: Goal, fallback: Option<Goal>, now: Time) -> Self {
        let ledger = Ledger {
            joins: Joins::default(),
            crashes: Crashes::default(),
            noted: BTreeSet::new(),
            progress: Progress::begin(now),
        };
        Self { goal, fallback, began: now, back: None, ledger }
    }

    /// The next change: what is known of the instances stays, what was counted begins anew.
    #[must_use]
    pub fn turn(self, goal: Goal, fallback: Option<Goal>, now: Time) -> Self {
        let mut ledger = Ledger { progress: Progress::begin(now), ..self.ledger };
        ledger.crashes.turn();
        Self { goal, fallback, began: now, back: None, ledger }
    }

    /// Goes on after nobody looked for a while: that time is no lack of progress, and what was reached before must first be
    /// seen again.
    pub fn resume(&mut self, now: Time) {
        self.ledger.progress = Progress::begin(now);
    }

    /// So many instances are asked for now, by whomever.
    pub fn scale(&mut self, replicas: u32) {
        for goal in std::iter::once(&mut self.goal).chain(&mut self.fallback) {
            goal.replicas = replicas;
        }
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

    /// What it was to reach, also once it goes back.
    pub fn aim(&self) -> &Goal {
        &self.goal
    }

    /// Why it goes back, if it does.
    pub fn failure(&self) -> Option<&Failure> {
        self.back.as_ref()
    }

    /// Whether an instance that is not leaving takes requests and the last client knows of it.
    pub fn serves(&self, instance: &InstanceId) -> bool {
        self.ledger.joins.serves(instance)
    }

    /// Whether it ever served.
    pub fn proven(&self, instance: &InstanceId) -> bool {
        self.ledger.joins.proven(instance)
    }

    /// How many serve.
    pub fn serving(&self, look: &Look<'_>) -> u32 {
        let serving = look.staying().filter(|(id, _)| self.serves(id));
        u32::try_from(serving.count()).unwrap_or(u32::MAX)
    }

    /// The wait before another instance of a version may be started, if one ended by itself.
    pub fn back_off(&self, version: &Version, now: Time) -> Option<Wait> {
        self.ledger.crashes.back_off(version, now)
    }

    /// The drain plan of a version's instances: the goal's that they belong to, of two the one that is headed for.
    pub fn plan_of(&self, version: &Version) -> &drain::Plan {
        let goals = [Some(self.goal()), self.fallback.as_ref()];
        let theirs = goals.into_iter().flatten().find(|goal| goal.version == *version);
        &theirs.unwrap_or(&self.goal).drain
    }

    /// The stages of its paths by which an instance has joined.
    pub fn stages(&self, id: &InstanceId, version: &Version) -> Vec<StageOver> {
        self.ledger.joins.stages(id, &self.plan_of(version).paths)
    }

    /// Forgets whoever is not shown any more.
    pub fn retain(&mut self, shown: impl Fn(&InstanceId) -> bool) {
        self.ledger.joins.retain(&shown);
        self.ledger.noted.retain(shown);
    }

    /// Whether its end is noted, so that it need not be shown any more.
    pub fn is_noted(&self, id: &InstanceId) -> bool {
        self.ledger.noted.contains(id)
    }

    /// Takes note of an end that was expected.
    pub fn note_end(&mut self, id: &InstanceId) {
        self.ledger.joins.forget(id);
        self.ledger.noted.insert(id.clone());
    }

    /// Takes note of an instance that is not leaving; answers whether it has ended, by itself.
    pub fn note(&mut self, id: &InstanceId, instance: Instance<'_>, now: Time) -> bool {
        if !instance.alive {
            self.ledger.crashes.count(instance.version, now);
            self.note_end(id);
            return true;
        }
        let paths = self.plan_of(instance.version).paths.clone();
        let join = self.ledger.joins.follow(id, instance, &paths, now);
        self.ledger.crashes.outlived_by(instance.version, join, now);
        false
    }

    /// Decides to go back, once and for good. Every instance must have been taken note of.
    pub fn decide(&mut self, look: &Look<'_>, now: Time) {
        self.ledger.progress.note(self.serving_goal(look), look.left, now);
        if self.back.is_some() || self.fallback.is_none() || self.converged(look) {
            return;
        }
        if let Some(failure) = self.failed(look, now) {
            self.back = Some(failure);
            self.ledger.progress = Progress::begin(now);
        }
    }

    fn failed(&self, look: &Look<'_>, now: Time) -> Option<Failure> {
        if look.abort {
            return Some(Failure::Aborted);
        }
        let times = self.ledger.crashes.since_began(&self.goal.version);
        if times >= self.goal.crash_limit.max(1) {
            return Some(Failure::Crashed { version: self.goal.version.clone(), times });
        }
        self.stands_still(look, now).then(|| {
            let waited = now.since(self.last_progress());
            let not_ready = |instance: &Instance<'_>| match instance.readiness {
                Readiness::NotReady(last) if *instance.version == self.goal.version => last.clone(),
                _ => None,
            };
            Failure::NoProgress { waited, last: look.instances.values().find_map(not_ready) }
        })
    }

    /// How it ended, if it has.
    pub fn outcome(&self, look: &Look<'_>, now: Time) -> Option<Outcome> {
        let failure = self.back.clone();
        match (failure, self.converged(look)) {
            (None, true) => Some(Outcome::Reached),
            (Some(failure), true) => Some(Outcome::WentBack { failure }),
            (Some(failure), false) if self.stands_still(look, now) => Some(Outcome::Stuck { failure }),
            (_, false) => None,
        }
    }

    /// What an instance that is not leaving waits for.
    pub fn wait(&self, id: &InstanceId, instance: Instance<'_>, look: &Look<'_>, now: Time) -> Wait {
        let wait = self.ledger.joins.wait(id, instance, &self.plan_of(instance.version).paths, now);
        let goal = self.goal();
        let right = *instance.version == goal.version;
        if wait.why != Why::Steady {
            return if right { self.given_up_at_last(wait, look) } else { wait };
        }
        if right {
            return wait;
        }
        let why = Why::Floor { serving: self.serving(look), floor: goal.floor() };
        Wait { why, since: self.last_progress(), until: self.gives_up_at(look) }
    }

    /// What the change as a whole waits for; of several waits, the one whose end comes first.
    pub fn soonest(&self, waits: impl Iterator<Item = Wait>, look: &Look<'_>) -> Wait {
        // To wait for a replacement is to wait for what that waits for: of two waits with one end, the other tells more.
        let (floor, own): (Vec<_>, Vec<_>) = waits
            .filter(|wait| wait.why != Why::Steady)
            .partition(|wait| matches!(wait.why, Why::Floor { .. }));
        let steady = Wait { why: Why::Steady, since: self.last_progress(), until: None };
        self.given_up_at_last(own.into_iter().chain(floor).reduce(Wait::sooner).unwrap_or(steady), look)
    }

    /// Nothing is waited for any longer than the moment at which the rollout gives up.
    fn given_up_at_last(&self, wait: Wait, look: &Look<'_>) -> Wait {
        Wait { until: [wait.until, self.gives_up_at(look)].into_iter().flatten().min(), ..wait }
    }

    /// When the rollout last came nearer to its goal.
    fn last_progress(&self) -> Time {
        self.ledger.progress.last
    }

    /// How many instances of the goal serve.
    fn serving_goal(&self, look: &Look<'_>) -> usize {
        let version = &self.goal().version;
        look.staying().filter(|(id, instance)| instance.version == version && self.serves(id)).count()
    }

    /// Whether every instance runs the goal, serves, and none is leaving.
    fn converged(&self, look: &Look<'_>) -> bool {
        let goal = self.goal();
        let right = |(id, instance): (&&InstanceId, &Instance<'_>)| {
            *instance.version == goal.version && !instance.leaving && self.serves(id)
        };
        look.instances.len() == goal.replicas as usize && look.instances.iter().all(right)
    }

    /// When a rollout without progress goes back, or gives up going back; not while a drain is under way: that is no
    /// standstill, and it has a deadline of its own (law 6).
    fn gives_up_at(&self, look: &Look<'_>) -> Option<Time> {
        let leaving = look.instances.values().any(|instance| instance.leaving);
        let judged = self.fallback.is_some() && !leaving;
        judged.then(|| self.last_progress() + self.goal().progress_deadline)
    }

    fn stands_still(&self, look: &Look<'_>, now: Time) -> bool {
        self.gives_up_at(look).is_some_and(|at| at <= now)
    }
}
