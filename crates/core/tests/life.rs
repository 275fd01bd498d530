//! The life of a pod, case by case and in random worlds: nothing but a hook begins a drain, nothing but its end lets the
//! hooks go, and a restart is not the end.

use crate::cases::{at, drain_in_a_pod, seconds};
use proptest::prelude::*;
use segue_core::drain::{self, InFlight};
use segue_core::path::{Millis, PathSeen};
use segue_core::pod::life::{Action, Life, Outcome, Reason, Seen, State};
use segue_core::{Next, Time, Why};
use std::convert::Infallible;
use std::time::Duration;

fn seen(asked: bool, alive: bool, in_flight: InFlight) -> Seen {
    let paths = [("service".to_owned(), PathSeen::default())].into();
    Seen { asked, drain: drain::Seen { alive, paths, in_flight, ..drain::Seen::default() } }
}

fn asked() -> Seen {
    seen(true, true, InFlight::Counted(0))
}

fn left_alone() -> Seen {
    seen(false, true, InFlight::Counted(0))
}

fn acts(life: &mut Life, seen: &Seen, now: Time) -> Vec<Action> {
    crate::cases::acts(life.step(seen, now))
}

fn why(next: Next<Action, Infallible>) -> Why {
    match next {
        Next::Wait(wait) => wait.why,
        other => panic!("not a wait: {other:?}"),
    }
}

fn outcome(life: &Life) -> Outcome {
    match life.state() {
        State::Released { outcome, .. } => *outcome,
        other => panic!("not released: {other:?}"),
    }
}

/// A pod whose drain ended at 3 s.
fn released() -> Life {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let _ = life.step(&asked(), at(0));
    assert_eq!(acts(&mut life, &asked(), at(3)), [Action::Release]);
    life
}

#[test]
fn it_serves_until_a_hook_asks() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    assert_eq!(why(life.step(&left_alone(), at(100))), Why::Steady);
    assert!(matches!(why(life.step(&asked(), at(101))), Why::Propagation { .. }));
}

#[test]
fn a_path_that_still_picks_the_pod_is_withdrawn_first() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let mut picture = asked();
    picture.drain.paths.insert("service".to_owned(), PathSeen { admitted: true, evidence: 0 });
    assert_eq!(acts(&mut life, &picture, at(0)), [Action::Withdraw { path: "service".to_owned() }]);
}

#[test]
fn the_hooks_return_when_the_drain_is_over_and_whoever_asks_later_at_once() {
    let mut life = released();
    let expected = Outcome { reason: Reason::Drained, cut: 0, took: Millis(seconds(3)) };
    assert_eq!(outcome(&life), expected);
    assert_eq!(acts(&mut life, &asked(), at(4)), [Action::Release]);
}

#[test]
fn where_nothing_listens_the_hook_returns_at_once() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    assert_eq!(acts(&mut life, &seen(true, false, InFlight::Counted(3)), at(7)), [Action::Release]);
    let expected = Outcome { reason: Reason::NothingListens, cut: 0, took: Millis(Duration::ZERO) };
    assert_eq!(outcome(&life), expected);
}

#[test]
fn an_application_that_ends_by_itself_ends_the_drain_and_what_it_carried_is_told() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let _ = life.step(&seen(true, true, InFlight::Counted(2)), at(0));
    assert_eq!(acts(&mut life, &seen(true, false, InFlight::Counted(0)), at(1)), [Action::Release]);
    let expected = Outcome { reason: Reason::ApplicationEnded, cut: 2, took: Millis(seconds(1)) };
    assert_eq!(outcome(&life), expected);
    assert_eq!(acts(&mut life, &left_alone(), at(2)), [Action::Open], "it was seen to be down");
}

#[test]
fn the_deadline_cuts_and_says_how_many() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let busy = seen(true, true, InFlight::Counted(2));
    let _ = life.step(&busy, at(0));
    let _ = life.step(&busy, at(3));
    assert_eq!(acts(&mut life, &busy, at(60)), [Action::Cut, Action::Release]);
    let expected = Outcome { reason: Reason::Deadline, cut: 2, took: Millis(seconds(60)) };
    assert_eq!(outcome(&life), expected);
}

#[test]
fn an_estimate_that_had_its_time_is_told_as_such() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let busy = seen(true, true, InFlight::Estimated(1));
    let _ = life.step(&busy, at(0));
    let _ = life.step(&busy, at(3));
    assert_eq!(acts(&mut life, &busy, at(13)), [Action::Release]);
    assert_eq!((outcome(&life).reason, outcome(&life).cut), (Reason::LongestRequest, 1));
}

#[test]
fn an_application_that_listens_again_was_restarted_and_serves_on() {
    let mut life = released();
    assert_eq!(why(life.step(&left_alone(), at(4))), Why::Exit);
    assert_eq!(why(life.step(&seen(false, false, InFlight::Counted(0)), at(5))), Why::Exit);
    assert_eq!(acts(&mut life, &left_alone(), at(6)), [Action::Open]);
    assert_eq!(*life.state(), State::Serving { since: at(6) });
    assert!(
        matches!(why(life.step(&asked(), at(7))), Why::Propagation { .. }),
        "the next drain is a new one"
    );
}

#[test]
fn an_application_that_never_went_down_serves_on_after_its_time_to_stop() {
    let mut life = released();
    assert_eq!(why(life.step(&left_alone(), at(12))), Why::Exit);
    assert_eq!(acts(&mut life, &left_alone(), at(13)), [Action::Open]);
}

#[test]
fn it_does_not_serve_on_while_a_hook_waits_or_nothing_listens() {
    let mut life = released();
    let down = seen(false, false, InFlight::Counted(0));
    assert_eq!(why(life.step(&down, at(100))), Why::Exit);
    assert_eq!(acts(&mut life, &asked(), at(101)), [Action::Release]);
}

#[test]
fn a_drain_that_another_agent_began_goes_on_with_its_times() {
    let mut first = Life::begin(drain_in_a_pod(), at(0));
    let _ = first.step(&asked(), at(0));
    let _ = first.step(&asked(), at(2));
    let State::Draining { drain } = first.state().clone() else { panic!("it drains") };
    let mut second = Life::begin(drain_in_a_pod(), at(2));
    second.resume(drain.clone());
    assert_eq!(acts(&mut second, &asked(), at(3)), [Action::Release]);
    assert_eq!(outcome(&second).took, Millis(seconds(3)), "counted from where the first began");
    second.resume(drain);
    assert!(matches!(second.state(), State::Released { .. }), "an end is not taken back");
}

proptest! {
    /// The oracle knows only when a hook asked and what was true of the pod.
    #[test]
    fn hooks_are_let_go_by_evidence_a_bound_or_the_applications_end_alone(
        pictures in prop::collection::vec((any::<bool>(), prop::bool::weighted(0.9), 0u64..2), 1..200)
    ) {
        let mut life = Life::begin(drain_in_a_pod(), at(0));
        let mut began = None;
        for (second, (asks, alive, in_flight)) in (0u64..).zip(pictures) {
            let picture = seen(asks, alive, InFlight::Counted(in_flight));
            let was = life.state().clone();
            if matches!(was, State::Serving { .. }) {
                began = asks.then_some(second);
            }
            let actions = match life.step(&picture, at(second)) {
                Next::Do(actions) => actions,
                Next::Wait(_) => continue,
                Next::Done(never) => match never {},
            };
            if actions.contains(&Action::Release) && !matches!(was, State::Released { .. }) {
                let began = began.expect("a hook asked");
                let drained = second >= began + 3 && in_flight == 0;
                prop_assert!(!alive || drained || second >= began + 60, "{was:?} {picture:?}");
            }
            if actions.contains(&Action::Open) {
                let released = matches!(was, State::Released { .. });
                prop_assert!(alive && !asks && released);
            }
        }
    }
}
