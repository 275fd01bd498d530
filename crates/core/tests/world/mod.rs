//! A simulated world: instances and routers as they truly are, and a driver that observes, steps, writes down, acts,
//! and may be killed between any two of these.

pub mod instance;
pub mod oracle;
pub mod random;
pub mod route;

use instance::{Behaviour, Instance};
use oracle::Oracle;
use random::Random;
use segue_core::judge::Outcome;
use segue_core::path::Path;
use segue_core::rollout::{Action, Rollout, Seen};
use segue_core::{InstanceId, Next, Time, Version, drain};
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

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    pub outcome: Outcome,
    pub took: u64,
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

    fn fair(&self) -> bool {
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

    fn restart(&mut self, machine: &mut Rollout) {
        self.restarts += 1;
        let written = serde_json::to_string(machine).unwrap();
        *machine = serde_json::from_str(&written).unwrap();
        self.now += self.random.between(0, 8_000);
        machine.resume(self.time());
        let pool = self.faults.pool_dies;
        // What ended in the meantime is not shown any more to a driver that starts again.
        self.advance(self.now);
        self.instances.retain(|_, instance| !instance.ended);
        for instance in self.instances.values_mut() {
            instance.adopt(pool, self.now, &mut self.random);
        }
    }

    /// Runs a machine to its end, every step under the oracle's eyes.
    pub fn run(&mut self, machine: &mut Rollout, oracle: &mut Oracle) -> Run {
        let began = self.now;
        for _ in 0..20_000 {
            let seen = self.seen();
            let next = machine.step(&seen, self.time());
            oracle.judge(self, machine, &seen, &next);
            let lost = !self.fair() && self.random.chance(self.faults.restart);
            match next {
                Next::Done(outcome) => return Run { outcome, took: self.now - began },
                Next::Do(actions) => {
                    let done = if lost {
                        self.random.between(0, actions.len() as u64)
                    } else {
                        actions.len() as u64
                    };
                    for action in actions.iter().take(usize::try_from(done).unwrap()) {
                        oracle.acts(self, machine, action);
                        self.act(action);
                    }
                    let pause = self.random.between(1, 50);
                    self.advance(self.now + pause);
                }
                Next::Wait(wait) => {
                    let own = wait.until.map(Time::as_millis);
                    let events = self.instances.values().filter_map(|instance| instance.next_event(self.now));
                    let abort = self.abort_at.filter(|at| *at > self.now);
                    let next = events.chain(own).chain(abort).min().expect("nothing would ever happen again");
                    // A driver may be woken for nothing, or late.
                    let to = match self.random.between(1, 10) {
                        1 => self.now + self.random.between(1, next - self.now),
                        2 => next + self.random.between(0, 300),
                        _ => next,
                    };
                    self.advance(to);
                }
            }
            if lost {
                self.restart(machine);
            }
        }
        panic!("no end in sight: {machine:#?}\n{self:#?}");
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
