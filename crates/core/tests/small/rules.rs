//! What happens in a small world, and the laws that each step of the driver is held to.

use super::model::{Instance, Law, Small, State, Summary, id};
use crate::exhaustive::ages::{DEADLINE, GRACE, PROGRESS};
use segue_core::drain;
use segue_core::judge::Outcome;
use segue_core::rollout::{Action, Rollout};
use segue_core::stop::{Ended, Signal};
use segue_core::{InstanceId, Next, Why};
use stateright::{Model, Property};

/// What may happen next.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The driver observes, steps, writes down and acts.
    Step,
    /// The same, and it is killed after so many actions; its successor starts.
    Dies(u8),
    Tick,
    Abort,
    Ready(u8),
    Falters(u8),
    Crashes(u8),
    Ends(u8),
    /// What was in flight is answered; while it can be reached, the next request is there already.
    Answer(u8),
    /// The router takes what it was told.
    Takes(u8),
    /// The last client learns of it.
    Learns(u8),
    /// The first check of a new driver answers.
    Checked(u8),
}

impl Small {
    fn step(&self, state: &mut State, act: Option<u8>) {
        let before = state.clone();
        let seen = state.seen(self.late_clients);
        let next = state.machine.step(&seen, state.time());
        let floor = state.machine.goal().floor() as usize;
        for (number, instance) in &mut state.instances {
            let leaves = state.machine.leaving(&id(*number)).is_some();
            if leaves && instance.leaving.is_none() {
                instance.leaving = Some(0);
            }
            if leaves && !instance.ended {
                instance.carried = instance.in_flight;
            }
        }
        let served = before.serving();
        if state.serving() < served && state.serving() < floor {
            state.breaks(Law::Floor);
        }
        if before.machine.failure().is_some() && before.machine.goal() != state.machine.goal() {
            state.breaks(Law::Turns);
        }
        state.count_cuts();
        match next {
            Next::Do(actions) => {
                for action in actions.iter().take(act.map_or(usize::MAX, usize::from)) {
                    self.act(state, action);
                }
                for action in &actions {
                    if let Action::Drain { instance, action: drain::Action::Cut } = action {
                        let cut = &before.instances[&number(instance)];
                        let seen = cut.cut.or(Some(cut.in_flight));
                        state.change(number(instance), |instance| instance.cut = seen);
                    }
                }
            }
            Next::Wait(wait) => {
                let past = wait.until.is_some_and(|until| until <= state.time()) || wait.since > state.time();
                if past || wait.why == Why::Steady {
                    state.breaks(Law::Wait);
                }
            }
            Next::Done(outcome) => self.done(state, &outcome),
        }
    }

    fn done(&self, state: &mut State, outcome: &Outcome) {
        let goal = if matches!(outcome, Outcome::Reached) { &self.to } else { &self.from };
        let new = goal.version == self.to.version;
        let right = |instance: &Instance| instance.new == new && instance.serves();
        let all = state.instances.len() == goal.replicas as usize && state.instances.values().all(right);
        if !all && !matches!(outcome, Outcome::Stuck { .. }) {
            state.breaks(Law::Done);
        }
        state.summary = Some(match outcome {
            Outcome::Reached => Summary::Reached,
            Outcome::WentBack { .. } => Summary::WentBack,
            Outcome::Stuck { .. } => Summary::Stuck,
        });
    }

    fn act(&self, state: &mut State, action: &Action) {
        match action {
            Action::Start { version } => {
                let alive = state.instances.values().filter(|instance| !instance.ended).count();
                if alive >= state.machine.goal().most() as usize || *version != state.machine.goal().version {
                    state.breaks(Law::Surge);
                }
                state.instances.insert(state.started, Instance::fresh(*version == self.to.version));
                state.started += 1;
            }
            Action::Admit { instance, .. } => {
                if !state.of(instance).ready || state.of(instance).leaving.is_some() {
                    state.breaks(Law::NotReady);
                }
                self.tell(state, instance, true);
            }
            Action::Suspend { instance } => {
                if state.of(instance).ready || state.serving() == 0 {
                    state.breaks(Law::Floor);
                }
                self.tell(state, instance, false);
            }
            Action::Drain { instance, action } => self.drain(state, instance, action),
            Action::Stop { instance, signal } => Self::stop(state, instance, *signal),
            Action::Forget { instance } => {
                if state.instances.remove(&number(instance)).is_some_and(|instance| !instance.ended) {
                    state.breaks(Law::Done);
                }
            }
        }
    }

    fn drain(&self, state: &mut State, instance: &InstanceId, action: &drain::Action) {
        let truth = state.of(instance).clone();
        let late = truth.leaving.is_some_and(|ticks| ticks >= DEADLINE);
        match action {
            drain::Action::Withdraw { .. } => self.tell(state, instance, false),
            drain::Action::CloseIdle => panic!("closes connections, which no plan of these worlds asks for"),
            drain::Action::Cut => {
                if !late {
                    state.breaks(Law::CutsTooSoon);
                }
                state.change(number(instance), |instance| instance.in_flight = false);
            }
        }
    }

    fn stop(state: &mut State, instance: &InstanceId, signal: Signal) {
        let truth = state.of(instance).clone();
        let late = truth.leaving.is_some_and(|ticks| ticks >= DEADLINE);
        match signal {
            Signal::Stop => {
                if !late && (truth.in_flight || truth.reachable()) {
                    state.breaks(Law::StopsUnderRequests);
                }
                state.change(number(instance), |instance| {
                    instance.signalled = instance.signalled.max(Some(Signal::Stop));
                    instance.stopped.get_or_insert(0);
                    instance.ready = false;
                });
            }
            Signal::Kill => {
                if truth.stopped.is_none_or(|ticks| ticks < GRACE) {
                    state.breaks(Law::KillsTooSoon);
                }
                state.change(number(instance), |instance| {
                    instance.signalled = Some(Signal::Kill);
                    instance.killed = true;
                });
            }
        }
    }

    fn tell(&self, state: &mut State, instance: &InstanceId, admit: bool) {
        let (late_router, late_clients) = (self.late_router, self.late_clients);
        state.change(number(instance), |instance| {
            instance.told = Some(admit);
            if !late_router {
                instance.take(late_clients);
            }
        });
    }

    fn restart(&self, state: &mut State) {
        let written = serde_json::to_string(&state.machine).unwrap();
        state.machine = serde_json::from_str::<Rollout>(&written).unwrap();
        state.machine.resume(state.time());
        state.restarts += 1;
        state.instances.retain(|_, instance| !instance.ended);
        for instance in state.instances.values_mut() {
            instance.checked = false;
            instance.signalled = None;
            if !self.keeps_router {
                (instance.admitted, instance.told, instance.travels) = (false, None, None);
                instance.in_flight = false;
            }
        }
    }

    /// What happens next in a fair world: the driver first, then whoever keeps it waiting, then time.
    fn fairly(&self, state: &State) -> Event {
        let mut stepped = state.clone();
        self.step(&mut stepped, None);
        if stepped.over() || stepped.machine != state.machine || stepped.instances != state.instances {
            return Event::Step;
        }
        let of = |(number, instance): (&u8, &Instance)| {
            let event = [
                (!instance.checked, Event::Checked(*number)),
                (instance.told.is_some(), Event::Takes(*number)),
                (instance.travels.is_some(), Event::Learns(*number)),
                (self.ends(instance), Event::Ends(*number)),
                (instance.in_flight && !instance.reachable(), Event::Answer(*number)),
                (self.becomes_ready(instance), Event::Ready(*number)),
            ];
            event.into_iter().find(|(may, _)| *may).map(|(_, event)| event)
        };
        let living = state.instances.iter().filter(|(_, instance)| !instance.ended);
        living.into_iter().find_map(of).unwrap_or(Event::Tick)
    }

    fn ends(&self, instance: &Instance) -> bool {
        instance.killed || (instance.stopped.is_some() && !self.ignores_stop)
    }

    fn becomes_ready(&self, instance: &Instance) -> bool {
        !instance.ready && instance.stopped.is_none() && !(instance.new && self.never_ready)
    }

    /// Whether a fair world comes to its end from here.
    fn comes_to_its_end(&self, state: &State) -> bool {
        let next = |state: &State| self.next_state(state, self.fairly(state));
        self.ending.is_met(state, State::over, next)
    }
}

fn number(instance: &InstanceId) -> u8 {
    instance.as_str()[1..].parse().unwrap()
}

impl State {
    fn of(&self, instance: &InstanceId) -> &Instance {
        &self.instances[&number(instance)]
    }

    fn change(&mut self, number: u8, change: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self.instances.get_mut(&number) {
            change(instance);
        }
    }

    fn breaks(&mut self, law: Law) {
        self.broken.get_or_insert(law);
    }

    fn count_cuts(&mut self) {
        let drained = self.machine.drained()[self.drained..].to_vec();
        for drained in drained {
            self.drained += 1;
            // What a driver that was away did not see the end of is not there any more.
            let Some(instance) = self.instances.get(&number(&drained.instance)) else { continue };
            let expected = match drained.outcome.ended {
                Ended::ByItself => instance.carried,
                Ended::Stopped | Ended::Killed => instance.cut.unwrap_or(false),
            };
            if drained.outcome.cut != u64::from(expected) {
                self.breaks(Law::Cut);
            } else if drained.outcome.ended == Ended::Killed {
                self.summary = Some(Summary::Killed);
            } else if expected {
                self.summary = Some(Summary::Cut);
            }
        }
    }

    fn over(&self) -> bool {
        matches!(self.summary, Some(Summary::Reached | Summary::WentBack | Summary::Stuck))
    }

    fn serving(&self) -> usize {
        self.instances.values().filter(|instance| instance.serves() && instance.leaving.is_none()).count()
    }
}

impl Model for Small {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let old = Instance { ready: true, admitted: true, in_flight: true, ..Instance::fresh(false) };
        let count = u8::try_from(self.from.replicas).unwrap();
        let mut state = State {
            machine: Rollout::begin(self.from.clone(), None, segue_core::Time::from_millis(0)),
            instances: (0..count).map(|number| (number, old.clone())).collect(),
            now: PROGRESS,
            started: count,
            crashes: 0,
            falters: 0,
            restarts: 0,
            abort: false,
            broken: None,
            summary: None,
            drained: 0,
            unseen: 0,
        };
        let _ = state.machine.step(&state.seen(self.late_clients), state.time());
        let now = state.time();
        state.machine = state.machine.turn(self.to.clone(), Some(self.from.clone()), now);
        vec![state]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        if state.over() || state.broken.is_some() {
            return;
        }
        events.push(Event::Step);
        if state.restarts < self.restarts {
            let mut machine = state.machine.clone();
            let actions = match machine.step(&state.seen(self.late_clients), state.time()) {
                Next::Do(actions) => u8::try_from(actions.len()).unwrap(),
                Next::Wait(_) | Next::Done(_) => 0,
            };
            events.extend((0..=actions).map(Event::Dies));
        }
        // So much may happen between two looks of the driver.
        if state.unseen >= self.unseen {
            return;
        }
        events.push(Event::Tick);
        if self.aborts && !state.abort {
            events.push(Event::Abort);
        }
        for (number, instance) in state.instances.iter().filter(|(_, instance)| !instance.ended) {
            let runs = instance.stopped.is_none() && !instance.killed;
            let possible = [
                (self.becomes_ready(instance), Event::Ready(*number)),
                (instance.ready && state.falters < self.falters, Event::Falters(*number)),
                (runs && state.crashes < self.crashes, Event::Crashes(*number)),
                (self.ends(instance), Event::Ends(*number)),
                (instance.in_flight && !instance.reachable(), Event::Answer(*number)),
                (instance.told.is_some(), Event::Takes(*number)),
                (instance.travels.is_some(), Event::Learns(*number)),
                (!instance.checked, Event::Checked(*number)),
            ];
            events.extend(possible.into_iter().filter(|(may, _)| *may).map(|(_, event)| event));
        }
    }

    fn next_state(&self, last: &State, event: Event) -> Option<State> {
        let mut state = last.clone();
        // What a drain before this one was like is told once.
        state.summary = None;
        state.unseen = if matches!(event, Event::Step | Event::Dies(_)) { 0 } else { state.unseen + 1 };
        match event {
            Event::Step => self.step(&mut state, None),
            Event::Dies(actions) => {
                self.step(&mut state, Some(actions));
                self.restart(&mut state);
            }
            Event::Tick => {
                // A client that has not learnt by the bound learns now.
                for instance in state.instances.values_mut() {
                    instance.travels = instance.travels.map(|ticks| ticks + 1).filter(|ticks| *ticks < 1);
                    instance.leaving = instance.leaving.map(|ticks| (ticks + 1).min(DEADLINE));
                    instance.stopped = instance.stopped.map(|ticks| (ticks + 1).min(GRACE));
                }
                state.now += 1;
            }
            Event::Abort => state.abort = true,
            Event::Ready(number) => state.change(number, |instance| instance.ready = true),
            Event::Falters(number) => {
                state.falters += 1;
                state.change(number, |instance| instance.ready = false);
            }
            Event::Crashes(number) => {
                state.crashes += 1;
                state.change(number, end);
            }
            Event::Ends(number) => state.change(number, end),
            Event::Answer(number) => state.change(number, |instance| instance.in_flight = false),
            Event::Takes(number) => state.change(number, |instance| instance.take(self.late_clients)),
            Event::Learns(number) => state.change(number, |instance| instance.travels = None),
            Event::Checked(number) => state.change(number, |instance| instance.checked = true),
        }
        state.instances.values_mut().for_each(Instance::fill);
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::<Self>::always("never fewer serving than the floor", |_, state| {
                state.broken != Some(Law::Floor)
            }),
            Property::<Self>::always("never more than replicas and surge", |_, state| {
                state.broken != Some(Law::Surge)
            }),
            Property::<Self>::always("nothing is admitted that is not ready or leaves", |_, state| {
                state.broken != Some(Law::NotReady)
            }),
            Property::<Self>::always("never stopped while reachable or in flight", |_, state| {
                state.broken != Some(Law::StopsUnderRequests)
            }),
            Property::<Self>::always("never cut before the deadline", |_, state| {
                state.broken != Some(Law::CutsTooSoon)
            }),
            Property::<Self>::always("never killed before the grace is over", |_, state| {
                state.broken != Some(Law::KillsTooSoon)
            }),
            Property::<Self>::always("what was cut is counted", |_, state| state.broken != Some(Law::Cut)),
            Property::<Self>::always("going back is for good", |_, state| state.broken != Some(Law::Turns)),
            Property::<Self>::always("done means that all is as asked", |_, state| {
                state.broken != Some(Law::Done)
            }),
            Property::<Self>::always("every wait has an end or a reason", |_, state| {
                state.broken != Some(Law::Wait)
            }),
            Property::<Self>::always("a fair world comes to its end from here", Self::comes_to_its_end),
        ];
        properties.extend(self.sees.iter().map(|sees| match sees {
            Summary::Reached => {
                Property::<Self>::sometimes("reached", |_, state| state.summary == Some(Summary::Reached))
            }
            Summary::WentBack => {
                Property::<Self>::sometimes("went back", |_, state| state.summary == Some(Summary::WentBack))
            }
            Summary::Stuck => {
                Property::<Self>::sometimes("stuck", |_, state| state.summary == Some(Summary::Stuck))
            }
            Summary::Cut => {
                Property::<Self>::sometimes("cut", |_, state| state.summary == Some(Summary::Cut))
            }
            Summary::Killed => {
                Property::<Self>::sometimes("killed", |_, state| state.summary == Some(Summary::Killed))
            }
        }));
        properties
    }
}

fn end(instance: &mut Instance) {
    instance.ended = true;
    instance.in_flight = false;
    instance.ready = false;
    // Nobody sends to what is gone: its router sees that.
    (instance.admitted, instance.told, instance.travels) = (false, None, None);
}
