//! What clients ask for, and when it is refused.

use std::num::NonZeroU64;

use segue_core::Time;
use tokio::sync::oneshot;

use super::command::{Answer, Command};
use super::{Driver, Ending, News, observe};
use crate::clock;
use crate::control::protocol::{Event, Report, View};
use crate::history::{Ended, What, Who};
use crate::spec::{Spec, Strategy};
use crate::state::{Deploy, nothing_of};

impl Driver {
    pub(super) fn asked(&mut self, command: Command) {
        let now = clock::now();
        match command {
            Command::View { reply } => drop(reply.send(self.view_now(now))),
            Command::Deploy { spec, by, reply } => {
                let answer = self.deploy(*spec, What::Deploy, by, now);
                self.promise(reply, answer);
            }
            Command::Rollback { by, reply } => {
                let answer = self.rollback(by, now);
                self.promise(reply, answer);
            }
            Command::Follow { reply } => {
                drop(reply.send(self.number_under_way().map(Answer::UnderWay)));
            }
            Command::Abort { by, reply } => {
                let answer = self.abort(&by, now).map(Answer::UnderWay);
                self.promise(reply, answer);
            }
            Command::Down { by } => self.down(by, now),
            Command::Force => self.force(),
        }
    }

    /// What was promised must survive: it is written down first. That nobody waits for the answer any more is no reason
    /// not to do it.
    fn promise(&mut self, reply: oneshot::Sender<Result<Answer, String>>, answer: Result<Answer, String>) {
        self.persist();
        drop(reply.send(answer));
    }

    fn view_now(&self, now: Time) -> View {
        let counts = observe::counts(&self.pool);
        let work = self.state.work.as_ref();
        let abort = work.is_some_and(|work| work.deploy.as_ref().is_some_and(|deploy| deploy.abort));
        let seen = observe::observe(&self.fleet, &counts, abort);
        let overall = work.and_then(|work| match work.rollout.clone().step(&seen, now) {
            segue_core::Next::Wait(wait) => Some(wait),
            _ => None,
        });
        self.view(&self.waits(&seen, now), &counts, overall.as_ref(), now)
    }

    pub(super) fn rollback(&mut self, by: Who, now: Time) -> Result<Answer, String> {
        if let Some(under_way) = self.under_way() {
            return Err(under_way);
        }
        let work = self.state.work.as_ref().ok_or("nothing runs")?;
        let spec = match self.state.last_good(&work.current) {
            Some(good) => good.spec.clone(),
            None => return Err("no other version has worked yet, so there is none to go back to".to_owned()),
        };
        self.deploy(spec, What::Rollback, by, now)
    }

    pub(super) fn deploy(&mut self, spec: Spec, what: What, by: Who, now: Time) -> Result<Answer, String> {
        if self.ending.is_some() {
            return Err(format!("{} is being taken down", self.folder.name()));
        }
        if let Some(under_way) = self.under_way() {
            return Err(under_way);
        }
        let work = self.state.work.as_ref().ok_or("nothing runs")?;
        let from = work.current.clone();
        let before = self.state.revision(&from).ok_or("the spec of what runs is not known any more")?.clone();
        self.same_front(&before.spec, &spec)?;
        // Something beside the spec may be another, such as a file of settings: it is tried again.
        self.in_background.clear();
        if before.spec == spec {
            return Ok(Answer::NothingToDo(Box::new(self.nothing_to_do(what, &spec))));
        }
        self.tell_later_settings(&before.spec, &spec, now);
        let fallback = before.goal();
        let revision = self.state.admit(spec);
        let (to, goal) = (revision.id.clone(), revision.goal());
        let number = self.state.next_deploy;
        self.state.next_deploy += 1;
        let before = Box::new(before.spec);
        let at = clock::wall();
        if let Some(work) = &mut self.state.work {
            work.rollout = work.rollout.clone().turn(goal, Some(fallback), now);
            work.deploy = Some(Deploy { number, what, by, at, began: now, from, before, to, abort: false });
        }
        self.failing = None;
        self.last_crash = None;
        tracing::info!("{what} {number} begins");
        Ok(Answer::UnderWay(number))
    }

    /// The spec asked for is the one that is kept up: no instance is touched, and nothing is noted.
    fn nothing_to_do(&self, what: What, spec: &Spec) -> Report {
        Report {
            number: 0,
            name: self.folder.name().to_owned(),
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
    fn under_way(&self) -> Option<String> {
        let deploy = self.state.work.as_ref()?.deploy.as_ref()?;
        let Deploy { what, by, at, to, .. } = deploy;
        let pid = by.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
        let since = at.strftime("%Y-%m-%d %H:%M:%S UTC");
        Some(format!(
            "a {what} to {} is under way, asked for by {by}{pid} since {since}; \
             `segue deploy {name} --follow` shows it, `segue deploy {name} --abort` takes it back",
            self.state.label(to),
            name = self.folder.name(),
        ))
    }

    /// What belongs to `up` and not to its instances cannot be deployed; nor can what the rules could not do.
    fn same_front(&self, before: &Spec, spec: &Spec) -> Result<(), String> {
        let name = self.folder.name();
        if spec.name != name {
            return Err(format!("the spec is of `{}`, and this is `{name}`", spec.name));
        }
        // The file was held to this already; but what comes over a socket is never taken on trust.
        let Strategy::Rolling { surge, unavailable } = spec.strategy;
        if surge == 0 && unavailable == 0 {
            return Err("surge and unavailable are both 0, so nothing could ever be replaced".to_owned());
        }
        let again = format!("`segue down {name}` and `segue up` change it");
        if spec.listen != before.listen {
            let (old, new) = (before.listen, spec.listen);
            return Err(format!("a deploy cannot change listen ({old} to {new}): {again}"));
        }
        if spec.tls != before.tls {
            return Err(format!("a deploy cannot change tls: {again}"));
        }
        Ok(())
    }

    fn tell_later_settings(&self, before: &Spec, spec: &Spec, now: Time) {
        let later = [
            ("limits", before.limits != spec.limits),
            ("websocketGrace", before.websocket_grace != spec.websocket_grace),
        ];
        for (setting, _) in later.iter().filter(|(_, changed)| *changed) {
            let text = format!("{setting} has changed: that takes effect when `segue up` starts next");
            tracing::warn!("{text}");
            self.public.tell(Event::Note { at: clock::wall_at(now, now), text });
        }
    }

    pub(super) fn number_under_way(&self) -> Result<u64, String> {
        let deploy = self.state.work.as_ref().and_then(|work| work.deploy.as_ref());
        deploy.map(|deploy| deploy.number).ok_or_else(|| "no deploy is under way".to_owned())
    }

    pub(super) fn abort(&mut self, by: &Who, now: Time) -> Result<u64, String> {
        let number = self.number_under_way()?;
        if let Some(deploy) = self.state.work.as_mut().and_then(|work| work.deploy.as_mut())
            && !std::mem::replace(&mut deploy.abort, true)
        {
            let text = format!("{by} takes it back");
            tracing::info!("{text}");
            self.public.tell(Event::Note { at: clock::wall_at(now, now), text });
        }
        Ok(number)
    }

    pub(super) fn down(&mut self, by: Who, now: Time) {
        if self.ending.is_some() {
            return;
        }
        tracing::info!("{by} takes {} down", self.folder.name());
        self.manager.stopping();
        self.interrupt_deploy(now);
        if let Some(work) = &mut self.state.work {
            work.ending = true;
        }
        // Whom nobody has let in need not be drained.
        self.listener = None;
        let deadline = self.drain_deadline();
        let front_drained = self.front.is_none();
        let at = clock::wall();
        self.ending = Some(Ending { by, at, began: now, front_drained, cut: 0, forced: 0 });
        match self.front.clone() {
            None => self.end_instances(now),
            Some(front) => {
                let news = self.news_sender.clone();
                tokio::spawn(async move {
                    let drained = front.drain(deadline).await;
                    // It fails only when the driver has ended meanwhile.
                    let _ = news.send(News::FrontDrained(drained.cut));
                });
            }
        }
    }

    pub(super) fn front_drained(&mut self, cut: u64) {
        if let Some(ending) = &mut self.ending {
            ending.front_drained = true;
            ending.cut = cut;
            self.end_instances(clock::now());
        }
    }

    fn end_instances(&mut self, now: Time) {
        if let Some(work) = &mut self.state.work {
            let goal = nothing_of(work.rollout.goal());
            work.rollout = work.rollout.clone().turn(goal, None, now);
        }
    }

    pub(super) fn force(&mut self) {
        let Some(ending) = &mut self.ending else { return };
        ending.forced += 1;
        let kill = ending.forced > 1;
        let ids: Vec<_> = self.fleet.keys().cloned().collect();
        for id in ids {
            if let Some(cut) = NonZeroU64::new(self.pool.cut(id.as_str())) {
                tracing::warn!(cut, "{id}: what was in flight is cut");
            }
            if kill && let Err(error) = self.signal(&id, segue_core::stop::Signal::Kill) {
                tracing::error!(%error, "{id} cannot be killed");
            }
        }
    }

    pub(super) fn drain_deadline(&self) -> std::time::Duration {
        self.state.work.as_ref().map(|work| work.rollout.goal().drain.deadline).unwrap_or_default()
    }
}
