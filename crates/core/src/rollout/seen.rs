//! What a rollout is shown.

use crate::judge::{Instance, Readiness};
use crate::stop::Signal;
use crate::{InstanceId, Version, drain};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was seen of the workload: every instance, always.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// All instances that the driver knows.
    pub instances: BTreeMap<InstanceId, InstanceSeen>,
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
    /// What a drain of it needs to know.
    pub drain: drain::Seen,
    /// The strongest signal that this driver knows to have been sent to it.
    #[serde(default)]
    pub signalled: Option<Signal>,
}

impl InstanceSeen {
    pub(super) fn judged(&self, leaving: bool) -> Instance<'_> {
        let drain::Seen { alive, ref paths, .. } = self.drain;
        Instance { version: &self.version, readiness: &self.readiness, alive, leaving, paths }
    }
}
