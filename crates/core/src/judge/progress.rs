//! When a rollout last came nearer to its goal, and how near it was.

use crate::Time;
use serde::{Deserialize, Serialize};

/// The two numbers are not summed: an instance that stopped serving must not hide that a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) last: Time,
    serving: usize,
    drained: usize,
}

impl Progress {
    pub(super) fn begin(now: Time) -> Self {
        Self { last: now, serving: 0, drained: 0 }
    }

    /// Notes how many instances of the goal serve, and how many of any have left.
    pub(super) fn note(&mut self, serving: usize, drained: usize, now: Time) {
        if serving > self.serving || drained > self.drained {
            *self = Self { last: now, serving, drained };
        }
    }
}
