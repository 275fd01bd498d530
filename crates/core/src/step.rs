//! The shape that every machine has: given what was seen and the time, what to do next.

use crate::{Time, Why};
use serde::{Deserialize, Serialize};

/// A machine's answer. Actions are idempotent: a driver that was killed after acting may be told the same again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<Action, Outcome> {
    /// Do these, observe, and step again.
    Do(Vec<Action>),
    /// Nothing to do until something changes or `until` comes.
    Wait(Wait),
    /// Nothing more to do at all.
    Done(Outcome),
}

/// One wait and all there is to say of it (law 3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// What is waited for.
    pub why: Why,
    /// Since when.
    pub since: Time,
    /// Until when at most; `None` where nothing bounds it.
    pub until: Option<Time>,
}

impl Wait {
    /// Of two waits, the one whose end comes first: the one to wake up for.
    #[must_use]
    pub fn sooner(self, other: Wait) -> Wait {
        match (self.until, other.until) {
            (Some(mine), Some(theirs)) if theirs < mine => other,
            (None, Some(_)) => other,
            _ => self,
        }
    }

    /// Of two waits that must both end, the one whose end comes last.
    #[must_use]
    pub fn later(self, other: Wait) -> Wait {
        match (self.until, other.until) {
            (Some(mine), Some(theirs)) if theirs > mine => other,
            (Some(_), None) => other,
            _ => self,
        }
    }
}
