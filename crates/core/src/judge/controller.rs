//! A change that a controller makes, such as a Deployment's: it starts and takes instances by a count of its own. Whoever watches it
//! pauses it, lets it go on, or turns it back.
//!
//! The controller counts an instance as soon as that says that it is ready. Its clients may not know it yet. So while it counts
//! more than serve, and may take one of those that do, it is held.
//!
//! ```text
//!  Seen ─▶ note (who joined, crashed, left) ─▶ judge ─▶ Pause | Resume | Undo | wait | over
//! ```

use super::{Goal, Instance, Judge, Look, Outcome, Readiness};
use crate::path::PathSeen;
use crate::{InstanceId, Next, Time, Version, Wait, Why};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was seen of the workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Every instance that there is.
    pub instances: BTreeMap<InstanceId, InstanceSeen>,
    /// The controller.
    pub controller: Controller,
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
    /// Whether it runs.
    pub alive: bool,
    /// Whether it was told to go.
    pub leaving: bool,
    /// What was seen of each path.
    pub paths: BTreeMap<String, PathSeen>,
}

/// What the controller is asked for now, by whomever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// What its instances are to run.
    pub version: Version,
    /// How many of them.
    pub replicas: u32,
    /// By whom it was told to replace nothing for now, if it was.
    pub paused: Option<PausedBy>,
}

/// Who paused a controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PausedBy {
    /// Whoever watches it: the driver knows its own pause by a mark.
    Watcher,
    /// Somebody else, whose pause is left alone.
    SomebodyElse,
}

/// What a driver is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Let the controller replace nothing.
    Pause,
    /// Let it go on.
    Resume,
    /// Ask it for what ran before.
    Undo,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// As it was judged.
    Judged(Outcome),
    /// Somebody else asked the controller for another version.
    TakenOver {
        /// Which.
        version: Version,
    },
}

/// A change that a controller makes, watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    judge: Judge,
    /// Those on their way out, since when.
    leaving: BTreeMap<InstanceId, Time>,
    /// How many have left.
    left: usize,
}

impl Watched {
    /// Watches a change to `goal`, which goes back to `fallback` if it fails.
    pub fn begin(goal: Goal, fallback: Option<Goal>, now: Time) -> Self {
        Self { judge: Judge::begin(goal, fallback, now), leaving: BTreeMap::new(), left: 0 }
    }

    /// Goes on after nobody looked for a while.
    pub fn resume(&mut self, now: Time) {
        self.judge.resume(now);
    }

    /// What is known of the change.
    pub fn judge(&self) -> &Judge {
        &self.judge
    }

    /// What to do next.
    pub fn step(&mut self, seen: &Seen, now: Time) -> Next<Action, End> {
        self.judge.scale(seen.controller.replicas);
        self.note(seen, now);
        let look = look(seen, self.left);
        if seen.controller.paused == Some(PausedBy::SomebodyElse) {
            // Whoever paused it knows that nothing comes nearer.
            self.judge.resume(now);
        }
        self.judge.decide(&look, now);
        let end = self.end(seen, &look, now);
        match (end.is_none() && self.must_hold(&look), seen.controller.paused) {
            (true, None) => return Next::Do(vec![Action::Pause]),
            (false, Some(PausedBy::Watcher)) => return Next::Do(vec![Action::Resume]),
            _ => {}
        }
        if let Some(end) = end {
            return Next::Done(end);
        }
        if seen.controller.version != self.judge.goal().version {
            return Next::Do(vec![Action::Undo]);
        }
        Next::Wait(self.wait(&look, now))
    }

    /// What every instance waits for.
    pub fn waits(&self, seen: &Seen, now: Time) -> BTreeMap<InstanceId, Wait> {
        let look = look(seen, self.left);
        let wait = |id: &InstanceId| (id.clone(), self.wait_of(id, &look, now));
        look.instances.keys().map(|id| wait(id)).collect()
    }

    fn wait_of(&self, id: &InstanceId, look: &Look<'_>, now: Time) -> Wait {
        let leaves = self.leaving.get(id).map(|since| Wait { why: Why::Exit, since: *since, until: None });
        leaves.unwrap_or_else(|| self.judge.wait(id, look.instances[id], look, now))
    }

    fn note(&mut self, seen: &Seen, now: Time) {
        self.judge.retain(|id| seen.instances.contains_key(id));
        let before = self.leaving.len();
        self.leaving.retain(|id, _| seen.instances.get(id).is_some_and(|instance| instance.alive));
        self.left += before - self.leaving.len();
        for (id, instance) in &seen.instances {
            if self.judge.is_noted(id) {
                continue;
            }
            match (instance.leaving, instance.alive) {
                (true, true) => {
                    self.leaving.entry(id.clone()).or_insert(now);
                }
                (true, false) => self.judge.note_end(id),
                (false, _) => {
                    self.judge.note(id, instance.judged(), now);
                }
            }
        }
    }

    /// How it ended, if it has.
    fn end(&self, seen: &Seen, look: &Look<'_>, now: Time) -> Option<End> {
        let version = &seen.controller.version;
        let turns_back = self.judge.failure().is_some() && *version == self.judge.aim().version;
        if *version != self.judge.goal().version && !turns_back {
            return Some(End::TakenOver { version: version.clone() });
        }
        self.judge.outcome(look, now).map(End::Judged)
    }

    /// Whether the controller, which counts those that say that they are ready, may take more than the floor can spare.
    fn must_hold(&self, look: &Look<'_>) -> bool {
        let goal = self.judge.goal();
        let ready = || look.staying().filter(|(_, instance)| *instance.readiness == Readiness::Ready);
        let needed = self.judge.serving(look).max(goal.floor()) as usize;
        // It may serve although that was not seen yet.
        let may_go = |(_, instance): (&InstanceId, Instance<'_>)| *instance.version != goal.version;
        ready().count() > needed && ready().any(may_go)
    }

    fn wait(&self, look: &Look<'_>, now: Time) -> Wait {
        let waits = look.instances.keys().map(|id| self.wait_of(id, look, now));
        let wait = self.judge.soonest(waits, look);
        if wait.why != Why::Steady {
            return wait;
        }
        // All that are there are as asked: one is missing.
        let why = Why::Floor { serving: self.judge.serving(look), floor: self.judge.goal().replicas };
        Wait { why, ..wait }
    }
}

impl InstanceSeen {
    fn judged(&self) -> Instance<'_> {
        let Self { version, readiness, alive, leaving, paths } = self;
        Instance { version, readiness, alive: *alive, leaving: *leaving, paths }
    }
}

fn look(seen: &Seen, left: usize) -> Look<'_> {
    // One whose end is seen is no instance any more, for however long it is still shown.
    let living = seen.instances.iter().filter(|(_, instance)| instance.alive);
    let instances = living.map(|(id, instance)| (id, instance.judged())).collect();
    Look { instances, left, abort: seen.abort }
}
