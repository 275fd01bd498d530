//! The states of a small world with a controller.

use crate::cases::{at, path};
use crate::exhaustive::ages::{TICK, ages};
use crate::exhaustive::{Ending, goal};
use segue_core::judge::controller::{Controller, InstanceSeen, PausedBy, Seen, Watched};
use segue_core::judge::{Goal, Readiness};
use segue_core::path::PathSeen;
use segue_core::{InstanceId, Time, Version};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

/// A law that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    Floor,
    Pause,
    Turns,
    Done,
    Wait,
}

/// What must be met with somewhere in a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    Reached,
    WentBack,
    Stuck,
    TakenOver,
    Held,
    BelowFloor,
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
    pub never_ready: bool,
    pub others_pause: bool,
    pub others_roll: bool,
    /// How many somebody else asks for.
    pub scaled_to: Option<u32>,
    /// It takes one as soon as another is ready, before anybody could look.
    pub hasty: bool,
    /// It hears later of what it is asked.
    pub late: bool,
    pub sees: Vec<Summary>,
    pub ending: Ending,
}

impl Small {
    /// Replicas, surge and unavailable.
    pub fn new(rules: (u32, u32, u32)) -> Self {
        let service = || path("service", &[Some(TICK)]);
        Self {
            from: goal("v1", rules, service()),
            to: goal("v2", rules, service()),
            crashes: 0,
            falters: 0,
            restarts: 0,
            aborts: false,
            never_ready: false,
            others_pause: false,
            others_roll: false,
            scaled_to: None,
            hasty: false,
            late: false,
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

    pub fn never_ready(self) -> Self {
        Self { never_ready: true, ..self }
    }

    pub fn others_pause(self) -> Self {
        Self { others_pause: true, ..self }
    }

    pub fn others_roll(self) -> Self {
        Self { others_roll: true, ..self }
    }

    pub fn scaled_to(self, replicas: u32) -> Self {
        Self { scaled_to: Some(replicas), ..self }
    }

    pub fn hasty(self) -> Self {
        Self { hasty: true, ..self }
    }

    pub fn late(self) -> Self {
        Self { late: true, ..self }
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
    /// Whether somebody has looked since it was ready.
    pub looked: bool,
    /// Ticks since it was ready, while a client does not know it.
    pub travels: Option<u64>,
    pub leaving: bool,
    pub ended: bool,
}

impl Instance {
    pub fn fresh(new: bool) -> Self {
        Self { new, ready: false, looked: false, travels: None, leaving: false, ended: false }
    }

    pub fn stays(&self) -> bool {
        !self.leaving && !self.ended
    }

    pub fn serves(&self) -> bool {
        self.ready && self.stays() && self.travels.is_none()
    }
}

/// The version and whether to pause, as the controller acts upon it.
pub type Heard = (&'static str, bool);

/// A world at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub machine: Watched,
    pub instances: BTreeMap<u8, Instance>,
    pub version: &'static str,
    pub replicas: u32,
    pub paused: Option<PausedBy>,
    /// What the controller has heard of both.
    pub heard: Heard,
    pub now: u64,
    pub started: u8,
    pub crashes: u8,
    pub falters: u8,
    pub restarts: u8,
    pub abort: bool,
    pub paused_once: bool,
    pub broken: Option<Law>,
    pub summary: Option<Summary>,
    /// Whether anything has happened since somebody looked.
    pub unseen: bool,
}

pub fn id(number: u8) -> InstanceId {
    InstanceId::from(format!("i{number}"))
}

impl State {
    pub fn time(&self) -> Time {
        at(self.now * TICK)
    }

    pub fn asked(&self) -> Heard {
        (self.version, self.paused.is_some())
    }

    pub fn serving(&self) -> usize {
        self.instances.values().filter(|instance| instance.serves()).count()
    }

    pub fn seen(&self) -> Seen {
        let instances = self.instances.iter().map(|(number, instance)| {
            let ready = instance.ready && !instance.ended;
            let readiness =
                if ready { Readiness::Ready } else { Readiness::NotReady(Some("503".to_owned())) };
            let knows = ready && instance.travels.is_none();
            let evidence = knows.then(|| "s0".to_owned()).into_iter().collect();
            let seen = InstanceSeen {
                version: Version::from(if instance.new { "v2" } else { "v1" }),
                readiness,
                alive: !instance.ended,
                leaving: instance.leaving,
                paths: [("service".to_owned(), PathSeen { admitted: ready, evidence })].into(),
            };
            (id(*number), seen)
        });
        let controller =
            Controller { version: self.version.into(), replicas: self.replicas, paused: self.paused };
        Seen { instances: instances.collect(), controller, abort: self.abort }
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, state: &mut H) {
        ages(&serde_json::to_string(&self.machine).unwrap(), self.now).hash(state);
        self.instances.hash(state);
        (self.version, self.replicas, self.paused, self.heard).hash(state);
        (self.crashes, self.falters, self.restarts, self.abort, self.started).hash(state);
        (self.paused_once, self.unseen).hash(state);
        (self.broken.map(|law| law as u8), self.summary.map(|summary| summary as u8)).hash(state);
    }
}
