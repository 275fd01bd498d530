//! What a rollout remembers of its instances: who joined, who ended by itself, who was drained, and the last progress.

use super::{Action, Drained, InstanceSeen, Readiness, Rollout, Seen};
use crate::path::{Direction, Path, Propagation, StageOver};
use crate::{InstanceId, Next, Time, Version, Wait, Why};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The wait before the first restart; it doubles with each crash in a row.
const BACK_OFF_FIRST: Duration = Duration::from_millis(250);
/// The longest wait before a restart.
const BACK_OFF_MOST: Duration = Duration::from_secs(30);
/// Serving for this long makes earlier crashes forgotten.
const STABLE_AFTER: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ledger {
    joins: BTreeMap<InstanceId, Join>,
    crashes: BTreeMap<Version, Crashes>,
    /// Instances whose end is noted and that the driver still shows.
    noted: BTreeSet<InstanceId>,
    drained: Vec<Drained>,
    progress: Progress,
}

/// One instance's joining.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Join {
    first_seen: Time,
    paths: BTreeMap<String, Propagation>,
    /// Since when it serves: ready, and the last client knows it.
    serving: Option<Time>,
    /// Whether it ever served.
    proven: bool,
}

/// When the rollout last came nearer to its goal, and how near it was. The two are not summed: an instance that
/// stopped serving must not hide that a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    last: Time,
    serving: usize,
    drained: usize,
}

impl Progress {
    fn begin(now: Time) -> Self {
        Self { last: now, serving: 0, drained: 0 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Crashes {
    in_a_row: u32,
    since_began: u32,
    last: Time,
}

impl Ledger {
    pub(super) fn begin(now: Time) -> Self {
        Self {
            joins: BTreeMap::new(),
            crashes: BTreeMap::new(),
            noted: BTreeSet::new(),
            drained: Vec::new(),
            progress: Progress::begin(now),
        }
    }

    /// The ledger of the next rollout: what is known of the instances stays, what was counted begins anew.
    pub(super) fn turn(mut self, now: Time) -> Self {
        self.drained.clear();
        self.progress = Progress::begin(now);
        for crashes in self.crashes.values_mut() {
            *crashes = Crashes { since_began: 0, in_a_row: 0, ..*crashes };
        }
        self
    }

    pub(super) fn joined(&self, instance: &InstanceId) -> bool {
        self.joins.get(instance).is_some_and(|join| join.serving.is_some())
    }

    pub(super) fn proven(&self, instance: &InstanceId) -> bool {
        self.joins.get(instance).is_some_and(|join| join.proven)
    }

    pub(super) fn drained(&self) -> &[Drained] {
        &self.drained
    }

    /// How many instances of a version ended by themselves since the rollout began.
    pub(super) fn crashes(&self, version: &Version) -> u32 {
        self.crashes.get(version).map_or(0, |crashes| crashes.since_began)
    }

    /// The wait before another instance of a version may be started, if it crashed.
    pub(super) fn back_off(&self, version: &Version, now: Time) -> Option<Wait> {
        let crashes = self.crashes.get(version).filter(|crashes| crashes.in_a_row > 0)?;
        let doubled = BACK_OFF_FIRST.saturating_mul(1 << (crashes.in_a_row - 1).min(16));
        let until = crashes.last + doubled.min(BACK_OFF_MOST);
        let why = Why::BackOff { crashes: crashes.in_a_row };
        (until > now).then_some(Wait { why, since: crashes.last, until: Some(until) })
    }

    /// Notes how many instances of the goal serve.
    pub(super) fn progress(&mut self, serving: usize, now: Time) {
        let drained = self.drained.len();
        if serving > self.progress.serving || drained > self.progress.drained {
            self.progress = Progress { last: now, serving, drained };
        }
    }

    /// When the rollout last came nearer to its goal.
    pub(super) fn last_progress(&self) -> Time {
        self.progress.last
    }

    /// Progress is measured anew, as the goal is another.
    pub(super) fn restart_progress(&mut self, now: Time) {
        self.progress = Progress::begin(now);
    }

    fn crashed(&mut self, version: &Version, now: Time) {
        let crashes = self.crashes.entry(version.clone()).or_default();
        crashes.in_a_row += 1;
        crashes.since_began += 1;
        crashes.last = now;
    }

    /// Follows an instance on its way to serving.
    fn follow(&mut self, id: &InstanceId, instance: &InstanceSeen, paths: &[Path], now: Time) {
        let fresh = || Join { first_seen: now, paths: BTreeMap::new(), serving: None, proven: false };
        let join = self.joins.entry(id.clone()).or_insert_with(fresh);
        let mut known = true;
        for path in paths {
            let change = join.paths.entry(path.name.clone()).or_default();
            let seen = instance.drain.path(&path.name);
            known &= change.observe(path, Direction::Join, seen, now).is_none();
        }
        let serves = known && instance.readiness == Readiness::Ready;
        join.serving = serves.then(|| join.serving.unwrap_or(now));
        join.proven |= serves;
        let stable = join.serving.is_some_and(|since| now.since(since) >= STABLE_AFTER);
        if let Some(crashes) = self.crashes.get_mut(&instance.version)
            && stable
            && join.first_seen >= crashes.last
        {
            crashes.in_a_row = 0;
        }
    }

    /// The stages of its paths by which an instance has joined.
    pub(super) fn stages(&self, id: &InstanceId, paths: &[Path]) -> Vec<StageOver> {
        let Some(join) = self.joins.get(id) else { return Vec::new() };
        let stages = |path: &Path| join.paths.get(&path.name).map(|change| change.stages(path));
        paths.iter().filter_map(stages).flatten().collect()
    }

    /// What an instance that is not leaving waits for.
    pub(super) fn wait_of(
        &self,
        id: &InstanceId,
        instance: &InstanceSeen,
        paths: &[Path],
        now: Time,
    ) -> Wait {
        let Some(join) = self.joins.get(id) else {
            return Wait { why: Why::Readiness { last: None }, since: now, until: None };
        };
        if let Readiness::NotReady(last) = &instance.readiness {
            return Wait { why: Why::Readiness { last: last.clone() }, since: join.first_seen, until: None };
        }
        let waits = paths.iter().filter_map(|path| {
            let mut change = join.paths.get(&path.name).cloned().unwrap_or_default();
            change.observe(path, Direction::Join, instance.drain.path(&path.name), now)
        });
        let steady = Wait { why: Why::Steady, since: join.serving.unwrap_or(now), until: None };
        waits.reduce(Wait::later).unwrap_or(steady)
    }
}

impl Rollout {
    /// Takes note of the picture, steps every drain, and answers what those ask for.
    pub(super) fn note(&mut self, seen: &Seen, now: Time) -> Vec<Action> {
        let mut actions = Vec::new();
        self.ledger.joins.retain(|id, _| seen.instances.contains_key(id));
        self.ledger.noted.retain(|id| seen.instances.contains_key(id));
        for (id, instance) in &seen.instances {
            if self.ledger.noted.contains(id) {
                actions.push(Action::Forget { instance: id.clone() });
            } else if let Some(leaving) = self.leaving.get_mut(id) {
                match leaving.step(&instance.drain, instance.signalled, now) {
                    Next::Wait(_) => {}
                    Next::Do(steps) => actions.extend(steps.into_iter().map(|step| Action::of(id, step))),
                    Next::Done(outcome) => {
                        let version = instance.version.clone();
                        self.ledger.drained.push(Drained { instance: id.clone(), version, outcome });
                        actions.push(self.end(id));
                    }
                }
            } else if instance.drain.alive {
                let paths = self.plan_of(&instance.version).paths.clone();
                self.ledger.follow(id, instance, &paths, now);
            } else {
                self.ledger.crashed(&instance.version, now);
                actions.push(self.end(id));
            }
        }
        self.vanished(seen, now);
        actions
    }

    fn end(&mut self, id: &InstanceId) -> Action {
        self.leaving.remove(id);
        self.ledger.joins.remove(id);
        self.ledger.noted.insert(id.clone());
        Action::Forget { instance: id.clone() }
    }

    /// A drain whose instance is not even shown any more has ended while the driver was away.
    fn vanished(&mut self, seen: &Seen, now: Time) {
        let shown = |id: &InstanceId| seen.instances.contains_key(id);
        let gone = self.leaving.extract_if(.., |id, _| !shown(id));
        for (instance, mut leaving) in gone {
            if let Next::Done(outcome) = leaving.step(&crate::drain::Seen::default(), None, now) {
                let version = leaving.version().clone();
                self.ledger.drained.push(Drained { instance, version, outcome });
            }
        }
    }
}
