//! A pod on two paths, one through the registry and one whose router can't be told anything, driven in time that the test
//! makes. It knows what each router said at each moment, and by that alone which releases the laws allow.

use crate::registry::{Faults, Registrar, Server};
use segue_core::drain::{self, InFlight, Plan};
use segue_core::path::{Bounds, Millis, Path, Stage};
use segue_core::pod::RouterPlan;
use segue_core::pod::life::{Action, Life, Outcome, Seen, State};
use segue_core::{Next, Time};
use segue_routing::{Answer, CallId, Failure, Goal, Router, Says, Shows};
use std::time::Duration;

pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
pub(crate) const TICK: Duration = Duration::from_millis(100);

pub(crate) fn at(milliseconds: u64) -> Time {
    Time::from_millis(milliseconds)
}

/// What the laws know of one path: when each of its stages was over at the earliest, by what its router said.
#[derive(Debug)]
struct Allowed {
    path: Path,
    router: Box<dyn Router>,
    goal: Goal,
    over: Vec<Time>,
    taken: bool,
}

pub(crate) struct World {
    pub(crate) life: Life,
    paths: Vec<Allowed>,
    pub(crate) server: Server,
    /// The answers on their way.
    coming: Vec<(Time, CallId, Result<Answer, Failure>)>,
    pub(crate) now: Time,
    pub(crate) asked: bool,
    pub(crate) ending: bool,
}

fn path(name: &str, evidence: bool, bounds: &[u64]) -> Path {
    let stage = |(index, bound): (usize, &u64)| Stage {
        name: if index == 0 { "cache".to_owned() } else { format!("client-{index}") },
        join: Bounds::at_most(Duration::from_secs(*bound)),
        leave: Bounds::at_most(Duration::from_secs(*bound)),
        source: "a test".to_owned(),
        setting: "a setting".to_owned(),
        evidence: evidence.then(|| "the registry's cache shows it".to_owned()),
    };
    Path { name: name.to_owned(), stages: bounds.iter().enumerate().map(stage).collect() }
}

impl World {
    pub(crate) fn new(described: bool) -> Self {
        let paths = vec![path("registry", described, &[10, 5]), path("service", false, &[4])];
        let second = |second| Millis(Duration::from_secs(second));
        let plan = Plan {
            paths: paths.clone(),
            quiet: None,
            longest_request: Some(second(10)),
            linger: None,
            deadline: DEADLINE,
            stop_grace: Duration::from_secs(10),
        };
        let allowed = |path: Path| {
            let router: Box<dyn Router> = if path.name == "registry" {
                Box::new(Registrar::default())
            } else {
                segue_routing::of(&RouterPlan::None)
            };
            Allowed { path, router, goal: Goal::Join, over: Vec::new(), taken: false }
        };
        Self {
            life: Life::begin(plan, at(0)),
            paths: paths.into_iter().map(allowed).collect(),
            server: Server::new(Duration::from_secs(2), at(0)),
            coming: Vec::new(),
            now: at(0),
            asked: false,
            ending: false,
        }
    }

    /// A tick: answers arrive, routers step, the pod does. Returns how a drain ended, if one did.
    pub(crate) fn tick(&mut self, mut faults: impl FnMut() -> Faults) -> Option<Outcome> {
        self.now = self.now + TICK;
        let arrived: Vec<_> = self.coming.extract_if(.., |(when, ..)| *when <= self.now).collect();
        for (_, call, answer) in arrived {
            self.paths[0].router.hear(call, answer, self.now);
        }
        for path in &mut self.paths {
            let step = path.router.step(path.goal, self.now);
            for call in step.calls {
                let faults = faults();
                let answer = self.server.answer(&call.request, &faults, self.now);
                let coming = if faults.slow > call.within {
                    (self.now + call.within, call.id, Err(Failure::TooLong(call.within)))
                } else {
                    (self.now + faults.slow, call.id, answer)
                };
                self.coming.push(coming);
            }
            path.look(self.now);
        }
        let released = matches!(self.life.state(), State::Released { .. });
        if let Next::Do(actions) = self.life.step(&self.seen(), self.now) {
            self.act(&actions);
        }
        match self.life.state() {
            State::Released { outcome, .. } if !released => Some(outcome.clone()),
            _ => None,
        }
    }

    fn act(&mut self, actions: &[Action]) {
        for action in actions {
            let (path, goal) = match action {
                Action::Drain(drain::Action::Withdraw { path }) => (path, Goal::Leave),
                Action::Join { path } => (path, Goal::Join),
                Action::Deregister { path } => (path, Goal::Deregister),
                _ => continue,
            };
            let told = self.paths.iter_mut().find(|told| told.path.name == *path).unwrap();
            told.goal = told.goal.max(goal);
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        let says = |path: &Allowed| Some((path.path.name.clone(), path.router.says().seen()?));
        let told = |path: &Allowed| (path.path.name.clone(), path.goal.way());
        let gone = self.paths.iter().filter(|path| path.router.says().shows == Shows::Gone);
        Seen {
            asked: self.asked.then_some(self.now),
            ending: self.ending,
            gone: gone.map(|path| path.path.name.clone()).collect(),
            drain: drain::Seen {
                alive: true,
                paths: self.paths.iter().filter_map(says).collect(),
                told: self.paths.iter().map(told).collect(),
                in_flight: InFlight::Counted(0),
                ..drain::Seen::default()
            },
        }
    }

    pub(crate) fn registry(&self) -> Says {
        self.paths[0].router.says()
    }

    /// Whether the laws allow that the pod has left every path by now.
    pub(crate) fn may_have_left(&self) -> bool {
        self.paths.iter().all(|path| {
            let last = path.over.last();
            path.taken && path.over.len() == path.path.stages.len() && last.is_none_or(|at| *at <= self.now)
        })
    }
}

impl Allowed {
    /// Takes note of what the router says. Written without the rules' own words: a list of moments, emptied whenever the router
    /// does not say that it picks the pod no more.
    fn look(&mut self, now: Time) {
        let says = self.router.says();
        if self.goal == Goal::Join || !matches!(says.shows, Shows::Withdrawn | Shows::Gone) {
            self.over.clear();
            self.taken = false;
            return;
        }
        let mut before = if self.taken { None } else { Some(now) };
        self.taken = true;
        let shown = self
            .path
            .stages
            .iter()
            .rposition(|stage| stage.evidence.is_some() && says.evidence.contains(&stage.name));
        for (index, stage) in self.path.stages.iter().enumerate() {
            let bound = stage.leave.max.unwrap().0;
            if let Some(known) = self.over.get_mut(index) {
                // Evidence may come before the bound that was counted on.
                *known = (*known).min(if shown >= Some(index) { now } else { *known });
                before = Some(*known);
            } else {
                let from = before.unwrap_or(now);
                let end = if shown >= Some(index) { now } else { from + bound };
                self.over.push(end);
                before = Some(end);
            }
        }
        // A stage counts from the end of the one before, which may have come sooner.
        for index in 1..self.over.len() {
            let bound = self.path.stages[index].leave.max.unwrap().0;
            self.over[index] = self.over[index].min(self.over[index - 1] + bound);
        }
    }
}
