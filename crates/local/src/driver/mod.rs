//! The driver: one task that owns the rollout and is the only one to change anything.
//!
//! ```text
//!   ┌─▶ observe ──Seen──▶ rollout.step ──▶ write down ──▶ act ─┐
//!   └──────────────── woken by news, a request, a time ◀───────┘
//! ```
//! Steps are modules, and each gets the parts that it needs: [`adopt`] and [`plan`] (what an earlier driver left), [`observe`],
//! [`act`] (the instances), [`records`] (what is written down), [`heard`] and [`failures`] (what became of instances),
//! [`deploys`] and [`ended`] (how one begins and ends), [`ending`] (`down`), [`view`] and [`audience`] (how it looks from
//! outside, and who is told), [`front`] and [`listener`] (when clients are let in), [`background`] (programs that leave their
//! process).

mod act;
mod adopt;
mod audience;
mod background;
mod command;
mod deploys;
mod ended;
mod ending;
mod error;
mod failures;
mod fleet;
mod front;
mod heard;
mod listener;
mod observe;
mod plan;
mod ports;
mod public;
mod records;
mod refusal;
mod session;
mod view;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use segue_core::judge::Outcome;
use segue_core::rollout::{Action, Seen};
use segue_core::{InstanceId, Next, Time, Wait};
use segue_proxy::Config;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::oneshot;

pub use adopt::Setup;
pub use command::{Answer, Command};
pub use error::OpenError;
pub use public::{Public, Started};
pub use refusal::Refusal;

use crate::clock;
use crate::control::protocol::{Event, View};
use crate::history::{What, Who};
use act::Instances;
use audience::Audience;
use deploys::Deploys;
use ending::Ending;
use failures::Failures;
use fleet::News;
use front::Front;
use observe::Counts;
use records::Records;
use session::Session;
use view::Picture;

/// How often the counts are shown anew while somebody looks.
const SHOW: Duration = Duration::from_millis(200);
/// The pause before the same actions are tried again, where they changed nothing.
const AGAIN: Duration = Duration::from_millis(50);

/// Drives one service until it is told to end.
#[derive(Debug)]
pub struct Driver {
    records: Records,
    instances: Instances,
    failures: Failures,
    front: Front,
    audience: Audience,
    session: Session,
    ending: Option<Ending>,
    news: UnboundedReceiver<News>,
    commands: mpsc::Receiver<Command>,
}

/// What one turn of the loop leaves to do.
enum Turn {
    Again,
    Sleep(Option<Time>),
    Over(u64),
}

// === impl Driver ===

impl Driver {
    /// Where clients connect: they are let in with the first instance that serves. Without it there is no proxy to be
    /// drained.
    pub fn listen_on(&mut self, listener: TcpListener, config: Config) -> std::io::Result<SocketAddr> {
        self.front.listen_on(listener, config, self.session.began)
    }

    /// Drives until everything has ended; answers how many requests that cut.
    pub async fn run(mut self) -> u64 {
        let mut last = Vec::new();
        loop {
            // Made before looking, so that no change is missed between the look and the sleep.
            let changed = self.instances.pool.changed();
            let until = match self.turn(&mut last).await {
                Turn::Again => continue,
                Turn::Over(cut) => return cut,
                Turn::Sleep(until) => until,
            };
            let shown = self.audience.public.is_watched().then(|| clock::now() + SHOW);
            let until = [until, shown, self.front.opens()].into_iter().flatten().min();
            tokio::select! {
                () = changed => {}
                Some(news) = self.news.recv() => self.hear(news),
                Some(command) = self.commands.recv() => self.asked(command),
                () = sleep_until(until) => {}
            }
        }
    }

    async fn turn(&mut self, last: &mut Vec<Action>) -> Turn {
        while let Ok(news) = self.news.try_recv() {
            self.hear(news);
        }
        let now = clock::now();
        self.let_clients_in(now);
        let counts = observe::counts(&self.instances.pool);
        let abort = self.records.aborts();
        let Some(work) = &mut self.records.state.work else { return Turn::Over(0) };
        let seen = observe::observe(&self.instances.fleet, &counts, abort);
        let next = work.rollout.step(&seen, now);
        self.failures.note(work, &seen);
        self.show(&seen, &counts, &next, now);
        match next {
            Next::Do(mut actions) => {
                self.hold_while_front_drains(&mut actions);
                let again_at = self.hold_what_goes_into_background(&mut actions, now);
                self.records.persist();
                if actions.is_empty() {
                    return Turn::Sleep(again_at);
                }
                let again = *last == actions;
                self.instances.act(actions.clone(), &mut self.records, &mut self.failures).await;
                *last = actions;
                if again {
                    clock::sleep(AGAIN).await;
                }
                Turn::Again
            }
            Next::Wait(wait) => {
                last.clear();
                self.records.persist();
                Turn::Sleep(wait.until)
            }
            Next::Done(outcome) => {
                last.clear();
                self.done(outcome, now).await
            }
        }
    }

    fn let_clients_in(&mut self, now: Time) {
        if let Err(error) = self.front.let_clients_in(&self.instances.pool, &self.records.folder, now) {
            tracing::error!(%error, "the proxy cannot start");
            self.down(self.session.who.clone(), now);
        }
    }

    /// What goes into the background is not started again as long as it is wanted. A deploy under way ends by its own rules.
    fn hold_what_goes_into_background(&self, actions: &mut Vec<Action>, now: Time) -> Option<Time> {
        let rollout = self.records.rollout()?;
        if self.records.deploy().is_some() || self.ending.is_some() {
            return None;
        }
        self.failures.in_background.hold(&rollout.goal().version, &self.instances.fleet, actions, now)
    }

    /// While the proxy lets its clients go, instances go on serving; only none is started or admitted any more.
    fn hold_while_front_drains(&self, actions: &mut Vec<Action>) {
        if self.ending.as_ref().is_some_and(|ending| !ending.front_drained) {
            actions.retain(|action| matches!(action, Action::Drain { .. } | Action::Forget { .. }));
        }
    }

    async fn done(&mut self, outcome: Outcome, now: Time) -> Turn {
        match self.ending.take_if(|ending| ending.front_drained) {
            Some(ending) => {
                let cut = ending.finish(&mut self.records, &mut self.instances.fleet, now).await;
                self.audience.public.tell(Event::Down { cut });
                return Turn::Over(cut);
            }
            None if self.ending.is_some() => {}
            None if self.records.deploy().is_some() => {
                self.deploys().finish(&outcome, now);
                return Turn::Again;
            }
            None => self.audience.all_is_up(&mut self.records, &self.session, now),
        }
        self.records.persist();
        Turn::Sleep(None)
    }

    fn hear(&mut self, news: News) {
        let Self { records, instances, failures, .. } = self;
        match news {
            News::Readiness => {}
            News::FrontDrained(cut) => self.front_drained(cut, clock::now()),
            News::Unkept(id) => heard::unkept(&id, &mut instances.fleet),
            News::Ended(id, exit) => {
                heard::ended(&id, &exit, instances, records, failures);
            }
        }
    }

    fn asked(&mut self, command: Command) {
        let now = clock::now();
        match command {
            Command::View { reply } => drop(reply.send(self.view_now(now))),
            Command::Deploy { spec, by, reply } => {
                let answer = self.deploys().deploy(*spec, What::Deploy, by, now);
                self.promise(reply, answer);
            }
            Command::Rollback { by, reply } => {
                let answer = self.deploys().rollback(by, now);
                self.promise(reply, answer);
            }
            Command::Follow { reply } => {
                drop(reply.send(self.records.number_under_way().map(Answer::UnderWay)));
            }
            Command::Abort { by, reply } => {
                let answer = self.deploys().abort(&by, now).map(Answer::UnderWay);
                self.promise(reply, answer);
            }
            Command::Down { by } => self.down(by, now),
            Command::Force => self.force(),
        }
    }

    /// What was promised must survive: it is written down first. That nobody waits for the answer any more is no reason
    /// not to do it.
    fn promise(&mut self, reply: oneshot::Sender<Result<Answer, Refusal>>, answer: Result<Answer, Refusal>) {
        self.records.persist();
        drop(reply.send(answer));
    }

    fn deploys(&mut self) -> Deploys<'_> {
        Deploys {
            records: &mut self.records,
            failures: &mut self.failures,
            public: &self.audience.public,
            is_ending: self.ending.is_some(),
        }
    }

    fn down(&mut self, by: Who, now: Time) {
        if self.ending.is_some() {
            return;
        }
        tracing::info!("{by} takes {} down", self.records.name());
        self.audience.manager.stopping();
        self.deploys().interrupt(now);
        if let Some(work) = &mut self.records.state.work {
            work.ending = true;
        }
        self.ending = Some(Ending::new(by, now));
        if !self.front.drain(self.drain_deadline(), &self.instances.news) {
            self.front_drained(0, now);
        }
    }

    fn drain_deadline(&self) -> Duration {
        self.records.rollout().map(|rollout| rollout.goal().drain.deadline).unwrap_or_default()
    }

    fn front_drained(&mut self, cut: u64, now: Time) {
        if let Some(ending) = &mut self.ending {
            ending.front_drained(cut, &mut self.records, now);
        }
    }

    fn force(&mut self) {
        if let Some(ending) = &mut self.ending {
            let cut = self.instances.force(ending.force(), &self.records);
            ending.cut_by_force(cut);
        }
    }

    fn show(&mut self, seen: &Seen, counts: &Counts, next: &Next<Action, Outcome>, now: Time) {
        let waits = self.waits(seen, now);
        self.audience.tell_changes(self.records.rollout(), &mut self.instances.fleet, &waits, now);
        if self.audience.listens() {
            let overall = if let Next::Wait(wait) = next { Some(wait) } else { None };
            self.audience.show(self.picture().view(&waits, counts, overall, now));
        }
    }

    fn view_now(&self, now: Time) -> View {
        let counts = observe::counts(&self.instances.pool);
        let seen = observe::observe(&self.instances.fleet, &counts, self.records.aborts());
        let overall = self.records.rollout().and_then(|rollout| match rollout.clone().step(&seen, now) {
            Next::Wait(wait) => Some(wait),
            _ => None,
        });
        self.picture().view(&self.waits(&seen, now), &counts, overall.as_ref(), now)
    }

    /// What an instance waits for, by the rules' own values.
    fn waits(&self, seen: &Seen, now: Time) -> BTreeMap<InstanceId, Wait> {
        self.records.rollout().map(|rollout| rollout.waits(seen, now)).unwrap_or_default()
    }

    fn picture(&self) -> Picture<'_> {
        Picture {
            records: &self.records,
            fleet: &self.instances.fleet,
            failures: &self.failures,
            front: &self.front,
            session: &self.session,
            is_ending: self.ending.is_some(),
        }
    }
}

async fn sleep_until(until: Option<Time>) {
    match until {
        Some(until) => clock::sleep(until.since(clock::now())).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
