//! What happens in a small world with a controller, and the laws.

use super::model::{Instance, Law, Small, State, Summary};
use crate::exhaustive::ages::PROGRESS;
use segue_core::judge::Outcome;
use segue_core::judge::controller::{Action, End, PausedBy, Watched};
use segue_core::{Next, Time, Why};
use stateright::{Model, Property};

/// What may happen next.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody looks, decides and acts.
    Step,
    /// Whoever looks dies, and its successor goes on.
    Dies,
    Tick,
    Abort,
    Ready(u8),
    Falters(u8),
    Crashes(u8),
    /// The last client learns of it.
    Learns(u8),
    /// It has ended and is not shown any more.
    Gone(u8),
    /// The controller starts one.
    Starts,
    /// The controller takes one.
    Takes(u8),
    /// The controller hears what it was asked.
    Hears,
    /// Somebody else asks for more or fewer.
    Scales,
    Pauses,
    LetsGoOn,
    Rolls,
}

impl Small {
    fn step(&self, state: &mut State) {
        let seen = state.seen();
        for instance in state.instances.values_mut() {
            instance.looked = instance.ready;
        }
        match state.machine.step(&seen, state.time()) {
            Next::Do(actions) => actions.into_iter().for_each(|action| Self::act(state, action)),
            Next::Wait(wait) => {
                let past = wait.until.is_some_and(|until| until <= state.time()) || wait.since > state.time();
                if past || wait.why == Why::Steady {
                    state.breaks(Law::Wait);
                }
            }
            Next::Done(end) => self.done(state, end),
        }
    }

    fn act(state: &mut State, action: Action) {
        match action {
            Action::Pause => {
                state.paused.get_or_insert(PausedBy::Watcher);
                state.summary = Some(Summary::Held);
            }
            Action::Resume => {
                if state.paused == Some(PausedBy::SomebodyElse) {
                    state.breaks(Law::Pause);
                }
                state.paused = None;
            }
            Action::Undo => {
                if state.machine.judge().failure().is_none() || state.version != "v2" {
                    state.breaks(Law::Turns);
                }
                state.version = "v1";
            }
        }
    }

    fn done(&self, state: &mut State, end: End) {
        if state.paused == Some(PausedBy::Watcher) {
            state.breaks(Law::Pause);
        }
        let version = if matches!(end, End::Judged(Outcome::Reached)) { &self.to } else { &self.from };
        let new = version.version == self.to.version;
        let staying = || state.instances.values().filter(|instance| !instance.ended);
        let right = staying().all(|instance| instance.new == new && instance.serves());
        let all = right && staying().count() == state.replicas as usize;
        let (summary, whole) = match end {
            End::Judged(Outcome::Reached) => (Summary::Reached, all),
            End::Judged(Outcome::WentBack { .. }) => (Summary::WentBack, all),
            End::Judged(Outcome::Stuck { .. }) => (Summary::Stuck, true),
            End::TakenOver { version } => (Summary::TakenOver, version.as_str() == "v3"),
        };
        if !whole {
            state.breaks(Law::Done);
        }
        state.summary = Some(summary);
    }

    fn floor(&self, state: &State) -> usize {
        state.replicas.saturating_sub(self.to.unavailable) as usize
    }

    fn may_start(&self, state: &State) -> bool {
        let staying = || state.instances.values().filter(|instance| instance.stays());
        let right = staying().filter(|instance| state.is_right(instance)).count();
        let room = staying().count() < (state.replicas + self.to.surge) as usize;
        state.moves() && room && right < state.replicas as usize
    }

    /// A controller takes those of another version, and by its own count it never goes below the floor. Those that are too many
    /// go even while it is paused, and those first that are not ready.
    fn may_take(&self, state: &State, instance: &Instance) -> bool {
        let staying = || state.instances.values().filter(|instance| instance.stays());
        let counted = staying().filter(|other| other.ready && (self.hasty || other.looked)).count();
        let spare = !instance.ready || counted > self.floor(state);
        let replaced = !state.is_right(instance) && state.moves() && spare;
        instance.stays() && (replaced || (self.too_many(state) && spare))
    }

    fn too_many(&self, state: &State) -> bool {
        let staying = state.instances.values().filter(|instance| instance.stays());
        staying.count() > (state.replicas + self.to.surge) as usize
            || state
                .instances
                .values()
                .filter(|instance| instance.stays() && state.is_right(instance))
                .count()
                > state.replicas as usize
    }

    fn becomes_ready(&self, instance: &Instance) -> bool {
        !instance.ready && instance.stays() && !(instance.new && self.never_ready)
    }

    /// What happens next in a fair world: whoever looks first, then the controller, then the instances, then time.
    fn fairly(&self, state: &State) -> Event {
        let mut stepped = state.clone();
        self.step(&mut stepped);
        stepped.summary = if stepped.over() { stepped.summary } else { state.summary };
        if stepped != *state {
            return Event::Step;
        }
        if state.heard != state.asked() {
            return Event::Hears;
        }
        if state.paused == Some(PausedBy::SomebodyElse) {
            return Event::LetsGoOn;
        }
        if self.may_start(state) {
            return Event::Starts;
        }
        let of = |(number, instance): (&u8, &Instance)| {
            let event = [
                (instance.leaving || instance.ended, Event::Gone(*number)),
                (instance.travels.is_some(), Event::Learns(*number)),
                (self.becomes_ready(instance), Event::Ready(*number)),
                (self.may_take(state, instance), Event::Takes(*number)),
            ];
            event.into_iter().find(|(may, _)| *may).map(|(_, event)| event)
        };
        state.instances.iter().find_map(of).unwrap_or(Event::Tick)
    }

    /// Whether a fair world comes to its end from here.
    fn comes_to_its_end(&self, state: &State) -> bool {
        let next = |state: &State| self.next_state(state, self.fairly(state));
        self.ending.is_met(state, State::over, next)
    }

    fn take(&self, state: &mut State, number: u8) {
        let too_many = self.too_many(state);
        let served = state.serving();
        state.change(number, |instance| instance.leaving = true);
        let below = state.serving() < served && state.serving() < self.floor(state);
        // Those that are too many were taken by whoever asked for fewer.
        if !below || too_many {
        } else if self.hasty || self.late {
            state.summary = Some(Summary::BelowFloor);
        } else {
            state.breaks(Law::Floor);
        }
    }
}

impl State {
    fn change(&mut self, number: u8, change: impl FnOnce(&mut Instance)) {
        if let Some(instance) = self.instances.get_mut(&number) {
            change(instance);
        }
    }

    fn breaks(&mut self, law: Law) {
        self.broken.get_or_insert(law);
    }

    /// Whether the controller replaces something. What it does for a third version is nobody's here.
    fn moves(&self) -> bool {
        let (version, paused) = self.heard;
        !paused && version != "v3"
    }

    fn is_right(&self, instance: &Instance) -> bool {
        self.heard.0 == if instance.new { "v2" } else { "v1" }
    }

    fn over(&self) -> bool {
        use Summary::{Reached, Stuck, TakenOver, WentBack};
        matches!(self.summary, Some(Reached | WentBack | Stuck | TakenOver))
    }
}

impl Model for Small {
    type State = State;
    type Action = Event;

    fn init_states(&self) -> Vec<State> {
        let old = Instance { ready: true, looked: true, ..Instance::fresh(false) };
        let count = u8::try_from(self.from.replicas).unwrap();
        vec![State {
            machine: Watched::begin(self.to.clone(), Some(self.from.clone()), Time::from_millis(0)),
            instances: (0..count).map(|number| (number, old.clone())).collect(),
            version: "v2",
            replicas: self.from.replicas,
            paused: None,
            heard: ("v2", false),
            now: PROGRESS - 1,
            started: count,
            crashes: 0,
            falters: 0,
            restarts: 0,
            abort: false,
            paused_once: false,
            broken: None,
            summary: None,
            unseen: false,
        }]
    }

    fn actions(&self, state: &State, events: &mut Vec<Event>) {
        if state.over() || state.broken.is_some() {
            return;
        }
        events.push(Event::Step);
        if state.restarts < self.restarts {
            events.push(Event::Dies);
        }
        if state.heard != state.asked() {
            events.push(Event::Hears);
        }
        // One thing may happen between two looks, and the controller may act upon it.
        let controller = |(number, instance): (&u8, &Instance)| {
            self.may_take(state, instance).then_some(Event::Takes(*number))
        };
        events.extend(state.instances.iter().filter_map(controller));
        if self.may_start(state) {
            events.push(Event::Starts);
        }
        if state.unseen {
            return;
        }
        let others = [
            (true, Event::Tick),
            (self.aborts && !state.abort, Event::Abort),
            (
                self.scaled_to.is_some_and(|replicas| replicas != state.replicas && state.now < PROGRESS),
                Event::Scales,
            ),
            (self.others_pause && !state.paused_once && state.paused.is_none(), Event::Pauses),
            (state.paused == Some(PausedBy::SomebodyElse), Event::LetsGoOn),
            (self.others_roll && state.version != "v3", Event::Rolls),
        ];
        events.extend(others.into_iter().filter(|(may, _)| *may).map(|(_, event)| event));
        for (number, instance) in &state.instances {
            let possible = [
                (self.becomes_ready(instance), Event::Ready(*number)),
                (instance.ready && instance.stays() && state.falters < self.falters, Event::Falters(*number)),
                (instance.stays() && state.crashes < self.crashes, Event::Crashes(*number)),
                (instance.travels.is_some(), Event::Learns(*number)),
                (instance.leaving || instance.ended, Event::Gone(*number)),
            ];
            events.extend(possible.into_iter().filter(|(may, _)| *may).map(|(_, event)| event));
        }
    }

    fn next_state(&self, last: &State, event: Event) -> Option<State> {
        let mut state = last.clone();
        state.summary = None;
        let quick = matches!(event, Event::Starts | Event::Takes(_) | Event::Hears);
        state.unseen = !matches!(event, Event::Step | Event::Dies) && (state.unseen || !quick);
        match event {
            Event::Step => self.step(&mut state),
            Event::Dies => {
                let written = serde_json::to_string(&state.machine).unwrap();
                state.machine = serde_json::from_str::<Watched>(&written).unwrap();
                state.machine.resume(state.time());
                state.restarts += 1;
            }
            Event::Tick => {
                for instance in state.instances.values_mut() {
                    instance.travels = instance.travels.map(|ticks| ticks + 1).filter(|ticks| *ticks < 1);
                }
                state.now += 1;
            }
            Event::Abort => state.abort = true,
            Event::Ready(number) => state.change(number, |instance| {
                (instance.ready, instance.looked, instance.travels) = (true, false, Some(0));
            }),
            Event::Falters(number) => {
                state.falters += 1;
                state.change(number, |instance| (instance.ready, instance.travels) = (false, None));
            }
            Event::Crashes(number) => {
                state.crashes += 1;
                state.change(number, |instance| {
                    (instance.ready, instance.travels, instance.ended) = (false, None, true);
                });
            }
            Event::Learns(number) => state.change(number, |instance| instance.travels = None),
            Event::Gone(number) => {
                state.instances.remove(&number);
            }
            Event::Starts => {
                state.instances.insert(state.started, Instance::fresh(state.heard.0 == "v2"));
                state.started += 1;
            }
            Event::Takes(number) => self.take(&mut state, number),
            Event::Hears => state.heard = state.asked(),
            Event::Scales => state.replicas = self.scaled_to?,
            Event::Pauses => (state.paused, state.paused_once) = (Some(PausedBy::SomebodyElse), true),
            Event::LetsGoOn => {
                state.paused = None;
                // Whoever else lets it go on does so before it was looked at, as one that has become ready just now is.
                state.instances.values_mut().for_each(|instance| instance.looked = false);
            }
            Event::Rolls => state.version = "v3",
        }
        if !self.late {
            state.heard = state.asked();
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::<Self>::always("never taken below the floor", |_, state| !state.has_broken(Law::Floor)),
            Property::<Self>::always(
                "another's pause is left alone, and an own one is not left behind",
                |_, state| !state.has_broken(Law::Pause),
            ),
            Property::<Self>::always("turned back once, and with a reason", |_, state| {
                !state.has_broken(Law::Turns)
            }),
            Property::<Self>::always("done means that all is as asked", |_, state| {
                !state.has_broken(Law::Done)
            }),
            Property::<Self>::always("every wait has an end or a reason", |_, state| {
                !state.has_broken(Law::Wait)
            }),
            Property::<Self>::always("a fair world comes to its end from here", Self::comes_to_its_end),
        ];
        properties.extend(self.sees.iter().map(|sees| match sees {
            Summary::Reached => Property::<Self>::sometimes("reached", |_, state| state.is(Summary::Reached)),
            Summary::WentBack => Property::<Self>::sometimes("back", |_, state| state.is(Summary::WentBack)),
            Summary::Stuck => Property::<Self>::sometimes("stuck", |_, state| state.is(Summary::Stuck)),
            Summary::TakenOver => {
                Property::<Self>::sometimes("over", |_, state| state.is(Summary::TakenOver))
            }
            Summary::Held => Property::<Self>::sometimes("held", |_, state| state.is(Summary::Held)),
            Summary::BelowFloor => {
                Property::<Self>::sometimes("below", |_, state| state.is(Summary::BelowFloor))
            }
        }));
        properties
    }
}

impl State {
    fn has_broken(&self, law: Law) -> bool {
        self.broken == Some(law)
    }

    fn is(&self, summary: Summary) -> bool {
        self.summary == Some(summary)
    }
}
