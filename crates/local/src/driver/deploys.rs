//! Deploys: what may be asked for and when it is refused; how one ends is in [`ended`](super::ended).

use segue_core::Time;

use super::command::Answer;
use super::failures::Failures;
use super::public::Public;
use super::records::Records;
use super::refusal::Refusal;
use crate::clock;
use crate::control::protocol::Report;
use crate::history::{Ended, What, Who};
use crate::spec::Spec;
use crate::state::Deploy;

/// What a deploy needs and changes.
pub(super) struct Deploys<'d> {
    pub(super) records: &'d mut Records,
    pub(super) failures: &'d mut Failures,
    pub(super) public: &'d Public,
    /// Whether the service is being taken down.
    pub(super) is_ending: bool,
}

// === impl Deploys ===

impl Deploys<'_> {
    pub(super) fn rollback(&mut self, by: Who, now: Time) -> Result<Answer, Refusal> {
        if let Some(under_way) = self.under_way() {
            return Err(under_way);
        }
        let work = self.records.state.work.as_ref().ok_or(Refusal::NothingRuns)?;
        let spec = match self.records.state.last_good(&work.current) {
            Some(good) => good.spec.clone(),
            None => return Err(Refusal::NoOtherVersion),
        };
        self.deploy(spec, What::Rollback, by, now)
    }

    pub(super) fn deploy(&mut self, spec: Spec, what: What, by: Who, now: Time) -> Result<Answer, Refusal> {
        if self.is_ending {
            return Err(Refusal::Ending(self.records.name().to_owned()));
        }
        if let Some(under_way) = self.under_way() {
            return Err(under_way);
        }
        let state = &self.records.state;
        let from = state.work.as_ref().ok_or(Refusal::NothingRuns)?.current.clone();
        let before = state.revision(&from).ok_or(Refusal::UnknownSpec)?.clone();
        Refusal::of_change(self.records.name(), &before.spec, &spec)?;
        // Something beside the spec may be another, such as a file of settings: it is tried again.
        self.failures.in_background.clear();
        if before.spec == spec {
            return Ok(Answer::NothingToDo(Box::new(self.nothing_to_do(what, &spec))));
        }
        self.tell_later_settings(&before.spec, &spec, now);
        let fallback = before.goal();
        let state = &mut self.records.state;
        let revision = state.admit(spec);
        let (to, goal) = (revision.id.clone(), revision.goal());
        let number = state.next_deploy;
        state.next_deploy += 1;
        let before = Box::new(before.spec);
        let at = clock::wall();
        if let Some(work) = &mut state.work {
            work.rollout = work.rollout.clone().turn(goal, Some(fallback), now);
            work.deploy = Some(Deploy { number, what, by, at, began: now, from, before, to, abort: false });
        }
        self.failures.forget();
        tracing::info!("{what} {number} begins");
        Ok(Answer::UnderWay(number))
    }

    /// The spec asked for is the one that is kept up: no instance is touched, and nothing is noted.
    fn nothing_to_do(&self, what: What, spec: &Spec) -> Report {
        Report {
            number: 0,
            name: self.records.name().to_owned(),
            what,
            ended: Ended::NothingToDo,
            from: Some(spec.version.clone()),
            to: spec.version.clone(),
            why: None,
            failing: None,
            cut: 0,
            cut_on: Vec::new(),
            took_ms: 0,
        }
    }

    /// Who is at it already.
    fn under_way(&self) -> Option<Refusal> {
        let Deploy { what, by, at, to, .. } = self.records.deploy()?;
        let (name, to) = (self.records.name().to_owned(), self.records.state.label(to));
        Some(Refusal::UnderWay { name, what: *what, to, by: by.clone(), at: *at })
    }

    fn tell_later_settings(&self, before: &Spec, spec: &Spec, now: Time) {
        let later = [
            ("limits", before.limits != spec.limits),
            ("websocketGrace", before.websocket_grace != spec.websocket_grace),
        ];
        for (setting, _) in later.iter().filter(|(_, changed)| *changed) {
            let text = format!("{setting} has changed: that takes effect when `segue up` starts next");
            tracing::warn!("{text}");
            self.public.note(text, now);
        }
    }

    pub(super) fn abort(&mut self, by: &Who, now: Time) -> Result<u64, Refusal> {
        let number = self.records.number_under_way()?;
        if let Some(deploy) = self.records.deploy_mut()
            && !std::mem::replace(&mut deploy.abort, true)
        {
            let text = format!("{by} takes it back");
            tracing::info!("{text}");
            self.public.note(text, now);
        }
        Ok(number)
    }
}
