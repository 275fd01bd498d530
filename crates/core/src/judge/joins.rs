//! Who has joined: an instance serves once it is ready and the last client knows of it.

use super::look::{Instance, Readiness};
use crate::path::{Direction, Path, Propagation, StageOver};
use crate::{InstanceId, Time, Wait, Why};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every instance that is on its way to serving, or serves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Joins(BTreeMap<InstanceId, Join>);

/// One instance's joining.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Join {
    pub(super) first_seen: Time,
    paths: BTreeMap<String, Propagation>,
    /// Since when it serves: ready, and the last client knows it.
    pub(super) serving: Option<Time>,
    /// Whether it ever served.
    proven: bool,
}

impl Joins {
    pub(super) fn serves(&self, instance: &InstanceId) -> bool {
        self.0.get(instance).is_some_and(|join| join.serving.is_some())
    }

    pub(super) fn proven(&self, instance: &InstanceId) -> bool {
        self.0.get(instance).is_some_and(|join| join.proven)
    }

    pub(super) fn forget(&mut self, instance: &InstanceId) {
        self.0.remove(instance);
    }

    pub(super) fn retain(&mut self, shown: impl Fn(&InstanceId) -> bool) {
        self.0.retain(|id, _| shown(id));
    }

    /// Follows an instance on its way to serving.
    pub(super) fn follow(
        &mut self,
        id: &InstanceId,
        instance: Instance<'_>,
        paths: &[Path],
        now: Time,
    ) -> &Join {
        let fresh = || Join { first_seen: now, paths: BTreeMap::new(), serving: None, proven: false };
        let join = self.0.entry(id.clone()).or_insert_with(fresh);
        let mut known = true;
        for path in paths {
            let change = join.paths.entry(path.name.clone()).or_default();
            let seen = instance.paths.get(&path.name);
            known &= change.observe(path, Direction::Join, seen, now).is_none();
        }
        let serves = known && *instance.readiness == Readiness::Ready;
        join.serving = serves.then(|| join.serving.unwrap_or(now));
        join.proven |= serves;
        join
    }

    /// The stages of its paths by which an instance has joined.
    pub(super) fn stages(&self, id: &InstanceId, paths: &[Path]) -> Vec<StageOver> {
        let Some(join) = self.0.get(id) else { return Vec::new() };
        let stages = |path: &Path| join.paths.get(&path.name).map(|change| change.stages(path));
        paths.iter().filter_map(stages).flatten().collect()
    }

    /// What an instance that is not leaving waits for.
    pub(super) fn wait(&self, id: &InstanceId, instance: Instance<'_>, paths: &[Path], now: Time) -> Wait {
        let Some(join) = self.0.get(id) else {
            return Wait { why: Why::Readiness { last: None }, since: now, until: None };
        };
        if let Readiness::NotReady(last) = instance.readiness {
            return Wait { why: Why::Readiness { last: last.clone() }, since: join.first_seen, until: None };
        }
        let waits = paths.iter().filter_map(|path| {
            let mut change = join.paths.get(&path.name).cloned().unwrap_or_default();
            change.observe(path, Direction::Join, instance.paths.get(&path.name), now)
        });
        let steady = Wait { why: Why::Steady, since: join.serving.unwrap_or(now), until: None };
        waits.reduce(Wait::later).unwrap_or(steady)
    }
}
