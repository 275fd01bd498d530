//! One instance as it truly is.

use super::random::Random;
use super::route::Route;
use segue_core::Time;
use segue_core::drain::{self, InFlight, Kept};
use segue_core::judge::Readiness;
use segue_core::path::Path;
use segue_core::rollout::InstanceSeen;
use segue_core::stop::Signal;

/// How the instances of a version behave.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// From the start to the first ready answer; `None` if it never comes.
    pub ready_after: Option<u64>,
    /// From the start to a crash, if it crashes.
    pub crashes_after: Option<u64>,
    /// From the stop signal to the end; `None` if it ignores the signal.
    pub stops_in: Option<u64>,
    /// How long its longest request takes.
    pub longest_request: u64,
}

impl Behaviour {
    pub fn good(&self) -> bool {
        self.ready_after.is_some() && self.crashes_after.is_none()
    }
}

/// An instance's truth.
#[derive(Debug, Clone)]
pub struct Instance {
    pub version: segue_core::Version,
    pub behaviour: Behaviour,
    pub routes: Vec<Route>,
    started: u64,
    crash_at: Option<u64>,
    /// Not ready in this time, though it was before.
    unready: (u64, u64),
    /// When each request in flight is answered.
    pub in_flight: Vec<u64>,
    last_request: Option<u64>,
    /// When the first stop signal came, and when it ends by it.
    pub stopped: Option<u64>,
    killed: Option<u64>,
    pub ended: bool,
    /// What this driver knows that it sent.
    signalled: Option<Signal>,
    /// When this driver's first check of it answers.
    checked_at: u64,
}

impl Instance {
    pub fn start(version: segue_core::Version, behaviour: &Behaviour, paths: &[Path], now: u64) -> Self {
        Self {
            version,
            crash_at: behaviour.crashes_after.map(|after| now + after),
            routes: paths.iter().map(|path| Route::known(path.clone(), false)).collect(),
            behaviour: behaviour.clone(),
            started: now,
            unready: (0, 0),
            in_flight: Vec::new(),
            last_request: None,
            stopped: None,
            killed: None,
            ended: false,
            signalled: None,
            checked_at: now + 200,
        }
    }

    /// One that has long been serving, if it is such.
    pub fn long_running(
        version: segue_core::Version,
        behaviour: &Behaviour,
        paths: &[Path],
        now: u64,
    ) -> Self {
        let serves = behaviour.ready_after.is_some();
        let routes = paths.iter().map(|path| Route::known(path.clone(), serves)).collect();
        let behaviour = Behaviour { ready_after: behaviour.ready_after.map(|_| 0), ..behaviour.clone() };
        Self { routes, checked_at: now, ..Self::start(version, &behaviour, paths, now) }
    }

    pub fn ready(&self, now: u64) -> bool {
        let started = self.behaviour.ready_after.is_some_and(|after| self.started + after <= now);
        let well = now < self.unready.0 || self.unready.1 <= now;
        started && well && !self.ended && self.stopped.is_none() && self.killed.is_none()
    }

    pub fn serves(&self, now: u64) -> bool {
        self.ready(now) && self.routes.iter().all(|route| route.joined(now))
    }

    /// Whether a client may still send it a request.
    pub fn reachable(&self, now: u64) -> bool {
        self.routes.iter().any(|route| route.reachable(now))
    }

    /// When the laws allowed to take the instance as left by all, and as quiet, and how much is in flight.
    pub fn left(&self, now: u64) -> Option<u64> {
        let withdrawn = |route: &Route| (!route.admitted).then(|| route.allowed(now)).flatten();
        self.routes.iter().map(withdrawn).try_fold(0, |last, at| at.map(|at| last.max(at)))
    }

    pub fn last_request(&self) -> Option<u64> {
        self.last_request
    }

    pub fn crash(&mut self, now: u64) {
        self.crash_at = Some(now);
    }

    pub fn falter(&mut self, now: u64, until: u64) {
        self.unready = (now, until);
    }

    pub fn signal(&mut self, signal: Signal, now: u64) {
        self.signalled = self.signalled.max(Some(signal));
        match signal {
            Signal::Stop => _ = self.stopped.get_or_insert(now),
            Signal::Kill => _ = self.killed.get_or_insert(now),
        }
    }

    /// Its driver died; `pool` if the router was part of it.
    pub fn adopt(&mut self, pool: bool, now: u64, random: &mut Random) {
        self.signalled = None;
        self.checked_at = now + random.between(0, 1_500);
        if pool {
            self.routes.iter_mut().for_each(|route| route.forget(now));
            self.in_flight.clear();
        }
    }

    pub fn advance(&mut self, now: u64, random: &mut Random) {
        for route in &mut self.routes {
            route.advance(now, random);
        }
        self.in_flight.retain(|end| *end > now);
        let stops = self.stopped.zip(self.behaviour.stops_in).map(|(at, takes)| at + takes);
        let kills = self.killed.map(|at| at + 20);
        if [self.crash_at, stops, kills].into_iter().flatten().any(|end| end <= now) {
            self.ended = true;
        }
        if self.ended {
            self.in_flight.clear();
        } else if self.reachable(now)
            && self.stopped.is_none()
            && self.in_flight.len() < 3
            && random.chance(40)
        {
            self.last_request = Some(now);
            self.in_flight.push(now + random.between(1, self.behaviour.longest_request));
        }
    }

    pub fn seen(&self, now: u64) -> InstanceSeen {
        let readiness = match (now < self.checked_at, self.ready(now)) {
            (true, _) => Readiness::NotReady(None),
            (false, true) => Readiness::Ready,
            (false, false) => Readiness::NotReady(Some("503".to_owned())),
        };
        let paths = self.routes.iter().map(|route| (route.name().to_owned(), route.seen(now)));
        let drain = drain::Seen {
            told: std::collections::BTreeMap::new(),
            alive: !self.ended,
            paths: paths.collect(),
            in_flight: InFlight::Counted(self.in_flight.len() as u64),
            kept: Kept::default(),
            last_request: self.last_request.map(Time::from_millis),
        };
        InstanceSeen { version: self.version.clone(), readiness, drain, signalled: self.signalled }
    }

    /// When something next changes here by itself.
    pub fn next_event(&self, now: u64) -> Option<u64> {
        let ready = self.behaviour.ready_after.map(|after| self.started + after);
        let stops = self.stopped.zip(self.behaviour.stops_in).map(|(at, takes)| at + takes);
        let own = [ready, stops, self.crash_at, self.killed.map(|at| at + 20)].into_iter().flatten();
        let routes = self.routes.iter().flat_map(Route::events);
        let rest =
            [self.checked_at, self.unready.0, self.unready.1].into_iter().chain(self.in_flight.clone());
        own.chain(routes).chain(rest).filter(|at| *at > now).min()
    }
}
