//! Going on, going back, giving up, and what is said of the wait until then.

use super::{acts, broken, dead, goal, ready, seen, unknown};
use crate::cases::{at, done, path, seconds, wait};
use segue_core::drain::InFlight;
use segue_core::judge::{Failure, Outcome, Readiness};
use segue_core::path::{Millis, PathSeen};
use segue_core::rollout::{InstanceSeen, Rollout, Seen, bound};
use segue_core::{InstanceId, Time, Wait, Why};

#[test]
fn it_goes_back_after_its_progress_deadline_and_gives_up_after_another() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), Some(goal("v1", 1, 1, 0)), at(0));
    let old = InstanceSeen { readiness: Readiness::NotReady(Some("old".into())), ..ready("v1") };
    let picture = seen(&[("a", old.clone()), ("b", unknown("v2"))]);
    let waits = wait(rollout.step(&picture, at(1)));
    assert_eq!(waits.until, Some(at(100)));
    // Nobody gives up on the old one then.
    assert_eq!(rollout.waits(&picture, at(1))[&InstanceId::from("a")].until, None);
    let picture = seen(&[("a", old), ("b", broken("v2"))]);
    assert_eq!(wait(rollout.step(&picture, Time::from_millis(99_999))).until, Some(at(100)));
    let _ = acts(&mut rollout, &picture, at(100));
    let failure = Failure::NoProgress { waited: seconds(100), last: Some("503".into()) };
    assert_eq!(rollout.failure(), Some(&failure));
    let gone = seen(&[("a", broken("v1"))]);
    let _ = rollout.step(&gone, at(101));
    assert_eq!(wait(rollout.step(&gone, at(102))).until, Some(at(201)));
    assert_eq!(done(rollout.step(&gone, at(201))), Outcome::Stuck { failure });
}

#[test]
fn a_long_drain_is_no_standstill_and_its_end_is_progress_though_a_new_one_crashed_meanwhile() {
    let mut rollout = Rollout::begin(goal("v2", 2, 1, 0), Some(goal("v1", 2, 1, 0)), at(0));
    let busy = |alive| {
        let mut instance = ready("v1");
        instance.drain.paths.insert("proxy".into(), PathSeen::default());
        instance.drain.in_flight = InFlight::Counted(1);
        instance.drain.alive = alive;
        instance
    };
    let b = ("b", ready("v1"));
    let _ = rollout.step(&seen(&[("a", ready("v1")), b.clone(), ("c", ready("v2"))]), at(0));
    let _ = rollout.step(&seen(&[("a", busy(true)), b.clone(), ("c", dead("v2"))]), at(50));
    let _ = rollout.step(&seen(&[("a", busy(true)), b.clone(), ("d", unknown("v2"))]), at(59));
    assert_eq!(rollout.failure(), None);
    let waits = rollout.waits(&seen(&[("a", busy(true)), b.clone()]), at(59));
    assert_eq!(waits[&InstanceId::from("a")].until, Some(at(60)));
    let _ = rollout.step(&seen(&[("a", busy(true)), b.clone(), ("d", unknown("v2"))]), at(129));
    assert_eq!(rollout.failure(), None);
    // The drain ends long after the progress deadline.
    let _ = rollout.step(&seen(&[("a", busy(false)), b, ("d", unknown("v2"))]), at(130));
    assert_eq!(rollout.failure(), None);
    assert_eq!(rollout.drained()[0].outcome.cut, 1);
}

#[test]
fn an_abort_after_it_was_reached_changes_nothing() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), Some(goal("v1", 1, 1, 0)), at(0));
    let picture = Seen { abort: true, ..seen(&[("a", ready("v2"))]) };
    assert_eq!(done(rollout.step(&picture, at(0))), Outcome::Reached);
}

#[test]
fn an_old_one_that_serves_waits_for_its_replacement() {
    let mut rollout = Rollout::begin(goal("v2", 2, 1, 1), Some(goal("v1", 2, 1, 1)), at(0));
    let picture = seen(&[("a", ready("v1")), ("b", unknown("v2")), ("c", unknown("v2"))]);
    assert_eq!(wait(rollout.step(&picture, at(1))).why, Why::Readiness { last: None });
    let waits = rollout.waits(&picture, at(1));
    let floor = Wait { why: Why::Floor { serving: 1, floor: 1 }, since: at(0), until: Some(at(100)) };
    assert_eq!(waits[&InstanceId::from("a")], floor);
    assert_eq!(waits[&InstanceId::from("b")].why, Why::Readiness { last: None });
}

#[test]
fn its_bound_is_the_waves_by_what_each_takes() {
    let mut goal = goal("v1", 5, 2, 1);
    goal.drain.paths = vec![path("p", &[Some(3)]), path("q", &[Some(4)])];
    assert_eq!(bound(&goal, seconds(10), seconds(20)), Some(Millis(seconds(3 * 34))));
    goal.surge = 0;
    assert_eq!(bound(&goal, seconds(10), seconds(20)), Some(Millis(seconds(5 * 34))));
    goal.unavailable = 0;
    assert_eq!(bound(&goal, seconds(10), seconds(20)), None);
}

#[test]
fn what_joins_by_several_paths_waits_for_the_last_of_them() {
    let mut slow = goal("v1", 1, 1, 0);
    slow.drain.paths = vec![path("p", &[Some(3)]), path("q", &[Some(4)])];
    let mut rollout = Rollout::begin(slow, Some(goal("v0", 1, 1, 0)), at(0));
    let mut joining = ready("v1");
    joining.drain.paths = ["p", "q"].map(|name| (name.to_owned(), PathSeen::without_evidence(true))).into();
    assert_eq!(wait(rollout.step(&seen(&[("a", joining.clone())]), at(0))).until, Some(at(4)));
    assert_eq!(done(rollout.step(&seen(&[("a", joining)]), at(4))), Outcome::Reached);
}

#[test]
fn one_more_that_serves_is_progress_and_so_is_a_new_goal() {
    let mut rollout = Rollout::begin(goal("v2", 2, 2, 0), Some(goal("v1", 2, 2, 0)), at(0));
    let olds = [("a", ready("v1")), ("b", ready("v1"))];
    let _ = rollout.step(&seen(&olds), at(0));
    let with = |c, d| seen(&[olds[0].clone(), olds[1].clone(), ("c", c), ("d", d)]);
    assert_eq!(wait(rollout.step(&with(unknown("v2"), unknown("v2")), at(90))).until, Some(at(100)));
    let joining = seen(&[olds[0].clone(), ("c", ready("v2")), ("d", unknown("v2"))]);
    assert_eq!(wait(rollout.step(&joining, at(95))).until, Some(at(195)));
    let mut rollout = rollout.turn(goal("v3", 2, 0, 1), Some(goal("v1", 2, 0, 1)), at(150));
    let picture = seen(&[("a", unknown("v3")), ("b", unknown("v3"))]);
    assert_eq!(wait(rollout.step(&picture, at(160))).until, Some(at(250)));
}

#[test]
fn going_back_has_a_progress_deadline_of_its_own() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), Some(goal("v1", 1, 1, 0)), at(0));
    let _ = wait(rollout.step(&seen(&[("a", unknown("v1")), ("b", unknown("v2"))]), at(1)));
    let aborted = Seen { abort: true, ..seen(&[("a", unknown("v1")), ("b", unknown("v2"))]) };
    assert_eq!(wait(rollout.step(&aborted, at(50))).until, Some(at(150)));
}

#[test]
fn an_abort_at_the_first_step_of_a_scale_in_is_heard() {
    let mut rollout = Rollout::begin(goal("v1", 2, 1, 0), Some(goal("v1", 3, 1, 0)), at(0));
    let picture = seen(&[("a", ready("v1")), ("b", ready("v1")), ("c", ready("v1"))]);
    let outcome = done(rollout.step(&Seen { abort: true, ..picture }, at(0)));
    assert_eq!(outcome, Outcome::WentBack { failure: Failure::Aborted });
}

#[test]
fn it_wakes_up_to_give_up_though_only_an_old_one_is_waited_for() {
    let mut rollout = Rollout::begin(goal("v2", 2, 0, 1), Some(goal("v1", 2, 0, 1)), at(0));
    let picture = seen(&[("a", unknown("v1")), ("b", unknown("v1"))]);
    assert_eq!(wait(rollout.step(&picture, at(1))).until, Some(at(100)));
}
