//! How a deploy ends, and the whole service: what is noted, told and shown.

use std::time::Duration;

use segue_core::judge::{Failure, Outcome, Readiness};
use segue_core::rollout::{Drained, Seen};
use segue_core::{InstanceId, Time};
use segue_supervisor::keeper::lock_is_held;

use super::Driver;
use crate::clock;
use crate::control::protocol::{Event, Failing, Report};
use crate::history::{self, Cut, Ended, Entry, What};
use crate::state::Deploy;

/// How many lines of a failing instance's log are shown.
const LAST_LINES: usize = 10;
/// How long a keeper may take to end what its instance left behind.
const KEEPERS: Duration = Duration::from_secs(30);
/// How often it is looked whether one has ended.
const LOOK: Duration = Duration::from_millis(10);

impl Driver {
    /// When a deploy turns back, the instance that shows why is remembered: it will be gone when the story is told.
    pub(super) fn note_failure(&mut self, seen: &Seen) {
        let Some(work) = &self.state.work else { return };
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

    pub(super) fn finish_deploy(&mut self, outcome: &Outcome, now: Time) {
        let Some(work) = &mut self.state.work else { return };
        let Some(deploy) = work.deploy.take() else { return };
        let (ended, failure) = match outcome {
            Outcome::Reached => (Ended::Reached, None),
            Outcome::WentBack { failure } => (Ended::WentBack, Some(failure)),
            Outcome::Stuck { failure } => (Ended::Stuck, Some(failure)),
        };
        let cut_on = cut_on(work.rollout.drained());
        if ended == Ended::Reached {
            work.current = deploy.to.clone();
            self.state.worked(&deploy.to);
        } else if deploy.from == deploy.to {
            self.state.replace_spec(&deploy.from, (*deploy.before).clone());
        }
        self.hold_steady(now);
        self.state.prune();
        let in_background = self.in_background.how(&deploy.to).map(str::to_owned);
        let why = failure.map(|failure| in_background.unwrap_or_else(|| self.in_users_words(failure)));
        self.tell_end(&deploy, ended, why, cut_on, now);
        self.persist();
    }

    /// `down` comes before its end.
    pub(super) fn interrupt_deploy(&mut self, now: Time) {
        let Some(work) = &mut self.state.work else { return };
        let Some(deploy) = work.deploy.take() else { return };
        let cut_on = cut_on(work.rollout.drained());
        let why = Some("the service was taken down".to_owned());
        self.tell_end(&deploy, Ended::Interrupted, why, cut_on, now);
    }

    /// From here on, the current version is kept up.
    fn hold_steady(&mut self, now: Time) {
        let Some(work) = &mut self.state.work else { return };
        let current = self.state.revisions.iter().find(|revision| revision.id == work.current);
        if let Some(current) = current {
            work.rollout = work.rollout.clone().turn(current.goal(), None, now);
        }
    }

    /// A failure names revisions; users know labels.
    fn in_users_words(&self, failure: &Failure) -> String {
        match failure {
            Failure::Crashed { version, times } => {
                let version = self.state.label(version).as_str().into();
                Failure::Crashed { version, times: *times }.to_string()
            }
            other => other.to_string(),
        }
    }

    fn tell_end(&mut self, deploy: &Deploy, ended: Ended, why: Option<String>, cut_on: Vec<Cut>, now: Time) {
        let failing = self.failing.take().map(|(id, how)| self.failing_shown(&id, how));
        let cut = cut_on.iter().map(|cut| cut.requests).sum();
        let from = Some(deploy.before.version.clone());
        let to = self.state.label(&deploy.to);
        let took_ms = millis(now.since(deploy.began));
        let what = deploy.what;
        tracing::info!(cut, took_ms, "{what} to {to}: {ended}{}", colon(why.as_deref()));
        self.append(&Entry {
            at: deploy.at,
            what,
            by: deploy.by.clone(),
            from: from.clone(),
            to: Some(to.clone()),
            revision: Some(deploy.to.clone()),
            ended,
            why: why.clone(),
            cut,
            cut_on: cut_on.clone(),
            took_ms,
        });
        let (number, name) = (deploy.number, self.folder.name().to_owned());
        let report = Report { number, name, what, ended, from, to, why, failing, cut, cut_on, took_ms };
        self.public.tell(Event::Ended(Box::new(report)));
    }

    fn failing_shown(&self, id: &InstanceId, how: String) -> Failing {
        Failing { id: id.to_string(), how, last_lines: self.last_lines(id, LAST_LINES) }
    }

    /// Every instance of the current version serves.
    pub(super) fn all_is_up(&mut self, now: Time) {
        if self.announced {
            return;
        }
        self.announced = true;
        self.manager.ready();
        let Some(work) = &self.state.work else { return };
        let current = work.current.clone();
        self.state.worked(&current);
        let to = self.state.label(&current);
        tracing::info!("{} is up with {to}", self.folder.name());
        self.append(&Entry {
            at: self.since,
            what: What::Up,
            by: self.who.clone(),
            from: None,
            to: Some(to),
            revision: Some(current),
            ended: Ended::Reached,
            why: None,
            cut: 0,
            cut_on: Vec::new(),
            took_ms: millis(now.since(self.began)),
        });
    }

    /// Nothing runs any more: waits for the keepers, which end what instances left behind, and notes the end.
    pub(super) async fn finish_ending(&mut self, now: Time) -> u64 {
        let Some(work) = self.state.work.take() else { return 0 };
        let mut cut_on = cut_on(work.rollout.drained());
        let version = self.state.label(&work.current);
        self.keepers_end(now + KEEPERS).await;
        self.fleet.clear();
        self.remove_old_folders();
        self.state.instances.clear();
        self.persist();
        let Some(ending) = self.ending.take() else { return 0 };
        if ending.cut > 0 {
            cut_on.push(Cut { instance: "proxy".to_owned(), requests: ending.cut });
        }
        let cut = cut_on.iter().map(|cut| cut.requests).sum();
        self.append(&Entry {
            at: ending.at,
            what: What::Down,
            by: ending.by,
            from: Some(version),
            to: None,
            revision: None,
            ended: Ended::Reached,
            why: None,
            cut,
            cut_on,
            took_ms: millis(clock::now().since(ending.began)),
        });
        tracing::info!(cut, "{} is down", self.folder.name());
        self.public.tell(Event::Down { cut });
        cut
    }

    async fn keepers_end(&self, until: Time) {
        let Ok(ids) = self.folder.instance_ids() else { return };
        for id in ids {
            let dir = self.folder.instance(&id);
            while lock_is_held(&dir).unwrap_or(false) && clock::now() < until {
                clock::sleep(LOOK).await;
            }
        }
    }

    pub(super) fn append(&self, entry: &Entry) {
        if let Err(error) = history::append(&self.folder, entry) {
            tracing::error!(%error, "the history cannot be written");
        }
    }
}

fn cut_on(drained: &[Drained]) -> Vec<Cut> {
    let cut = drained.iter().filter(|drained| drained.outcome.cut > 0);
    cut.map(|drained| Cut { instance: drained.instance.to_string(), requests: drained.outcome.cut }).collect()
}

fn colon(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_instances_on_which_something_was_cut_are_named() {
        let drained = |instance: &str, cut: u64| -> Drained {
            let outcome = serde_json::json!({ "ended": "stopped", "cut": cut, "took": 5 });
            let drained = serde_json::json!({ "instance": instance, "version": "v1", "outcome": outcome });
            serde_json::from_value(drained).unwrap()
        };
        let cut = cut_on(&[drained("web-1", 0), drained("web-2", 3)]);
        assert_eq!(cut, [Cut { instance: "web-2".to_owned(), requests: 3 }]);
    }
}
