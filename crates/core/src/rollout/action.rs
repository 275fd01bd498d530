//! What a rollout asks its driver to do.

use super::leaving;
use crate::stop::Signal;
use crate::{InstanceId, Version, drain};
use serde::{Deserialize, Serialize};

/// What a driver is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Start one more instance of a version.
    Start {
        /// Which.
        version: Version,
    },
    /// Tell the routers of these paths to pick the instance.
    Admit {
        /// The instance.
        instance: InstanceId,
        /// The paths.
        paths: Vec<String>,
    },
    /// Tell the routers of all its paths to stop picking the instance, which stays: it is not ready.
    Suspend {
        /// The instance.
        instance: InstanceId,
    },
    /// A step of the instance's drain.
    Drain {
        /// The instance.
        instance: InstanceId,
        /// The step.
        action: drain::Action,
    },
    /// Signal an instance that was left alone.
    Stop {
        /// The instance.
        instance: InstanceId,
        /// With what.
        signal: Signal,
    },
    /// The instance is gone and its end is noted: it need not be shown any more.
    Forget {
        /// The instance.
        instance: InstanceId,
    },
}

impl Action {
    /// A step of an instance's way out.
    pub(super) fn of(instance: &InstanceId, step: leaving::Action) -> Self {
        let instance = instance.clone();
        match step {
            leaving::Action::Drain(action) => Self::Drain { instance, action },
            leaving::Action::Stop(signal) => Self::Stop { instance, signal },
        }
    }
}
