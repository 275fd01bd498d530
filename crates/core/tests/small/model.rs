//! The states of a small world, and what can happen in each.

use crate::cases::{at, path};
use crate::exhaustive::ages::{TICK, ages};
use crate::exhaustive::{Ending, goal};
use segue_core::drain::{self, InFlight, Kept};
use segue_core::judge::{Goal, Readiness};
use segue_core::path::{Path, PathSeen};
use segue_core::rollout::{InstanceSeen, Rollout, Seen};
use segue_core::stop::Signal;
use segue_core::{InstanceId, Time, Version};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// A law that a step broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    Floor,
    Surge,
    NotReady,
    StopsUnderRequests,
    CutsTooSoon,
    KillsTooSoon,
    Cut,
    Turns,
    Done,
    Wait,
}

/// What must be met with somewhere in a world, so that nothing is proven of a world where nothing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    Reached,
    WentBack,
    Stuck,
    Cut,
    Killed,
}

/// A world's rules.
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that may happen or not")]
#[derive(Debug)]
pub struct Small {
    pub from: Goal,
    pub to: Goal,
    pub crashes: u8,
    pub falters: u8,
    pub restarts: u8,
    pub aborts: bool,
    pub late_router: bool,
    pub late_clients: bool,
    pub keeps_router: bool,
    pub never_ready: bool,
    pub ignores_stop: bool,
    /// How much may happen between two looks of the driver.
    pub unseen: u8,
    pub sees: Vec<Summary>,
    pub ending: Ending,
}

impl Small {
    /// From replicas, surge and unavailable to others.
    pub fn new(from: (u32, u32, u32), to: (u32, u32, u32)) -> Self {
        Self {
            from: goal("v1", from, Path::atomic("proxy")),
            to: goal("v2", to, Path::atomic("proxy")),
            crashes: 0,
            falters: 0,
            restarts: 0,
            aborts: false,
            late_router: false,
            late_clients: false,
            keeps_router: false,
            never_ready: false,
            ignores_stop: false,
            unseen: 1,
            sees: Vec::new(),
            ending: Ending::default(),
        }
    }

    pub fn crashes(self, crashes: u8) -> Self {
        Self { crashes, ..self }
    }

    pub fn falters(self, falters: u8) -> Self {
        Self { falters, ..self }
    }

    pub fn restarts(self, restarts: u8) -> Self {
        Self { restarts, ..self }
    }

    pub fn aborts(self) -> Self {
        Self { aborts: true, ..self }
    }

    pub fn late_router(self) -> Self {
        Self { late_router: true, ..self }
    }

    /// The clients learn of a change up to a tick after the router took it.
    pub fn late_clients(mut self) -> Self {
        for goal in [&mut self.from, &mut self.to] {
            goal.drain.paths = vec![path("proxy", &[Some(TICK)])];
        }
        Self { late_clients: true, ..self }
    }

    /// The router outlives the driver.
    pub fn keeps_router(self) -> Self {
        Self { keeps_router: true, ..self }
    }

    pub fn never_ready(self) -> Self {
        Self { never_ready: true, ..self }
    }

    pub fn ignores_stop(self) -> Self {
        Self { ignores_stop: true, ..self }
    }

    /// Two things may happen before the driver looks.
    pub fn two_at_once(self) -> Self {
        Self { unseen: 2, ..self }
    }

    pub fn sees(self, sees: &[Summary]) -> Self {
        Self { sees: sees.to_vec(), ..self }
    }
}

/// An instance's truth.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not, whatever the others are")]
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Instance {
    pub new: bool,
    pub ready: bool,
    /// Whether a check of this driver has answered.
    pub checked: bool,
    pub admitted: bool,
    /// What the router was told and has not taken.
    pub told: Option<bool>,
    /// Ticks since the router took the last change, while a client has not learnt of it.
    pub travels: Option<u64>,
    pub in_flight: bool,
    pub ended: bool,
    /// What this driver knows that it sent.
    pub signalled: Option<Signal>,
    /// Ticks since the drain began, since the first stop signal; and whether it was killed.
    pub leaving: Option<u64>,
    pub stopped: Option<u64>,
    pub killed: bool,
    /// In flight when the rules first asked for the cut, and when it was last seen as it left.
    pub cut: Option<bool>,
    pub carried: bool,
}

impl Instance {
    pub fn serves(&self) -> bool {
        self.ready && !self.ended && self.admitted && self.travels.is_none()
    }

    pub fn reachable(&self) -> bool {
        self.admitted || self.travels.is_some()
    }

    /// Whoever can be reached is being sent requests.
    pub fn fill(&mut self) {
        self.in_flight |= self.reachable() && !self.ended && self.stopped.is_none() && !self.killed;
    }

    pub fn take(&mut self, late_clients: bool) {
        if let Some(admit) = self.told.take()
            && admit != self.admitted
        {
            self.admitted = admit;
            self.travels = late_clients.then_some(0);
        }
    }

    pub fn fresh(new: bool) -> Self {
        Self {
            new,
            ready: false,
            checked: true,
            admitted: false,
            told: None,
            travels: None,
            in_flight: false,
            ended: false,
            signalled: None,
            leaving: None,
            stopped: None,
            killed: false,
            cut: None,
            carried: false,
        }
    }
}

/// A world at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub machine: Rollout,
    pub instances: BTreeMap<u8, Instance>,
    pub now: u64,
    pub started: u8,
    pub crashes: u8,
    pub falters: u8,
    pub restarts: u8,
    pub abort: bool,
    pub broken: Option<Law>,
    pub summary: Option<Summary>,
    pub drained: usize,
    /// How much has happened since the driver looked.
    pub unseen: u8,
}

pub fn id(number: u8) -> InstanceId {
    InstanceId::from(format!("i{number}"))
}

impl State {
    pub fn time(&self) -> Time {
        at(self.now * TICK)
    }

    pub fn seen(&self, late_clients: bool) -> Seen {
        let instances = self.instances.iter().map(|(number, instance)| {
            let readiness = match (instance.checked, instance.ready) {
                (false, _) => Readiness::NotReady(None),
                (true, true) => Readiness::Ready,
                (true, false) => Readiness::NotReady(Some("503".to_owned())),
            };
            let knows = late_clients && instance.travels.is_none();
            let evidence = knows.then(|| "s0".to_owned()).into_iter().collect();
            let paths = [("proxy".to_owned(), PathSeen { admitted: instance.admitted, evidence })];
            let drain = drain::Seen {
                told: std::collections::BTreeMap::new(),
                alive: !instance.ended,
                paths: paths.into(),
                in_flight: InFlight::Counted(u64::from(instance.in_flight)),
                kept: Kept::default(),
                last_request: None,
            };
            let version = Version::from(if instance.new { "v2" } else { "v1" });
            (id(*number), InstanceSeen { version, readiness, drain, signalled: instance.signalled })
        });
        Seen { instances: instances.collect(), abort: self.abort }
    }

    /// The machine as text in which points in time are ages.
    fn ageless(&self) -> String {
        ages(&serde_json::to_string(&self.machine).unwrap(), self.now)
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.ageless().hash(state);
        self.instances.hash(state);
        (self.crashes, self.falters, self.restarts, self.abort, self.started, self.unseen).hash(state);
        (self.broken.map(|law| law as u8), self.summary.map(|summary| summary as u8)).hash(state);
    }
}
