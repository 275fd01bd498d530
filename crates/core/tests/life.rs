//! The life of a pod, case by case and in random worlds: nothing but a hook begins a drain, nothing but its end lets the
//! hooks go, and a restart is not the end.

use crate::cases::{at, drain_in_a_pod, path, seconds};
use proptest::prelude::*;
use segue_core::drain::{self, InFlight};
use segue_core::path::{Direction, EndedBy, Millis, PathSeen, StageOver};
use segue_core::pod::life::{Action, Life, Outcome, Reason, Seen, State, asked_since};
use segue_core::{Next, Time, Why};
use std::convert::Infallible;
use std::time::Duration;

fn seen(asked: bool, alive: bool, in_flight: InFlight) -> Seen {
    let paths = [("service".to_owned(), PathSeen::default())].into();
    // Who asks has just begun to wait, which no drain takes for its own beginning.
    let asked = asked.then_some(Time::from_millis(u64::MAX));
    Seen {
        asked,
        drain: drain::Seen { alive, paths, in_flight, ..drain::Seen::default() },
        ..Seen::default()
    }
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
        State::Released { outcome, .. } => outcome.clone(),
        other => panic!("not released: {other:?}"),
    }
}

/// The path's only stage, left by its bound.
fn left() -> Vec<StageOver> {
    let after = Millis(seconds(3));
    vec![StageOver { path: "service".into(), stage: Some("s0".into()), by: EndedBy::Bound, after }]
}

/// A pod whose drain ended at 3 s.
fn released() -> Life {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let _ = life.step(&asked(), at(0));
    assert_eq!(acts(&mut life, &asked(), at(3)), [Action::Release]);
    life
}

/// What is done when a restart is over.
fn back() -> [Action; 2] {
    [Action::Open, Action::Join { path: "service".into() }]
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
    picture.drain.paths.insert("service".to_owned(), PathSeen::without_evidence(true));
    assert_eq!(
        acts(&mut life, &picture, at(0)),
        [Action::Drain(drain::Action::Withdraw { path: "service".to_owned() })]
    );
}

#[test]
fn a_router_that_holds_to_what_it_was_told_is_told_once_whatever_it_shows() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let mut picture = asked();
    picture.drain.paths.insert("service".to_owned(), PathSeen::without_evidence(true));
    let told = |way| [("service".to_owned(), way)].into();
    picture.drain.told = told(Direction::Leave);
    assert_eq!(why(life.step(&picture, at(0))), Why::Router { path: "service".into() });
    picture.drain.told = told(Direction::Join);
    for admitted in [true, false] {
        picture.drain.paths.insert("service".to_owned(), PathSeen::without_evidence(admitted));
        let withdraw = drain::Action::Withdraw { path: "service".to_owned() };
        assert_eq!(acts(&mut life, &picture, at(1)), [Action::Drain(withdraw)], "it would be picked again");
    }
}

#[test]
fn registries_are_told_once_and_only_when_the_agent_is_told_to_end() {
    let deregister = Action::Deregister { path: "service".into() };
    let ending = |seen: Seen| Seen { ending: true, ..seen };
    let gone = |seen: Seen| Seen { gone: ["service".to_owned()].into(), ..seen };
    let mut life = released();
    assert!(!life.ended(&gone(left_alone()), at(4)), "nobody told it to end");
    assert_eq!(acts(&mut life, &ending(left_alone()), at(5)), [deregister]);
    let wait = match life.step(&ending(left_alone()), at(6)) {
        Next::Wait(wait) => wait,
        other => panic!("told twice: {other:?}"),
    };
    assert_eq!(wait.why, Why::Registered { paths: vec!["service".into()] });
    assert_eq!((wait.since, wait.until), (at(5), Some(at(10))));
    assert!(!life.ended(&ending(left_alone()), at(9)));
    assert!(life.ended(&ending(gone(left_alone())), at(9)), "the registry dropped it");
    assert!(life.ended(&ending(left_alone()), at(10)), "its time is over");
    match life.step(&ending(left_alone()), at(100)) {
        // There is no moment at which it would come back.
        Next::Wait(wait) => assert_eq!((wait.why, wait.until), (Why::Exit, None)),
        other => panic!("it comes back: {other:?}"),
    }
}

#[test]
fn where_no_registry_has_the_pod_its_end_is_no_wait() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let gone = Seen { ending: true, gone: ["service".to_owned()].into(), ..left_alone() };
    assert_eq!(why(life.step(&gone, at(1))), Why::Steady);
    assert!(life.ended(&gone, at(1)));
}

#[test]
fn the_end_of_the_agent_does_not_end_a_drain() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let _ = life.step(&asked(), at(0));
    let ending = Seen { ending: true, ..asked() };
    assert_eq!(acts(&mut life, &ending, at(1)), [Action::Deregister { path: "service".into() }]);
    let first = why(life.step(&ending, at(2)));
    assert!(matches!(first, Why::Propagation { .. }), "whose end comes first: {first:?}");
    assert_eq!(acts(&mut life, &ending, at(3)), [Action::Release]);
}

#[test]
fn the_hooks_return_when_the_drain_is_over_and_whoever_asks_later_at_once() {
    let mut life = released();
    let expected = Outcome { reason: Reason::Drained, cut: 0, took: Millis(seconds(3)), stages: left() };
    assert_eq!(outcome(&life), expected);
    assert_eq!(acts(&mut life, &asked(), at(4)), [Action::Release]);
}

#[test]
fn where_nothing_listens_the_hook_returns_at_once() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    assert_eq!(acts(&mut life, &seen(true, false, InFlight::Counted(3)), at(7)), [Action::Release]);
    let expected =
        Outcome { reason: Reason::NothingListens, cut: 0, took: Millis(Duration::ZERO), stages: Vec::new() };
    assert_eq!(outcome(&life), expected);
}

#[test]
fn an_application_that_ends_by_itself_ends_the_drain_and_what_it_carried_is_told() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let _ = life.step(&seen(true, true, InFlight::Counted(2)), at(0));
    assert_eq!(acts(&mut life, &seen(true, false, InFlight::Counted(0)), at(1)), [Action::Release]);
    let expected =
        Outcome { reason: Reason::ApplicationEnded, cut: 2, took: Millis(seconds(1)), stages: Vec::new() };
    assert_eq!(outcome(&life), expected);
    assert_eq!(acts(&mut life, &left_alone(), at(2)), back(), "it was seen to be down");
}

#[test]
fn the_deadline_cuts_and_says_how_many() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let busy = seen(true, true, InFlight::Counted(2));
    let _ = life.step(&busy, at(0));
    let _ = life.step(&busy, at(3));
    assert_eq!(acts(&mut life, &busy, at(60)), [Action::Drain(drain::Action::Cut), Action::Release]);
    let expected = Outcome { reason: Reason::Deadline, cut: 2, took: Millis(seconds(60)), stages: left() };
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
    assert_eq!(acts(&mut life, &left_alone(), at(6)), back());
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
    assert_eq!(acts(&mut life, &left_alone(), at(13)), back());
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
    let mut second = Pod::of(Life::begin(drain_in_a_pod(), at(2)));
    second.resume(drain.clone());
    assert_eq!(second.step(true, at(3)), Next::Do(vec![Action::Release]));
    assert_eq!(outcome(&second.life).took, Millis(seconds(3)), "counted from where the first began");
    second.resume(drain);
    assert!(matches!(second.life.state(), State::Released { .. }), "an end is not taken back");
}

/// A pod whose driver shows each path as it is: open to an agent that has just begun, until it was told to withdraw.
struct Pod {
    life: Life,
    admitted: bool,
}

impl Pod {
    fn of(life: Life) -> Self {
        Self { life, admitted: true }
    }

    fn resume(&mut self, drain: drain::Drain) {
        let actions = self.life.resume(drain);
        self.act(&actions);
    }

    fn step(&mut self, asks: bool, now: Time) -> Next<Action, Infallible> {
        let mut picture = seen(asks, true, InFlight::Counted(0));
        picture.drain.paths.insert("service".into(), PathSeen::without_evidence(self.admitted));
        let next = self.life.step(&picture, now);
        if let Next::Do(actions) = &next {
            self.act(actions);
        }
        next
    }

    fn act(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Drain(drain::Action::Withdraw { .. }) => self.admitted = false,
                Action::Join { .. } => self.admitted = true,
                Action::Drain(drain::Action::CloseIdle | drain::Action::Cut)
                | Action::Release
                | Action::Open
                | Action::Deregister { .. } => {}
            }
        }
    }

    fn drain(&self) -> drain::Drain {
        match self.life.state() {
            State::Draining { drain } => drain.clone(),
            other => panic!("it does not drain: {other:?}"),
        }
    }
}

#[test]
fn an_agent_that_takes_over_begins_no_propagation_again_also_where_it_had_begun_a_drain_of_its_own() {
    let plan = || drain::Plan { paths: vec![path("service", &[Some(3), Some(4)])], ..drain_in_a_pod() };
    let mut first = Pod::of(Life::begin(plan(), at(0)));
    for second in 0..6 {
        let _ = first.step(true, at(second));
    }
    assert_eq!(first.drain().stages().len(), 1, "one of two stages is over");
    for asked_before in [false, true] {
        let mut next = Pod::of(Life::begin(plan(), at(5)));
        if asked_before {
            // Of two hooks, the first had heard nothing of the drain.
            let _ = next.step(true, at(5));
            let _ = next.step(true, at(5));
        }
        next.resume(first.drain());
        match next.step(true, at(6)) {
            Next::Wait(wait) => assert_eq!((wait.since, wait.until), (at(4), Some(at(8)))),
            other => panic!("not a wait: {other:?}"),
        }
        assert_eq!(next.step(true, at(8)), Next::Do(vec![Action::Release]));
        assert_eq!(outcome(&next.life).took, Millis(seconds(8)));
    }
}

#[test]
fn what_a_hook_knew_of_the_drain_takes_nothing_back() {
    let mut pod = Pod::of(Life::begin(drain_in_a_pod(), at(0)));
    let _ = pod.step(true, at(0));
    let _ = pod.step(true, at(1));
    let early = pod.drain();
    let _ = pod.step(false, at(2));
    let late = pod.drain();
    pod.resume(early);
    assert_eq!(pod.drain(), late);
}

#[test]
fn a_drain_counts_from_the_beginning_of_the_hook_that_began_first() {
    let mut life = Life::begin(drain_in_a_pod(), at(0));
    let since = |second| Seen { asked: Some(at(second)), ..asked() };
    let busy = |second| {
        let mut busy = since(second);
        busy.drain.in_flight = InFlight::Counted(1);
        busy
    };
    let propagates = |next: Next<Action, Infallible>| match next {
        Next::Wait(wait) => assert_eq!(wait.until, Some(at(103)), "what nobody was told nobody learns"),
        other => panic!("not a wait: {other:?}"),
    };
    propagates(life.step(&busy(98), at(100)));
    propagates(life.step(&busy(97), at(101)));
    propagates(life.step(&busy(99), at(102)));
    let _ = life.step(&busy(99), at(103));
    let _ = life.step(&busy(99), at(156));
    assert!(matches!(life.state(), State::Draining { .. }));
    assert_eq!(acts(&mut life, &busy(99), at(157)), [Action::Drain(drain::Action::Cut), Action::Release]);
    assert_eq!(outcome(&life).took, Millis(seconds(60)));
}

#[test]
fn a_hook_is_believed_when_it_began_unless_that_cannot_be() {
    let since = |said: Option<u64>| asked_since(said.map(at), seconds(60), at(100));
    assert_eq!(since(Some(99)), at(99));
    assert_eq!(since(Some(100)), at(100));
    assert_eq!(since(Some(40)), at(40));
    for not_believed in [None, Some(101), Some(39), Some(0)] {
        assert_eq!(since(not_believed), at(100), "{not_believed:?}");
    }
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
