//! What the tests that go case by case share.

use segue_core::drain::Plan;
use segue_core::path::{Bounds, Millis, Path, Stage};
use segue_core::{Next, Time, Wait};
use std::fmt::Debug;
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
