//! What a workload shall be.

use crate::{Version, drain};
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
