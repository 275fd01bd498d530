//! How a rollout fails, and how it ends.

use crate::Version;
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
