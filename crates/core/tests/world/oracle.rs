//! The laws, checked at every step from the world's own truth. Nothing here asks the rules what they think, but for
//! what they claim: which instances leave, and what they wait for.

use super::state::World;
use segue_core::judge::{Goal, Outcome};
use segue_core::rollout::{Action, Rollout, Seen};
use segue_core::stop::{Ended, Signal};
use segue_core::why::Settings;
use segue_core::{InstanceId, Next, Time, Wait, Why, drain};
use std::collections::BTreeMap;

const SETTINGS: Settings = Settings {
    readiness: Some("how readiness is checked"),
    quiet: Some("how long none may come"),
    in_flight: Some("how long they are waited for"),
    kept: Some("how long they are kept"),
    exit: Some("how long it may take to end"),
    floor: Some("how many must serve"),
};

/// What the oracle remembers of the run.
#[derive(Debug)]
pub struct Oracle {
    goal: Goal,
    fallback: Option<Goal>,
    leaving: BTreeMap<InstanceId, Leaving>,
    drained: usize,
    back: bool,
}

#[derive(Debug)]
struct Leaving {
    began: u64,
    /// In flight when it was last seen alive.
    carried: u64,
    /// In flight when the rules first asked for the cut.
    cut: Option<u64>,
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

impl Oracle {
    pub fn new(goal: Goal, fallback: Option<Goal>) -> Self {
        Self { goal, fallback, leaving: BTreeMap::new(), drained: 0, back: false }
    }

    fn heading(&self) -> &Goal {
        if self.back { self.fallback.as_ref().expect("it went back to nothing") } else { &self.goal }
    }

    /// What holds after each step, before anything is done.
    pub fn judge(&mut self, world: &World, machine: &Rollout, seen: &Seen, next: &Next<Action, Outcome>) {
        assert!(machine.failure().is_some() || !self.back, "it turned round while going back");
        self.back = machine.failure().is_some();
        assert_eq!(machine.goal(), self.heading());
        self.departures(world, machine, seen);
        self.ends(machine);
        if let Next::Do(actions) = next {
            for action in actions {
                if let Action::Drain { instance, action: drain::Action::Cut } = action {
                    let shown = world.instances[instance].in_flight.len() as u64;
                    self.leaving.get_mut(instance).expect("cut without a drain").cut.get_or_insert(shown);
                }
            }
        }
        if !matches!(next, Next::Done(_)) {
            Self::explains(world, machine, seen);
        }
        match next {
            Next::Do(actions) => assert!(!actions.is_empty(), "told to do nothing"),
            Next::Wait(wait) => self.waits(wait, world, machine, seen),
            Next::Done(outcome) => self.done(outcome, world),
        }
    }

    /// Never fewer serving than the floor by a departure of ours.
    fn departures(&mut self, world: &World, machine: &Rollout, seen: &Seen) {
        let floor = self.heading().floor() as usize;
        let stays = |id: &InstanceId| !self.leaving.contains_key(id);
        let truly = world.instances.iter().filter(|(id, instance)| instance.serves(world.now) && stays(id));
        let mut serving: Vec<_> = truly.map(|(id, _)| id.clone()).collect();
        for id in world.instances.keys().filter(|id| machine.leaving(id).is_some()) {
            if stays(id) && serving.contains(id) {
                serving.retain(|other| other != id);
                assert!(
                    serving.len() >= floor,
                    "{id} leaves {} serving of {floor}: {world:#?}",
                    serving.len()
                );
            }
        }
        for (id, instance) in &seen.instances {
            if machine.leaving(id).is_some() {
                let fresh = Leaving { began: world.now, carried: 0, cut: None };
                let leaving = self.leaving.entry(id.clone()).or_insert(fresh);
                if instance.drain.alive {
                    leaving.carried = world.instances[id].in_flight.len() as u64;
                }
            }
        }
    }

    /// What was cut is counted, exactly.
    fn ends(&mut self, machine: &Rollout) {
        for drained in &machine.drained()[self.drained..] {
            let leaving = self.leaving.remove(&drained.instance).expect("drained without a drain");
            let cut = match drained.outcome.ended {
                Ended::ByItself => leaving.carried,
                Ended::Stopped | Ended::Killed => leaving.cut.unwrap_or(0),
            };
            assert_eq!(drained.outcome.cut, cut, "{drained:?}");
        }
        self.drained = machine.drained().len();
        let left: Vec<_> = self.leaving.keys().filter(|id| machine.leaving(id).is_none()).collect();
        assert!(left.is_empty(), "drains without an end: {left:?}");
    }

    /// Every instance has its wait, with its end and its setting.
    fn explains(world: &World, machine: &Rollout, seen: &Seen) {
        let waits = machine.waits(seen, world.time());
        assert!(waits.keys().eq(seen.instances.keys()));
        for (id, wait) in &waits {
            if !seen.instances[id].drain.alive {
                continue;
            }
            Self::explained(wait, world.time(), &format!("{id}"));
            match machine.leaving(id) {
                Some(leaving) if leaving.stopping() => {
                    assert!(
                        matches!(wait.why, Why::Exit | Why::Killed),
                        "{id} stops, and waits for {wait:?}"
                    );
                }
                Some(leaving) => {
                    assert!(
                        matches!(
                            wait.why,
                            Why::Router { .. }
                                | Why::Propagation { .. }
                                | Why::Quiet { .. }
                                | Why::InFlight { .. }
                        ),
                        "{id} leaves, and waits for {wait:?}"
                    );
                    assert!(wait.until.is_some_and(|until| until <= leaving.drain().deadline()), "{wait:?}");
                }
                None => {
                    let stays = seen.instances[id].version == machine.goal().version;
                    let serving = matches!(wait.why, Why::Steady | Why::Floor { .. });
                    assert_eq!(serving, machine.serves(id), "{id} waits for {wait:?}");
                    assert!(!serving || stays == (wait.why == Why::Steady), "{id} waits for {wait:?}");
                }
            }
        }
    }

    fn explained(wait: &Wait, now: Time, who: &str) {
        assert!(wait.since <= now, "{who} waits since the future: {wait:?} at {now:?}");
        assert!(wait.until.is_none_or(|until| until >= now), "{who} waits for the past: {wait:?} at {now:?}");
        let settable =
            !matches!(wait.why, Why::Router { .. } | Why::Killed | Why::BackOff { .. } | Why::Steady);
        let setting = wait.why.setting(&SETTINGS);
        assert_eq!(setting.is_some_and(|setting| !setting.is_empty()), settable, "{wait:?}");
    }

    fn waits(&self, wait: &Wait, world: &World, machine: &Rollout, seen: &Seen) {
        Self::explained(wait, world.time(), "the rollout");
        assert_ne!(wait.until, Some(world.time()), "nothing to do, and nothing to wait for: {wait:?}");
        assert_ne!(wait.why, Why::Steady, "not done, and says that it waits for nothing: {machine:#?}");
        let killed = |wait: Wait| wait.why == Why::Killed;
        let killed = machine.waits(seen, world.time()).into_values().any(killed);
        assert!(wait.until.is_some() || self.fallback.is_none() || killed, "nothing bounds {wait:?}");
        for (id, instance) in world.instances.iter().filter(|(_, instance)| !instance.ended) {
            let theirs = machine.waits(seen, world.time())[id].until;
            let sooner = wait.until.is_none_or(|until| theirs.is_none_or(|theirs| until <= theirs));
            assert!(sooner, "sleeps past the end of {id}'s wait: {instance:?}");
        }
    }

    fn done(&self, outcome: &Outcome, world: &World) {
        assert_eq!(matches!(outcome, Outcome::Reached), !self.back);
        if matches!(outcome, Outcome::Stuck { .. }) {
            return;
        }
        let goal = self.heading();
        assert_eq!(world.alive(), goal.replicas as usize, "done with another number of instances");
        for (id, instance) in &world.instances {
            assert_eq!(instance.version, goal.version, "done, and {id} runs another version");
            assert!(instance.serves(world.now), "done, and {id} does not serve: {instance:?}");
        }
    }

    /// What holds just before an action is done.
    pub fn acts(&self, world: &World, machine: &Rollout, action: &Action) {
        let now = world.now;
        match action {
            Action::Start { version } => {
                assert_eq!(*version, self.heading().version);
                assert!(world.alive() < self.heading().most() as usize, "one instance too many: {world:#?}");
            }
            Action::Admit { instance, paths } => {
                let truth = &world.instances[instance];
                assert!(truth.ready(now), "admits {instance}, which is not ready");
                assert!(machine.leaving(instance).is_none(), "admits {instance}, which leaves");
                let news =
                    |path: &String| truth.routes.iter().any(|route| route.name() == path && !route.admitted);
                assert!(!paths.is_empty() && paths.iter().all(news));
            }
            Action::Suspend { instance } => {
                assert!(!world.instances[instance].ready(now), "suspends {instance}, which is ready");
                let stays = |id: &InstanceId| id != instance && !self.leaving.contains_key(id);
                let others = world.instances.iter().filter(|(id, other)| stays(id) && other.serves(now));
                assert!(others.count() > 0, "suspends {instance}, the last one");
            }
            Action::Drain { instance, action } => self.drains(world, machine, instance, action),
            Action::Stop { instance, signal } => self.stops(world, machine, instance, *signal),
            Action::Forget { instance } => {
                assert!(world.instances[instance].ended, "forgets {instance}, which runs");
            }
        }
    }

    fn drains(&self, world: &World, machine: &Rollout, id: &InstanceId, action: &drain::Action) {
        let now = world.now;
        let instance = &world.instances[id];
        let plan = &machine.goal().drain;
        assert!(machine.leaving(id).is_some(), "drains {id} without a drain");
        let late = now >= self.leaving[id].began + millis(plan.deadline);
        match action {
            drain::Action::Withdraw { path } => {
                let admitted = instance.routes.iter().any(|route| route.name() == path && route.admitted);
                assert!(admitted, "withdraws {id} from {path}, which does not pick it");
            }
            drain::Action::CloseIdle => panic!("closes connections, which no plan of these worlds asks for"),
            drain::Action::Cut => assert!(late, "cuts {id} before its deadline"),
        }
    }

    fn stops(&self, world: &World, machine: &Rollout, id: &InstanceId, signal: Signal) {
        let now = world.now;
        let instance = &world.instances[id];
        let plan = &machine.goal().drain;
        assert!(machine.leaving(id).is_some(), "stops {id} without a drain");
        let late = now >= self.leaving[id].began + millis(plan.deadline);
        match signal {
            Signal::Stop => {
                if late || instance.ended {
                    return;
                }
                assert!(instance.in_flight.is_empty(), "stops {id} under its requests: {instance:#?}");
                let left = instance.left(now);
                let left = left.unwrap_or_else(|| panic!("stops {id} before it is left: {instance:#?}"));
                assert!(!instance.reachable(now), "stops {id}, which can be reached");
                let Some(window) = plan.quiet.map(|quiet| millis(quiet.0)) else { return };
                let bounds: Option<Vec<_>> =
                    plan.paths.iter().map(|path| path.bound(segue_core::path::Direction::Leave)).collect();
                let longest = bounds.map(|bounds| millis(bounds.into_iter().max().unwrap_or_default()));
                let quiet = instance.last_request().is_none_or(|last| last + window <= now);
                let capped = longest.is_some_and(|longest| left + longest.max(window) <= now);
                assert!(quiet || capped, "stops {id} before it is quiet: {instance:#?}");
            }
            Signal::Kill => {
                let stopped =
                    instance.stopped.unwrap_or_else(|| panic!("kills {id}, which was not asked to stop"));
                assert!(now >= stopped + millis(plan.stop_grace), "kills {id} before its grace is over");
            }
        }
    }
}
