//! The world itself: instances and routers as they truly are, and what happens to them by itself and by a driver's acts.

use super::instance::{Behaviour, Instance};
use super::random::Random;
use segue_core::path::Path;
use segue_core::rollout::{Action, Seen};
use segue_core::{InstanceId, Time, Version, drain};
use std::collections::BTreeMap;

/// What may go wrong, in percent of the driver's steps, until the world turns fair.
#[derive(Debug, Clone)]
pub struct Faults {
    pub until: u64,
    pub crash: u64,
    pub falter: u64,
    /// The driver is killed before, within or after acting.
    pub restart: u64,
    /// Whether the router dies with the driver, as a proxy in the same process does.
    pub pool_dies: bool,
    /// How late a router takes a change, at most.
    pub router_delay: u64,
}

/// The world.
#[derive(Debug, Clone)]
pub struct World {
    pub now: u64,
    pub instances: BTreeMap<InstanceId, Instance>,
    pub paths: Vec<Path>,
    pub behaviours: BTreeMap<Version, Behaviour>,
    pub faults: Faults,
    pub abort_at: Option<u64>,
    pub restarts: u32,
    pub random: Random,
    started: u64,
}

impl World {
    pub fn new(
        behaviours: BTreeMap<Version, Behaviour>,
        paths: Vec<Path>,
        faults: Faults,
        seed: u64,
    ) -> Self {
        let random = Random::new(seed);
        Self {
            now: 100_000,
            instances: BTreeMap::new(),
            paths,
            behaviours,
            faults,
            abort_at: None,
            restarts: 0,
            random,
            started: 0,
        }
    }

    /// Adds instances that have long been running.
    pub fn with(mut self, version: &Version, count: u32) -> Self {
        for _ in 0..count {
            let behaviour = &self.behaviours[version];
            let instance = Instance::long_running(version.clone(), behaviour, &self.paths, self.now);
            let id = self.next_id();
            self.instances.insert(id, instance);
        }
        self
    }

    fn next_id(&mut self) -> InstanceId {
        self.started += 1;
        InstanceId::from(format!("i{:03}", self.started))
    }

    pub fn time(&self) -> Time {
        Time::from_millis(self.now)
    }

    pub fn alive(&self) -> usize {
        self.instances.values().filter(|instance| !instance.ended).count()
    }

    pub fn seen(&self) -> Seen {
        Seen {
            instances: self
                .instances
                .iter()
                .map(|(id, instance)| (id.clone(), instance.seen(self.now)))
                .collect(),
            abort: self.abort_at.is_some_and(|at| at <= self.now),
        }
    }

    /// Whether nothing goes wrong any more.
    pub fn fair(&self) -> bool {
        self.now >= self.faults.until
    }

    /// Lets time go on to `to`, and things happen.
    pub fn advance(&mut self, to: u64) {
        self.now = to;
        let (crash, falter, fair) = (self.faults.crash, self.faults.falter, self.fair());
        for instance in self.instances.values_mut() {
            if !fair && self.random.chance(crash) {
                instance.crash(to);
            }
            if !fair && self.random.chance(falter) {
                let until = to + self.random.between(100, 5_000);
                instance.falter(to, until);
            }
            instance.advance(to, &mut self.random);
        }
    }

    pub fn act(&mut self, action: &Action) {
        let (now, most) = (self.now, self.faults.router_delay);
        let delay = self.random.between(0, most);
        match action {
            Action::Start { version } => {
                let behaviour = &self.behaviours[version];
                let instance = Instance::start(version.clone(), behaviour, &self.paths, now);
                let id = self.next_id();
                self.instances.insert(id, instance);
            }
            Action::Admit { instance, paths } => {
                let told = |name: &str| paths.iter().any(|path| path == name);
                self.tell(instance, told, true, delay);
            }
            Action::Suspend { instance } => self.tell(instance, |_| true, false, delay),
            Action::Drain { instance, action } => match action {
                drain::Action::Withdraw { path } => self.tell(instance, |name| name == path, false, delay),
                drain::Action::CloseIdle => {}
                drain::Action::Cut => {
                    if let Some(instance) = self.instances.get_mut(instance) {
                        instance.in_flight.clear();
                    }
                }
            },
            Action::Stop { instance, signal } => {
                if let Some(instance) = self.instances.get_mut(instance) {
                    instance.signal(*signal, now);
                }
            }
            Action::Forget { instance } => _ = self.instances.remove(instance),
        }
        // What a router takes at once, it has taken before the next action.
        for instance in self.instances.values_mut() {
            for route in &mut instance.routes {
                route.advance(now, &mut self.random);
            }
        }
    }

    fn tell(&mut self, instance: &InstanceId, which: impl Fn(&str) -> bool, admit: bool, delay: u64) {
        let now = self.now;
        let Some(instance) = self.instances.get_mut(instance) else { return };
        for route in instance.routes.iter_mut().filter(|route| which(route.name())) {
            route.tell(admit, now, delay);
        }
    }
}
