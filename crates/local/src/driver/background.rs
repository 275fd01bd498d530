//! Programs that go into the background: the process that was started ends, and what it started would run on unwatched,
//! once more with every new start. They are told as what they are, ended, and not started again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use segue_core::rollout::Action;
use segue_core::{InstanceId, Time, Version};

use super::Driver;
use super::fleet::{Life, Member};
use super::view::wall;
use crate::clock;
use crate::control::protocol::{Event, Wait};
use crate::instance::{Exit, Instance};
use crate::keeper::background;
use crate::process::Handle;

/// How long they have between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// Once there is none for so long, none comes.
const QUIET: Duration = Duration::from_secs(2);
/// What is still there after that can't be ended.
const LAST: Duration = Duration::from_secs(30);
/// How often they are looked for.
const LOOK: Duration = Duration::from_millis(50);
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

/// How one is to be signalled now that was first asked then.
fn due(asked: Option<Time>, now: Time) -> Option<Signal> {
    match asked {
        None => Some(Signal::TERM),
        Some(asked) => (now.since(asked) >= GRACE).then_some(Signal::KILL),
    }
}

/// Ends what has left its process group, and what leaves it yet: a daemon forks more than once. Each is asked by SIGTERM
/// first, and looked at again before it is signalled.
pub(super) async fn end_strays(instance: Arc<Instance>) {
    let mut asked: BTreeMap<i32, Time> = BTreeMap::new();
    let last = clock::now() + LAST;
    let mut quiet = clock::now() + QUIET;
    while clock::now() < quiet.min(last) {
        for stray in background::strays(instance.launch(), instance.main()).unwrap_or_default() {
            let now = clock::now();
            quiet = now + QUIET;
            let Some(signal) = due(asked.get(&stray.pid).copied(), now) else { continue };
            asked.entry(stray.pid).or_insert(now);
            let signalled =
                Handle::open(stray).and_then(|handle| handle.map_or(Ok(()), |it| it.signal(signal)));
            let id = instance.id();
            match signalled {
                Ok(()) => tracing::info!(pid = stray.pid, "{id}: what it left is ended"),
                Err(error) => tracing::warn!(pid = stray.pid, %error, "{id}: what it left cannot be ended"),
            }
        }
        clock::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_asked_to_end_first_and_made_to_only_after_the_grace() {
        let first = Time::from_millis(1000);
        assert_eq!(due(None, first), Some(Signal::TERM));
        let after = |ms| due(Some(first), first + Duration::from_millis(ms));
        assert_eq!(
            [after(0), after(1999), after(2000), after(9000)].map(|due| due == Some(Signal::KILL)),
            [false, false, true, true]
        );
        assert_eq!((after(0), after(1999)), (None, None));
    }
}
