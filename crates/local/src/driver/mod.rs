//! The driver: one task that owns the rollout and is the only one to change anything.
//!
//! ```text
//!   ┌─▶ observe ──Seen──▶ rollout.step ──▶ write down ──▶ act ─┐
//!   └──────────────── woken by news, a request, a time ◀───────┘
//! ```
//! Steps are modules: [`adopt`] and [`plan`] (what an earlier driver left), [`observe`], [`act`], [`asked`] (what clients ask for),
//! [`ended`] (how a deploy or the whole service ends), [`view`] (how it looks from outside),
//! [`front`] and [`listener`] (when clients are let in), [`background`] (programs that leave their process).

mod act;
mod adopt;
mod asked;
mod background;
mod command;
mod ended;
mod error;
mod fleet;
mod front;
mod listener;
mod observe;
mod plan;
mod ports;
mod public;
mod view;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use segue_core::judge::Outcome;
use segue_core::rollout::{Action, Seen};
use segue_core::{InstanceId, Next, Time, Version, Wait};
use segue_proxy::{Pool, Proxy};
use segue_supervisor::instance::Keeper;
use segue_supervisor::strays;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

pub use adopt::Setup;
pub use command::{Answer, Command};
pub use error::OpenError;
pub use public::{Public, Started};

use crate::clock;
use crate::control::protocol::{self, Event};
use crate::folder::{Folder, Held};
use crate::history::Who;
use crate::notify::Manager;
use crate::state::State;
use background::InBackground;
use fleet::{Fleet, Life, News};
use listener::DeferredListener;
use observe::Counts;

/// How often the counts are shown anew while somebody looks.
const SHOW: Duration = Duration::from_millis(200);
/// The pause before the same actions are tried again, where they changed nothing.
const AGAIN: Duration = Duration::from_millis(50);

/// Drives one service until it is told to end.
#[derive(Debug)]
pub struct Driver {
    folder: Folder,
    _held: Held,
    state: State,
    written: Option<State>,
    /// Why the state could not be written down, while it could not.
    unwritten: Option<String>,
    keeper: Keeper,
    pool: Pool,
    /// Where clients connect; nowhere if only the instances are to be ended.
    listen: Option<SocketAddr>,
    /// Until the first instance serves.
    listener: Option<DeferredListener>,
    /// From then on.
    front: Option<Arc<Proxy>>,
    fleet: Fleet,
    news: UnboundedReceiver<News>,
    news_sender: UnboundedSender<News>,
    commands: mpsc::Receiver<Command>,
    public: Public,
    manager: Manager,
    since: Timestamp,
    began: Time,
    who: Who,
    restarts: u64,
    last_crash: Option<(InstanceId, Version, String)>,
    failing: Option<(InstanceId, String)>,
    in_background: InBackground,
    shown: BTreeMap<InstanceId, protocol::State>,
    /// Whether it was told that all is up.
    announced: bool,
    ending: Option<Ending>,
}

/// How far `down` is.
#[derive(Debug)]
struct Ending {
    by: Who,
    at: Timestamp,
    began: Time,
    /// Whether the proxy has let its last client go.
    front_drained: bool,
    /// What the proxy cut.
    cut: u64,
    forced: u32,
}

/// What one turn of the loop leaves to do.
enum Turn {
    Again,
    Sleep(Option<Time>),
    Over(u64),
}

// === impl Driver ===

impl Driver {
    /// Drives until everything has ended; answers how many requests that cut.
    pub async fn run(mut self) -> u64 {
        let mut last = Vec::new();
        loop {
            // Made before looking, so that no change is missed between the look and the sleep.
            let changed = self.pool.changed();
            let until = match self.turn(&mut last).await {
                Turn::Again => continue,
                Turn::Over(cut) => return cut,
                Turn::Sleep(until) => until,
            };
            let shown = self.public.is_watched().then(|| clock::now() + SHOW);
            let opens = self.listener.as_ref().map(|listener| listener.opens);
            let until = [until, shown, opens].into_iter().flatten().min();
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
        let counts = observe::counts(&self.pool);
        let Some(work) = &mut self.state.work else { return Turn::Over(0) };
        let abort = work.deploy.as_ref().is_some_and(|deploy| deploy.abort);
        let seen = observe::observe(&self.fleet, &counts, abort);
        let next = work.rollout.step(&seen, now);
        self.note_failure(&seen);
        self.show(&seen, &counts, &next, now);
        match next {
            Next::Do(mut actions) => {
                self.hold_while_front_drains(&mut actions);
                let again_at = self.hold_what_goes_into_background(&mut actions, now);
                self.persist();
                if actions.is_empty() {
                    return Turn::Sleep(again_at);
                }
                let again = *last == actions;
                self.act(actions.clone()).await;
                *last = actions;
                if again {
                    clock::sleep(AGAIN).await;
                }
                Turn::Again
            }
            Next::Wait(wait) => {
                last.clear();
                self.persist();
                Turn::Sleep(wait.until)
            }
            Next::Done(outcome) => {
                last.clear();
                self.done(outcome, now).await
            }
        }
    }

    /// What goes into the background is not started again as long as it is wanted. A deploy under way ends by its own rules.
    fn hold_what_goes_into_background(&self, actions: &mut Vec<Action>, now: Time) -> Option<Time> {
        let work = self.state.work.as_ref().filter(|work| work.deploy.is_none() && self.ending.is_none())?;
        self.in_background.hold(&work.rollout.goal().version, &self.fleet, actions, now)
    }

    /// While the proxy lets its clients go, instances go on serving; only none is started or admitted any more.
    fn hold_while_front_drains(&self, actions: &mut Vec<Action>) {
        if self.ending.as_ref().is_some_and(|ending| !ending.front_drained) {
            actions.retain(|action| matches!(action, Action::Drain { .. } | Action::Forget { .. }));
        }
    }

    async fn done(&mut self, outcome: Outcome, now: Time) -> Turn {
        match &self.ending {
            Some(ending) if ending.front_drained => return Turn::Over(self.finish_ending(now).await),
            Some(_) => {}
            None if self.state.work.as_ref().is_some_and(|work| work.deploy.is_some()) => {
                self.finish_deploy(&outcome, now);
                return Turn::Again;
            }
            None => self.all_is_up(now),
        }
        self.persist();
        Turn::Sleep(None)
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Readiness => {}
            News::FrontDrained(cut) => self.front_drained(cut),
            News::Unkept(id) => self.unkept(&id),
            News::Ended(id, exit) => {
                let Some(member) = self.fleet.get_mut(&id) else { return };
                let work = self.state.work.as_ref();
                let told = work.is_some_and(|work| work.rollout.leaving(&id).is_some());
                // One that served ended as any other ends: what it leaves may be of use to somebody.
                let in_background = exit.background && !member.served;
                let how = if in_background { background::how(&exit) } else { exit.to_string() };
                let revision = member.revision.clone();
                if let (true, Some(running)) = (in_background, member.running()) {
                    let instance = Arc::clone(&running.instance);
                    tokio::spawn(async move { strays::end(&instance).await });
                }
                member.life = Life::Ended { how: how.clone() };
                if in_background && !told {
                    self.went_into_background(&id, &revision, &how);
                }
                if !told {
                    self.crashed(&id, &revision, &how);
                }
            }
        }
    }

    fn went_into_background(&mut self, id: &InstanceId, revision: &Version, how: &str) {
        let now = clock::now();
        let text = format!("{id} {how}; it is not started again until the next deploy");
        tracing::error!("{text}");
        self.public.tell(Event::Note { at: clock::wall_at(now, now), text });
        self.in_background.note(revision.clone(), how, clock::wall());
        let deploy = self.state.work.as_mut().and_then(|work| work.deploy.as_mut());
        if let Some(deploy) = deploy.filter(|deploy| deploy.to == *revision) {
            deploy.abort = true;
            self.failing = Some((id.clone(), how.to_owned()));
        }
    }

    fn unkept(&mut self, id: &InstanceId) {
        let Some(member) = self.fleet.get_mut(id).filter(|member| member.running().is_some()) else { return };
        member.unkept = true;
        tracing::error!("{id}: its keeper was killed, so what it says is lost: it is replaced");
    }

    /// Writes the state down if it is another than what is written. If that fails, serving goes on all the same.
    fn persist(&mut self) {
        if self.written.as_ref() == Some(&self.state) {
            return;
        }
        match self.state.write(&self.folder, self.written.as_ref()) {
            Ok(()) => {
                self.written = Some(self.state.clone());
                self.unwritten = None;
            }
            Err(error) => {
                // It is tried again at every turn; it is told when it is news.
                let error = error.to_string();
                if self.unwritten.as_ref() != Some(&error) {
                    tracing::error!(%error, "the state cannot be written down");
                    self.unwritten = Some(error);
                }
            }
        }
    }

    /// What an instance waits for, by the rules' own values.
    fn waits(&self, seen: &Seen, now: Time) -> BTreeMap<InstanceId, Wait> {
        self.state.work.as_ref().map(|work| work.rollout.waits(seen, now)).unwrap_or_default()
    }

    fn show(&mut self, seen: &Seen, counts: &Counts, next: &Next<Action, Outcome>, now: Time) {
        let waits = self.waits(seen, now);
        self.tell_changes(&waits, now);
        if self.public.is_watched() || !self.announced {
            let overall = if let Next::Wait(wait) = next { Some(wait) } else { None };
            let view = self.view(&waits, counts, overall, now);
            self.manager_status(&view);
            self.public.show(view);
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
