//! What the tests that go case by case share.

use segue_core::drain::{self, Plan};
use segue_core::path::{Bounds, Millis, Path, PathSeen, Stage};
use segue_core::rollout::leaving::{Action, Leaving, Outcome};
use segue_core::stop::Signal;
use segue_core::{Next, Time, Version, Wait};
use std::fmt::Debug;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// So many seconds after the clock's beginning.
pub fn at(seconds: u64) -> Time {
    Time::from_millis(seconds * 1_000)
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A path with stages of these bounds, in seconds, for joining and leaving.
pub fn path(name: &str, bounds: &[Option<u64>]) -> Path {
    let stage = |(index, bound): (usize, &Option<u64>)| {
        let bounds = bound.map_or(Bounds::UNBOUNDED, |most| Bounds::at_most(seconds(most)));
        Stage {
            name: format!("s{index}"),
            join: bounds,
            leave: bounds,
            source: "a test".to_owned(),
            evidence: Some("the test says so".to_owned()),
            setting: format!("s{index}.refresh"),
        }
    };
    Path { name: name.to_owned(), stages: bounds.iter().enumerate().map(stage).collect() }
}

pub fn wait<Action: Debug, Outcome: Debug>(next: Next<Action, Outcome>) -> Wait {
    match next {
        Next::Wait(wait) => wait,
        other => panic!("not a wait: {other:?}"),
    }
}

pub fn done<Action: Debug, Outcome: Debug>(next: Next<Action, Outcome>) -> Outcome {
    match next {
        Next::Done(outcome) => outcome,
        other => panic!("not done: {other:?}"),
    }
}

pub fn acts<Action: Debug, Outcome: Debug>(next: Next<Action, Outcome>) -> Vec<Action> {
    match next {
        Next::Do(actions) => actions,
        other => panic!("nothing to do: {other:?}"),
    }
}

/// What a drain in a pod is held to: a path of 3 s, quiet for 2 s, requests of at most 10 s, kept connections for 5 s, all in 60 s.
pub fn drain_in_a_pod() -> Plan {
    Plan {
        paths: vec![path("service", &[Some(3)])],
        quiet: Some(Millis(seconds(2))),
        longest_request: Some(Millis(seconds(10))),
        linger: Some(Millis(seconds(5))),
        deadline: seconds(60),
        stop_grace: seconds(10),
    }
}

/// A router that has taken a leave, with evidence for so many stages from the first.
pub fn gone(stages: usize) -> PathSeen {
    PathSeen { admitted: false, evidence: (0..stages).map(|index| format!("s{index}")).collect() }
}

/// What was seen of an instance that leaves: what its drain needs to know, and which signal was sent.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub drain: drain::Seen,
    pub signalled: Option<Signal>,
}

impl Deref for Seen {
    type Target = drain::Seen;

    fn deref(&self) -> &drain::Seen {
        &self.drain
    }
}

impl DerefMut for Seen {
    fn deref_mut(&mut self) -> &mut drain::Seen {
        &mut self.drain
    }
}

/// An instance's way out, from its drain to its end.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct WayOut(Leaving);

impl WayOut {
    pub fn begin(plan: Plan, now: Time) -> Self {
        Self(Leaving::begin(Version::from("v1"), plan, now))
    }

    pub fn step(&mut self, seen: &Seen, now: Time) -> Next<Action, Outcome> {
        self.0.step(&seen.drain, seen.signalled, now)
    }

    pub fn wait(&self, seen: &Seen, now: Time) -> Wait {
        self.0.wait(&seen.drain, seen.signalled, now)
    }

    pub fn stopping(&self) -> bool {
        self.0.stopping()
    }

    pub fn began(&self) -> Time {
        self.0.drain().began()
    }

    pub fn deadline(&self) -> Time {
        self.0.drain().deadline()
    }
}
