//! How a deploy ends: what is noted, told and kept up from then on.

use std::time::Duration;

use segue_core::judge::{Failure, Outcome};
use segue_core::rollout::Drained;
use segue_core::{InstanceId, Time};

use super::deploys::Deploys;
use crate::control::protocol::{Event, Failing, Report};
use crate::history::{Cut, Ended, Entry};
use crate::state::{Deploy, State};

/// How many lines of a failing instance's log are shown.
const LAST_LINES: usize = 10;

impl Deploys<'_> {
    pub(super) fn finish(&mut self, outcome: &Outcome, now: Time) {
        let state = &mut self.records.state;
        let Some(work) = &mut state.work else { return };
        let Some(deploy) = work.deploy.take() else { return };
        let (ended, failure) = match outcome {
            Outcome::Reached => (Ended::Reached, None),
            Outcome::WentBack { failure } => (Ended::WentBack, Some(failure)),
            Outcome::Stuck { failure } => (Ended::Stuck, Some(failure)),
        };
        let cut_on = cut_on(work.rollout.drained());
        if ended == Ended::Reached {
            work.current = deploy.to.clone();
            state.worked(&deploy.to);
        } else if deploy.from == deploy.to {
            state.replace_spec(&deploy.from, (*deploy.before).clone());
        }
        hold_steady(state, now);
        state.prune();
        let in_background = self.failures.in_background.how(&deploy.to).map(str::to_owned);
        let why = failure.map(|failure| in_background.unwrap_or_else(|| in_users_words(state, failure)));
        self.tell_end(&deploy, ended, why, cut_on, now);
        self.records.persist();
    }

    /// `down` comes before its end.
    pub(super) fn interrupt(&mut self, now: Time) {
        let Some(work) = &mut self.records.state.work else { return };
        let Some(deploy) = work.deploy.take() else { return };
        let cut_on = cut_on(work.rollout.drained());
        let why = Some("the service was taken down".to_owned());
        self.tell_end(&deploy, Ended::Interrupted, why, cut_on, now);
    }

    fn tell_end(&mut self, deploy: &Deploy, ended: Ended, why: Option<String>, cut_on: Vec<Cut>, now: Time) {
        let failing = self.failures.failing.take().map(|(id, how)| self.failing_shown(&id, how));
        let cut = cut_on.iter().map(|cut| cut.requests).sum();
        let from = Some(deploy.before.version.clone());
        let to = self.records.state.label(&deploy.to);
        let took_ms = millis(now.since(deploy.began));
        let what = deploy.what;
        tracing::info!(cut, took_ms, "{what} to {to}: {ended}{}", colon(why.as_deref()));
        self.records.append(&Entry {
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
        let (number, name) = (deploy.number, self.records.name().to_owned());
        let report = Report { number, name, what, ended, from, to, why, failing, cut, cut_on, took_ms };
        self.public.tell(Event::Ended(Box::new(report)));
    }

    fn failing_shown(&self, id: &InstanceId, how: String) -> Failing {
        Failing { id: id.to_string(), how, last_lines: self.records.last_lines(id, LAST_LINES) }
    }
}

/// From here on, the current version is kept up.
fn hold_steady(state: &mut State, now: Time) {
    let Some(work) = &mut state.work else { return };
    let current = state.revisions.iter().find(|revision| revision.id == work.current);
    if let Some(current) = current {
        work.rollout = work.rollout.clone().turn(current.goal(), None, now);
    }
}

/// A failure names revisions; users know labels.
fn in_users_words(state: &State, failure: &Failure) -> String {
    match failure {
        Failure::Crashed { version, times } => {
            let version = state.label(version).as_str().into();
            Failure::Crashed { version, times: *times }.to_string()
        }
        other => other.to_string(),
    }
}

pub(super) fn cut_on(drained: &[Drained]) -> Vec<Cut> {
    let cut = drained.iter().filter(|drained| drained.outcome.cut > 0);
    cut.map(|drained| Cut { instance: drained.instance.to_string(), requests: drained.outcome.cut }).collect()
}

fn colon(why: Option<&str>) -> String {
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

pub(super) fn millis(duration: Duration) -> u64 {
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
