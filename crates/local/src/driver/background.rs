//! Programs that go into the background: the process that was started ends, and what it started would run on unwatched,
//! once more with every new start. They are told as what they are, ended, and not started again.

use std::time::Duration;

use jiff::Timestamp;
use segue_core::rollout::Action;
use segue_core::{InstanceId, Time, Version};
use segue_supervisor::instance::Exit;

use super::Driver;
use super::fleet::{Life, Member};
use super::view::wall;
use crate::clock;
use crate::control::protocol::{Event, Wait};

/// How often the rules are asked anew while a start is held back: they know of no time at which to wake.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What is said of it.
pub(super) fn how(exit: &Exit) -> String {
    format!("went into the background ({exit}): its command must run in the foreground")
}

impl Driver {
    pub(super) fn went_into_background(&mut self, id: &InstanceId, revision: &Version, how: &str) {
        let now = clock::now();
        let text = format!("{id} {how}; it is not started again until the next deploy");
        tracing::error!("{text}");
        self.public.tell(Event::Note { at: wall(now, now), text });
        self.in_background.insert(revision.clone(), (how.to_owned(), clock::wall()));
        let deploy = self.state.work.as_mut().and_then(|work| work.deploy.as_mut());
        if let Some(deploy) = deploy.filter(|deploy| deploy.to == *revision) {
            deploy.abort = true;
            self.failing = Some((id.clone(), how.to_owned()));
        }
    }

    /// What is wanted and goes into the background is not started, and stays to be seen; answers when to ask again. A deploy
    /// under way ends by its own rules.
    pub(super) fn hold_what_goes_into_background(
        &self,
        actions: &mut Vec<Action>,
        now: Time,
    ) -> Option<Time> {
        let work = self.state.work.as_ref().filter(|work| work.deploy.is_none() && self.ending.is_none())?;
        let goal = &work.rollout.goal().version;
        if !self.in_background.contains_key(goal) {
            return None;
        }
        actions.retain(|action| match action {
            Action::Start { version } => version != goal,
            Action::Forget { instance } => {
                self.fleet.get(instance).is_none_or(|member| !self.is_held(member))
            }
            _ => true,
        });
        Some(now + ASK_AGAIN)
    }

    fn is_held(&self, member: &Member) -> bool {
        matches!(member.life, Life::Ended { .. }) && self.in_background.contains_key(&member.revision)
    }

    /// Shown where others say what they wait for.
    pub(super) fn held_wait(&self, member: &Member) -> Option<Wait> {
        let (why, since): &(String, Timestamp) =
            self.in_background.get(&member.revision).filter(|_| self.is_held(member))?;
        Some(Wait { why: why.clone(), since: *since, until: None, setting: Some("command".to_owned()) })
    }
}
