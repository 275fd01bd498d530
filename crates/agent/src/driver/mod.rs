//! Observes the pod, asks the rule what to do, does it, tells whoever listens, and observes again.
//!
//! The same driver runs in the sidecar and, if that died, in a hook.

mod look;
mod shared;

use crate::log::{self, Event};
use crate::report::{self, Line, Report, ReportedState, ShownWait};
use crate::routers::{RouterReport, Routers};
use crate::{clock, limits};
use look::Look;
use segue_core::pod::PodPlan;
use segue_core::pod::life::{self, Action, Life, Outcome};
use segue_core::{Next, Time, Wait, drain};
use segue_guard::{Guard, Snapshot};
use segue_routing::Goal;
use serde_json::json;
pub(crate) use shared::{Shared, Totals, WaitingHook};
use std::rc::Rc;
use std::time::Duration;

/// How often the pod is looked at when nothing else wakes the driver. Without the guard that often also while it serves:
/// the period of probes every second shows only so.
const OFTEN: Duration = Duration::from_millis(200);
/// While it serves behind the guard, which counts: each look makes the kernel go through its whole table of connections.
const SELDOM: Duration = Duration::from_secs(2);
/// How often after the hooks returned, until the application is seen to be gone: one that is only restarted may be back
/// before long.
const LEAVING: Duration = Duration::from_millis(50);
/// Under load something changes all the time: between two looks there is at least this.
const BREATH: Duration = Duration::from_millis(10);

/// The driver of one pod.
pub(crate) struct Driver {
    plan: PodPlan,
    life: Life,
    guard: Option<Guard>,
    look: Look,
    routers: Routers,
    shared: Rc<Shared>,
    /// Whether clients and load balancers are told that the pod is on its way out.
    announced: bool,
    closing: bool,
    /// The last wait that was logged.
    said: Option<String>,
    /// How many stages of the drain's paths were logged to be over.
    stages_said: usize,
    /// What was logged last of the routers.
    routers_said: Vec<RouterReport>,
    /// How the last drain ended.
    outcome: Option<Outcome>,
    /// Whether that was logged and counted.
    counted: bool,
}

impl Driver {
    pub(crate) fn new(plan: PodPlan, guard: Option<Guard>, routers: Routers, shared: Rc<Shared>) -> Self {
        let life = Life::begin(plan.drain.clone(), clock::now());
        let look = Look::new(&plan, guard.is_some());
        Self {
            plan,
            life,
            guard,
            look,
            routers_said: routers.report(),
            routers,
            shared,
            announced: false,
            closing: false,
            said: None,
            stages_said: 0,
            outcome: None,
            counted: false,
        }
    }

    /// Goes on for ever; whoever started it ends it.
    pub(crate) async fn run(mut self) {
        loop {
            let now = clock::now();
            for drain in self.shared.resumed() {
                self.stages_said = self.stages_said.max(drain.stages().len());
                for action in self.life.resume(drain) {
                    self.act(&action, None);
                }
            }
            let snapshot = self.guard.as_ref().map(Guard::snapshot);
            let seen = self.see(snapshot.as_ref());
            let next = self.life.step(&seen, now);
            // A drain under way is one, whatever its paths: the guard announces from its first moment.
            if matches!(self.life.state(), life::State::Draining { .. }) {
                self.announce();
            }
            self.look.learn(matches!(self.life.state(), life::State::Serving { .. }));
            let wait = match next {
                Next::Done(never) => match never {},
                Next::Do(actions) => {
                    for action in actions {
                        self.act(&action, snapshot.as_ref());
                    }
                    None
                }
                Next::Wait(wait) => Some(wait),
            };
            self.tell(&seen, snapshot.as_ref(), wait.as_ref());
            if self.life.ended(&seen, now) {
                self.shared.set_ended();
            }
            self.pause(wait.as_ref(), now).await;
        }
    }

    fn see(&mut self, snapshot: Option<&Snapshot>) -> life::Seen {
        let looked = self.look.look(snapshot);
        if let Some(guard) = &self.guard {
            for (port, addresses) in self.look.listeners() {
                guard.reach(*port, addresses);
            }
        }
        life::Seen {
            asked: self.shared.asked(),
            ending: self.shared.ending(),
            gone: self.routers.gone(),
            drain: drain::Seen {
                told: self.routers.told(),
                alive: looked.listens,
                paths: self.routers.seen(),
                in_flight: looked.in_flight,
                // Those that were told to close may not have all of their answer yet: their own end shows it.
                kept: drain::Kept {
                    connections: snapshot.map_or(0, |guard| guard.kept + guard.closing),
                    closing: self.closing,
                },
                last_request: looked.last_request,
            },
        }
    }

    fn announce(&mut self) {
        if !self.announced {
            self.announced = true;
            self.shared.set_well(false);
            if let Some(guard) = &self.guard {
                guard.announce();
            }
        }
    }

    fn act(&mut self, action: &Action, snapshot: Option<&Snapshot>) {
        match action {
            Action::Drain(drain::Action::Withdraw { path }) => self.routers.tell(path, Goal::Leave),
            Action::Join { path } => self.routers.tell(path, Goal::Join),
            Action::Deregister { path } => self.routers.tell(path, Goal::Deregister),
            Action::Drain(drain::Action::CloseIdle) => {
                self.closing = true;
                if let Some(guard) = &self.guard {
                    guard.close_idle(limits::linger(&self.plan.drain));
                }
            }
            Action::Drain(drain::Action::Cut) => {
                let cut = self.guard.as_ref().map_or(0, Guard::cut);
                log::say(Event::Cut, json!({ "requests": cut, "why": "the drain's deadline came first" }));
            }
            Action::Release => self.released(snapshot),
            Action::Open => {
                self.announced = false;
                self.closing = false;
                self.counted = false;
                self.shared.set_well(true);
                if let Some(guard) = &self.guard {
                    guard.open();
                }
                log::say(Event::Serving, json!({ "why": "the application listens again: it was a restart" }));
            }
        }
    }

    fn released(&mut self, snapshot: Option<&Snapshot>) {
        let life::State::Released { outcome, .. } = self.life.state() else { return };
        self.outcome = Some(outcome.clone());
        if !std::mem::replace(&mut self.counted, true) {
            let guard = snapshot.map(|guard| guard.counters);
            log::say(
                Event::Released,
                json!({ "outcome": outcome, "agent_lost": self.shared.lost(), "guard": guard }),
            );
            self.shared.count(outcome);
        }
    }

    /// Publishes what is known; logs each new wait of a drain once.
    fn tell(&mut self, seen: &life::Seen, snapshot: Option<&Snapshot>, wait: Option<&Wait>) {
        let report = self.report(seen, snapshot, wait);
        for over in report.stages.iter().skip(self.stages_said) {
            log::say(Event::StageOver, json!(over));
        }
        self.stages_said = report.stages.len();
        for router in
            report.routers.iter().filter(|router| !self.routers_said.iter().any(|said| said.same(router)))
        {
            log::say(Event::Router, json!(router));
        }
        self.routers_said.clone_from(&report.routers);
        let kind = wait.map(|wait| wait.why.to_string());
        if report.state == ReportedState::Draining && kind.is_some() && kind != self.said {
            log::say(
                Event::Draining,
                json!({
                    "why": report.why, "until": report.until, "setting": report.setting,
                    "in_flight": report.in_flight, "known": report.known, "kept": report.kept,
                }),
            );
        }
        self.said = kind;
        let drain = match self.life.state() {
            life::State::Draining { drain } => Some(drain.clone()),
            _ => None,
        };
        let released = matches!(self.life.state(), life::State::Released { .. });
        // While something is being done, what is waited for is said by the next line.
        let looked = wait.map(|_| clock::now());
        self.shared.publish(Line { released, report, drain }, looked);
    }

    fn report(&self, seen: &life::Seen, snapshot: Option<&Snapshot>, wait: Option<&Wait>) -> Report {
        let shown = wait.map(ShownWait::of);
        let (in_flight, known) = report::in_flight(seen.drain.in_flight);
        Report {
            schema: 1,
            agent: env!("CARGO_PKG_VERSION").to_owned(),
            state: match self.life.state() {
                _ if self.shared.ending() => ReportedState::Ending,
                life::State::Serving { .. } => ReportedState::Serving,
                life::State::Draining { .. } => ReportedState::Draining,
                life::State::Released { .. } => ReportedState::Released,
            },
            why: shown.as_ref().map(|shown| shown.why.clone()),
            since: shown.as_ref().map(|shown| shown.since),
            until: shown.as_ref().and_then(|shown| shown.until),
            setting: shown.and_then(|shown| shown.setting),
            in_flight,
            known,
            connections: snapshot.map_or(0, |guard| guard.connections) + self.look.not_covered(),
            kept: seen.drain.kept.connections,
            not_covered: self.look.not_covered(),
            hooks: self.shared.hooks(),
            routers: self.routers.report(),
            stages: match self.life.state() {
                life::State::Serving { .. } => Vec::new(),
                life::State::Draining { drain } => drain.stages(),
                life::State::Released { outcome, .. } => outcome.stages.clone(),
            },
            outcome: self.outcome.clone(),
            agent_lost: self.shared.lost(),
            guard: snapshot.map(|guard| guard.counters),
        }
    }

    async fn pause(&self, wait: Option<&Wait>, now: Time) {
        let draining = matches!(self.life.state(), life::State::Draining { .. });
        let Some(wait) = wait else {
            // Something was done: what it changed is looked at next. Hooks that may return do so meanwhile.
            clock::sleep(BREATH).await;
            return;
        };
        let pace = match self.life.state() {
            life::State::Released { down: false, .. } => LEAVING,
            life::State::Serving { .. } if self.guard.is_some() => SELDOM,
            _ => OFTEN,
        };
        let next_look = now + pace;
        let until = wait.until.map_or(next_look, |until| until.min(next_look));
        let changed = async {
            match &self.guard {
                Some(guard) if draining => guard.changed().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = clock::sleep_until(until) => {}
            () = self.shared.woken() => {}
            () = changed => clock::sleep(BREATH).await,
        }
    }
}
