//! One look at all instances: what is judged.

use crate::path::PathSeen;
use crate::{InstanceId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// One instance, however it came to be.
#[derive(Debug, Clone, Copy)]
pub struct Instance<'a> {
    /// What it runs.
    pub version: &'a Version,
    /// Whether it says that it is ready.
    pub readiness: &'a Readiness,
    /// Whether it runs.
    pub alive: bool,
    /// Whether it is on its way out, by whoever's decision.
    pub leaving: bool,
    /// What was seen of each path.
    pub paths: &'a BTreeMap<String, PathSeen>,
}

/// All instances at one moment.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    /// Every instance that is known.
    pub instances: BTreeMap<&'a InstanceId, Instance<'a>>,
    /// How many have left since the rollout began.
    pub left: usize,
    /// Whether the user asked to go back.
    pub abort: bool,
}

impl<'a> Look<'a> {
    /// Those that run and are not on their way out.
    pub(super) fn staying(&self) -> impl Iterator<Item = (&'a InstanceId, Instance<'a>)> {
        let all = self.instances.iter().map(|(id, instance)| (*id, *instance));
        all.filter(|(_, instance)| instance.alive && !instance.leaving)
    }
}
