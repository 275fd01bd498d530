//! What went wrong with instances: what a report, `status` and the next start need to know of it.

use segue_core::judge::{Failure, Readiness};
use segue_core::rollout::Seen;
use segue_core::{InstanceId, Version};

use super::background::InBackground;
use crate::state::Work;

/// An instance, and what it showed or how it ended.
pub(super) type Failing = (InstanceId, String);

/// What is remembered of instances that failed: they will be gone when the story is told.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// How many ended that were not told to.
    pub(super) restarts: u64,
    /// The last of those.
    pub(super) last_crash: Option<(InstanceId, Version, String)>,
    /// The one that shows why the deploy under way turned back.
    pub(super) failing: Option<Failing>,
    /// What is not started again, since it goes into the background.
    pub(super) in_background: InBackground,
}

// === impl Failures ===

impl Failures {
    /// Another deploy begins.
    pub(super) fn forget(&mut self) {
        self.failing = None;
        self.last_crash = None;
    }

    /// An instance ended that was not told to.
    pub(super) fn crashed(&mut self, id: &InstanceId, revision: &Version, how: &str) {
        self.restarts += 1;
        tracing::warn!(instance = id.as_str(), "{how}");
        self.last_crash = Some((id.clone(), revision.clone(), how.to_owned()));
    }

    /// When a deploy turns back, the instance that shows why is remembered.
    pub(super) fn note(&mut self, work: &Work, seen: &Seen) {
        let (Some(deploy), Some(failure)) = (&work.deploy, work.rollout.failure()) else { return };
        if self.failing.is_some() {
            return;
        }
        let crashed = self.last_crash.as_ref().filter(|(_, revision, _)| *revision == deploy.to);
        let not_ready = || {
            let mut new = seen.instances.iter().filter(|(_, instance)| instance.version == deploy.to);
            new.find_map(|(id, instance)| match &instance.readiness {
                Readiness::NotReady(Some(why)) => Some((id.clone(), why.clone())),
                _ => None,
            })
        };
        self.failing = match failure {
            Failure::Aborted => None,
            Failure::Crashed { .. } => crashed.map(|(id, _, how)| (id.clone(), how.clone())),
            Failure::NoProgress { .. } => {
                not_ready().or_else(|| crashed.map(|(id, _, how)| (id.clone(), how.clone())))
            }
        };
    }
}
