//! Instances that end by themselves: counted, held back, forgotten.

use super::{acts, dead, forget, goal, ready, seen, start, unknown};
use crate::cases::{at, done, wait};
use segue_core::judge::{Failure, Goal, Outcome};
use segue_core::rollout::{Rollout, Seen};
use segue_core::{Next, Time, Why};
use std::time::Duration;

#[test]
fn an_end_that_is_noted_is_not_noted_again_while_it_is_still_shown() {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), Some(goal("v0", 1, 1, 0)), at(0));
    for now in 0..5 {
        assert_eq!(acts(&mut rollout, &seen(&[("a", dead("v1"))]), at(now))[0], forget("a"));
    }
    assert_eq!(rollout.failure(), None);
    let _ = rollout.step(&seen(&[]), at(5));
    let _ = rollout.step(&seen(&[("b", dead("v1"))]), at(6));
    assert_eq!(rollout.failure(), Some(&Failure::Crashed { version: "v1".into(), times: 2 }));
    assert_eq!(rollout.goal().version.as_str(), "v0");
}

#[test]
fn a_crash_limit_of_nought_is_not_reached_without_a_crash() {
    let strict = Goal { crash_limit: 0, ..goal("v2", 1, 1, 0) };
    let mut rollout = Rollout::begin(strict, Some(goal("v1", 1, 1, 0)), at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1"))]), at(0));
    assert_eq!(rollout.failure(), None);
    let _ = rollout.step(&seen(&[("a", ready("v1")), ("b", dead("v2"))]), at(1));
    assert!(rollout.failure().is_some());
}

#[test]
fn without_a_fallback_nothing_makes_it_go_back() {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
    for crash in 0..9_u64 {
        let _ = rollout.step(&Seen { abort: true, ..seen(&[("a", dead("v1"))]) }, at(crash * 1_000));
        let _ = rollout.step(&seen(&[]), at(crash * 1_000 + 500));
    }
    assert_eq!(rollout.failure(), None);
}

/// Lets an instance crash `times` times, and answers how long the last restart was held back.
fn held_back(times: u32) -> Duration {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
    let mut held = Duration::ZERO;
    for crash in 1..=times {
        let now = at(u64::from(crash) * 100);
        assert_eq!(acts(&mut rollout, &seen(&[("a", dead("v1"))]), now), [forget("a")]);
        let back_off = wait(rollout.step(&seen(&[]), now));
        assert_eq!((back_off.why, back_off.since), (Why::BackOff { crashes: crash }, now));
        let until = back_off.until.unwrap();
        held = until - now;
        let before = Time::from_millis(until.as_millis() - 1);
        assert!(matches!(rollout.step(&seen(&[]), before), Next::Wait(_)));
        assert_eq!(acts(&mut rollout, &seen(&[]), until), [start("v1")]);
    }
    held
}

#[test]
fn a_restart_is_held_back_twice_as_long_after_each_crash_up_to_half_a_minute() {
    let held: Vec<_> = [1, 2, 3, 7, 8, 40].map(|times| held_back(times).as_millis()).into();
    assert_eq!(held, [250, 500, 1_000, 16_000, 30_000, 30_000]);
}

#[test]
fn serving_for_ten_seconds_makes_crashes_forgotten() {
    for (serves_for, crashes) in [(9_999, 2), (10_000, 1)] {
        let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
        let _ = rollout.step(&seen(&[("a", dead("v1"))]), at(0));
        let _ = rollout.step(&seen(&[("b", ready("v1"))]), at(1));
        let _ = rollout.step(&seen(&[("b", ready("v1"))]), at(1) + Duration::from_millis(serves_for));
        let _ = rollout.step(&seen(&[("b", dead("v1"))]), at(20));
        assert_eq!(wait(rollout.step(&seen(&[]), at(20))).why, Why::BackOff { crashes });
    }
}

#[test]
fn one_that_serves_on_does_not_make_the_crashes_of_others_forgotten() {
    let mut rollout = Rollout::begin(goal("v1", 2, 1, 0), None, at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1"))]), at(0));
    for (now, id) in [(20, "b"), (40, "c")] {
        let _ = rollout.step(&seen(&[("a", ready("v1")), (id, dead("v1"))]), at(now));
    }
    let waits = wait(rollout.step(&seen(&[("a", ready("v1"))]), at(40)));
    assert_eq!(waits.why, Why::BackOff { crashes: 2 });
}

#[test]
fn one_that_was_first_seen_as_another_crashed_makes_that_crash_forgotten() {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
    let _ = rollout.step(&seen(&[("a", dead("v1")), ("b", ready("v1"))]), at(0));
    let _ = rollout.step(&seen(&[("b", ready("v1"))]), at(10));
    let _ = rollout.step(&seen(&[("b", dead("v1"))]), at(20));
    assert_eq!(wait(rollout.step(&seen(&[]), at(20))).why, Why::BackOff { crashes: 1 });
}

#[test]
fn a_back_off_is_told_only_where_one_is_missing() {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
    let _ = rollout.step(&seen(&[("a", unknown("v1")), ("b", dead("v1"))]), at(0));
    let waits = wait(rollout.step(&seen(&[("a", unknown("v1"))]), at(0)));
    assert_eq!(waits.why, Why::Readiness { last: None });
}

#[test]
fn the_crashes_of_the_rollout_before_do_not_count() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), None, at(0));
    let _ = rollout.step(&seen(&[("a", dead("v2"))]), at(0));
    let mut rollout = rollout.turn(goal("v2", 1, 1, 0), Some(goal("v1", 1, 1, 0)), at(1));
    let _ = rollout.step(&seen(&[("b", dead("v2"))]), at(2));
    assert_eq!(rollout.failure(), None);
    let _ = rollout.step(&seen(&[("c", dead("v2"))]), at(3));
    assert!(rollout.failure().is_some());
}

#[test]
fn one_that_crashed_does_not_serve_though_it_is_still_shown() {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
    assert_eq!(done(rollout.step(&seen(&[("a", ready("v1"))]), at(0))), Outcome::Reached);
    let _ = acts(&mut rollout, &seen(&[("a", dead("v1"))]), at(1));
    assert!(!rollout.serves(&"a".into()));
}
