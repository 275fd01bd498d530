//! Whether a rollout goes on, goes back, or is over.

use super::{Outcome, Rollout, Seen};
use crate::{Time, Version};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Why a rollout went back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "failure", rename_all = "kebab-case")]
pub enum Failure {
    /// The user asked for it.
    Aborted,
    /// Instances of the new version ended by themselves too often.
    Crashed {
        /// The version.
        version: Version,
        /// How often.
        times: u32,
    },
    /// Nothing came nearer to the goal for too long.
    NoProgress {
        /// For how long.
        #[serde(with = "crate::time::millis")]
        waited: Duration,
        /// What an instance that was not ready said last, if one did.
        last: Option<String>,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Aborted => write!(f, "aborted"),
            Failure::Crashed { version, times } => {
                write!(f, "instances of version {version} ended by themselves {times} times")
            }
            Failure::NoProgress { waited, last } => {
                write!(f, "no progress for {waited:?} (progressDeadline)")?;
                last.as_ref().map_or(Ok(()), |last| write!(f, "; last readiness answer: {last}"))
            }
        }
    }
}

impl Rollout {
    /// Decides to go back, once and for good.
    pub(super) fn judge(&mut self, seen: &Seen, now: Time) {
        let serving = self.serving_goal(seen);
        self.ledger.progress(serving, now);
        if self.back.is_some() || self.fallback.is_none() || self.converged(seen) {
            return;
        }
        if let Some(failure) = self.failed(seen, now) {
            self.back = Some(failure);
            self.ledger.restart_progress(now);
        }
    }

    fn failed(&self, seen: &Seen, now: Time) -> Option<Failure> {
        if seen.abort {
            return Some(Failure::Aborted);
        }
        let times = self.ledger.crashes(&self.goal.version);
        if times >= self.goal.crash_limit.max(1) {
            return Some(Failure::Crashed { version: self.goal.version.clone(), times });
        }
        self.stands_still(now).then(|| {
            let waited = now.since(self.ledger.last_progress());
            let not_ready = |instance: &super::InstanceSeen| match &instance.readiness {
                super::Readiness::NotReady(last) if instance.version == self.goal.version => last.clone(),
                _ => None,
            };
            Failure::NoProgress { waited, last: seen.instances.values().find_map(not_ready) }
        })
    }

    /// How many instances of the goal serve.
    fn serving_goal(&self, seen: &Seen) -> usize {
        let version = &self.goal().version;
        let right = seen.instances.iter().filter(|(_, instance)| instance.version == *version);
        right.filter(|(id, _)| self.serves(id)).count()
    }

    /// Whether every instance runs the goal, serves, and none is leaving.
    fn converged(&self, seen: &Seen) -> bool {
        let goal = self.goal();
        let right =
            |(id, instance): (_, &super::InstanceSeen)| instance.version == goal.version && self.serves(id);
        seen.instances.len() == goal.replicas as usize && seen.instances.iter().all(right)
    }

    pub(super) fn outcome(&self, seen: &Seen, now: Time) -> Option<Outcome> {
        let failure = self.back.clone();
        match (failure, self.converged(seen)) {
            (None, true) => Some(Outcome::Reached),
            (Some(failure), true) => Some(Outcome::WentBack { failure }),
            (Some(failure), false) if self.stands_still(now) => Some(Outcome::Stuck { failure }),
            (_, false) => None,
        }
    }

    /// When a rollout without progress goes back, or gives up going back; not while a drain is under way: that is no
    /// standstill, and it has a deadline of its own (law 6).
    pub(super) fn gives_up_at(&self) -> Option<Time> {
        let judged = self.fallback.is_some() && self.leaving.is_empty();
        judged.then(|| self.ledger.last_progress() + self.goal().progress_deadline)
    }

    fn stands_still(&self, now: Time) -> bool {
        self.gives_up_at().is_some_and(|at| at <= now)
    }
}
