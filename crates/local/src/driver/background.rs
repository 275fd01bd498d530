//! Programs that go into the background: the process that was started ends, and what it started would run on unwatched,
//! once more with every new start. They are told as what they are, ended, and not started again.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use segue_core::rollout::Action;
use segue_core::{Time, Version};
use segue_supervisor::instance::Exit;

use super::fleet::{Fleet, Life, Member};
use crate::control::protocol::Wait;

/// How often the rules are asked anew while a start is held back: they know of no time at which to wake.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What is said of it.
pub(super) fn how(exit: &Exit) -> String {
    format!("went into the background ({exit}): its command must run in the foreground")
}

/// What is not started again, since it goes into the background.
#[derive(Debug, Default)]
pub(super) struct InBackground(BTreeMap<Version, Seen>);

/// How one was seen to go there, and when.
#[derive(Debug)]
struct Seen {
    how: String,
    at: Timestamp,
}

// === impl InBackground ===

impl InBackground {
    pub(super) fn note(&mut self, revision: Version, how: &str, at: Timestamp) {
        self.0.insert(revision, Seen { how: how.to_owned(), at });
    }

    /// All of them are tried again.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How this one was seen to go there, if it was.
    pub(super) fn how(&self, revision: &Version) -> Option<&str> {
        self.0.get(revision).map(|seen| seen.how.as_str())
    }

    /// What is wanted and goes into the background is not started, and stays to be seen; answers when to ask again.
    pub(super) fn hold(
        &self,
        goal: &Version,
        fleet: &Fleet,
        actions: &mut Vec<Action>,
        now: Time,
    ) -> Option<Time> {
        self.how(goal)?;
        actions.retain(|action| match action {
            Action::Start { version } => version != goal,
            Action::Forget { instance } => {
                fleet.get(instance).is_none_or(|member| self.held(member).is_none())
            }
            _ => true,
        });
        Some(now + ASK_AGAIN)
    }

    /// Shown where others say what they wait for.
    pub(super) fn wait(&self, member: &Member) -> Option<Wait> {
        let Seen { how, at } = self.held(member)?;
        Some(Wait { why: how.clone(), since: *at, until: None, setting: Some("command".to_owned()) })
    }

    fn held(&self, member: &Member) -> Option<&Seen> {
        match member.life {
            Life::Ended { .. } => self.0.get(&member.revision),
            Life::Running(_) => None,
        }
    }
}
