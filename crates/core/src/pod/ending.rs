//! The last of a pod: its agent was told to end, so the way out is final, and registries are told to drop the pod.
//!
//! Not sooner: a pod whose application is only restarted stays registered, and a registry's own heartbeat would undo it.
//! It goes on beside a drain that is under way, and has a small deadline of its own: what a registry does not drop by then,
//! it drops by its own lease.

use crate::path::Path;
use crate::{Time, Wait, Why};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long registries have to drop the pod. The kubelet gives a sidecar two seconds at least, and more where the grace
/// period is not used up.
pub const DEADLINE: Duration = Duration::from_secs(5);

/// An end under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ending {
    since: Time,
}

impl Ending {
    /// One that begins now.
    pub(super) fn begin(now: Time) -> Self {
        Self { since: now }
    }

    /// What it waits for; `None` once every registry has dropped the pod, or the deadline has come.
    pub(super) fn wait(&self, paths: &[Path], gone: &BTreeSet<String>, now: Time) -> Option<Wait> {
        let (paths, until) = (left(paths, gone), self.since + DEADLINE);
        (!paths.is_empty() && now < until).then_some(Wait {
            why: Why::Registered { paths },
            since: self.since,
            until: Some(until),
        })
    }
}

/// The paths that a registry still has: those to deregister when it begins.
pub(super) fn left(paths: &[Path], gone: &BTreeSet<String>) -> Vec<String> {
    paths.iter().map(|path| path.name.clone()).filter(|name| !gone.contains(name)).collect()
}
