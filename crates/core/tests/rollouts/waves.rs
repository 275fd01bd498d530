//! Which instance is started, admitted, suspended or drained, and in what order.

use super::{acts, admit, broken, dead, forget, fresh, goal, ready, seen, signal, start, unknown, withdraw};
use crate::cases::{at, done, path, seconds, wait};
use segue_core::drain::Plan;
use segue_core::judge::{Failure, Goal, Outcome, Readiness};
use segue_core::path::{EndedBy, PathSeen};
use segue_core::rollout::{Action, InstanceSeen, Rollout, Seen};
use segue_core::stop::Signal;
use segue_core::{InstanceId, Why};

#[test]
fn a_first_start_starts_all_admits_what_is_ready_and_is_reached() {
    let mut rollout = Rollout::begin(goal("v1", 2, 0, 1), None, at(0));
    assert_eq!(rollout.began(), at(0));
    assert_eq!(acts(&mut rollout, &seen(&[]), at(0)), [start("v1"), start("v1")]);
    let one = wait(rollout.step(&seen(&[("a", unknown("v1")), ("b", unknown("v1"))]), at(1)));
    assert_eq!((one.why, one.since, one.until), (Why::Readiness { last: None }, at(1), None));
    let picture = seen(&[("a", fresh("v1")), ("b", unknown("v1"))]);
    assert_eq!(acts(&mut rollout, &picture, at(2)), [admit("a")]);
    let picture = seen(&[("a", ready("v1")), ("b", broken("v1"))]);
    assert_eq!(acts(&mut rollout, &picture, at(3)), [Action::Suspend { instance: "b".into() }]);
    let picture = seen(&[("a", ready("v1")), ("b", ready("v1"))]);
    assert_eq!(done(rollout.step(&picture, at(4))), Outcome::Reached);
    assert!(rollout.serves(&"a".into()) && !rollout.serves(&"c".into()));
}

#[test]
fn one_of_two_is_replaced_beside_and_the_other_follows() {
    let mut rollout = Rollout::begin(goal("v2", 2, 1, 0), Some(goal("v1", 2, 1, 0)), at(0));
    let two = [("a", ready("v1")), ("b", ready("v1"))];
    assert_eq!(acts(&mut rollout, &seen(&two), at(0)), [start("v2")]);
    let three = |c: InstanceSeen| seen(&[two[0].clone(), two[1].clone(), ("c", c)]);
    let waits = wait(rollout.step(&three(unknown("v2")), at(1)));
    assert_eq!((waits.why, waits.until), (Why::Readiness { last: None }, Some(at(100))));
    assert_eq!(acts(&mut rollout, &three(fresh("v2")), at(2)), [admit("c")]);
    assert_eq!(acts(&mut rollout, &three(ready("v2")), at(3)), [withdraw("a")]);
    assert!(!rollout.serves(&"a".into()) && rollout.serves(&"b".into()));
    let mut picture = three(ready("v2"));
    picture.instances.get_mut(&InstanceId::from("a")).unwrap().drain.paths.clear();
    picture
        .instances
        .get_mut(&InstanceId::from("a"))
        .unwrap()
        .drain
        .paths
        .insert("proxy".into(), PathSeen::default());
    assert_eq!(acts(&mut rollout, &picture, at(3)), [signal("a", Signal::Stop)]);
    picture.instances.insert("a".into(), dead("v1"));
    assert_eq!(acts(&mut rollout, &picture, at(4)), [forget("a"), start("v2")]);
    assert_eq!(rollout.drained().len(), 1);
    assert_eq!((rollout.drained()[0].instance.as_str(), rollout.drained()[0].version.as_str()), ("a", "v1"));
}

#[test]
fn those_that_are_broken_leave_first_then_the_unknown_then_the_joining() {
    let mut rollout = Rollout::begin(goal("v2", 1, 3, 0), None, at(0));
    let olds = [
        ("a", ready("v1")),
        ("b", fresh("v1")),
        ("c", unknown("v1")),
        ("d", broken("v1")),
        ("e", ready("v2")),
    ];
    let actions = acts(&mut rollout, &seen(&olds), at(0));
    let leave: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Drain { instance, .. } => Some(instance.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(leave, ["d", "c", "b", "a"]);
}

#[test]
fn after_a_restart_the_one_that_may_serve_again_is_kept_and_the_broken_one_goes() {
    let mut rollout = Rollout::begin(goal("v2", 2, 1, 0), None, at(0));
    let news = ("z", ready("v2"));
    let picture = seen(&[("a", unknown("v1")), ("b", unknown("v1")), news.clone()]);
    let _ = wait(rollout.step(&picture, at(0)));
    let picture = seen(&[("a", unknown("v1")), ("b", broken("v1")), news]);
    let actions = acts(&mut rollout, &picture, at(1));
    assert_eq!(actions, [withdraw("b")]);
}

#[test]
fn one_that_is_ready_and_not_admitted_is_not_admitted_as_it_leaves() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), None, at(0));
    let mut adopted = fresh("v1");
    adopted.drain.paths.insert("proxy".into(), PathSeen::default());
    let actions = acts(&mut rollout, &seen(&[("a", adopted), ("b", ready("v2"))]), at(0));
    assert_eq!(actions, [signal("a", Signal::Stop)]);
}

#[test]
fn one_that_no_check_has_answered_for_is_not_suspended() {
    let mut rollout = Rollout::begin(goal("v1", 2, 1, 0), None, at(0));
    let unasked = InstanceSeen { readiness: Readiness::NotReady(None), ..ready("v1") };
    let _ = wait(rollout.step(&seen(&[("a", unasked), ("b", ready("v1"))]), at(0)));
}

#[test]
fn an_instance_of_whose_path_nothing_was_seen_is_admitted_suspended_and_withdrawn_and_never_serves() {
    let unseen = |mut instance: InstanceSeen| {
        instance.drain.paths.clear();
        instance
    };
    let mut rollout = Rollout::begin(goal("v1", 2, 1, 0), None, at(0));
    let picture = seen(&[("a", unseen(ready("v1"))), ("b", ready("v1"))]);
    assert_eq!(acts(&mut rollout, &picture, at(0)), [admit("a")]);
    assert!(!rollout.serves(&"a".into()));
    let picture = seen(&[("a", unseen(broken("v1"))), ("b", ready("v1"))]);
    assert_eq!(acts(&mut rollout, &picture, at(1)), [Action::Suspend { instance: "a".into() }]);
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), None, at(0));
    let picture = seen(&[("a", unseen(unknown("v1"))), ("b", ready("v2"))]);
    assert_eq!(acts(&mut rollout, &picture, at(0)), [withdraw("a")]);
    assert_eq!(acts(&mut rollout, &picture, at(9)), [withdraw("a")], "until it is seen to be withdrawn");
}

#[test]
fn what_ended_each_stage_is_told_of_those_that_join_and_those_that_leave() {
    let goal = |version| {
        let mut goal = goal(version, 1, 1, 0);
        goal.drain.paths = vec![path("proxy", &[Some(5)])];
        goal
    };
    let mut rollout = Rollout::begin(goal("v2"), Some(goal("v1")), at(0));
    let mut joined = ready("v2");
    joined
        .drain
        .paths
        .insert("proxy".into(), PathSeen { admitted: true, evidence: ["s0".to_owned()].into() });
    let mut picture = seen(&[("a", ready("v1")), ("b", joined)]);
    let _ = rollout.step(&picture, at(0));
    let by = |rollout: &Rollout, id: &str, version: &str| {
        let stages = rollout.stages(&id.into(), &version.into());
        stages.into_iter().map(|stage| (stage.stage.unwrap(), stage.by)).collect::<Vec<_>>()
    };
    assert_eq!(by(&rollout, "b", "v2"), [("s0".to_owned(), EndedBy::Evidence)]);
    picture
        .instances
        .get_mut(&InstanceId::from("a"))
        .unwrap()
        .drain
        .paths
        .insert("proxy".into(), PathSeen::default());
    let _ = rollout.step(&picture, at(1));
    assert_eq!(by(&rollout, "a", "v1"), []);
    let _ = rollout.step(&picture, at(6));
    assert_eq!(by(&rollout, "a", "v1"), [("s0".to_owned(), EndedBy::Bound)]);
    assert_eq!(by(&rollout, "z", "v1"), []);
}

#[test]
fn the_last_one_is_not_suspended_though_it_is_not_ready() {
    let mut rollout = Rollout::begin(goal("v1", 2, 1, 0), None, at(0));
    let waits = wait(rollout.step(&seen(&[("a", broken("v1")), ("b", broken("v1"))]), at(0)));
    assert_eq!(waits.why, Why::Readiness { last: Some("503".into()) });
}

#[test]
fn the_failing_versions_instances_that_never_served_go_at_once_when_it_goes_back() {
    let mut rollout = Rollout::begin(goal("v2", 2, 0, 1), Some(goal("v1", 2, 0, 1)), at(0));
    let picture = |abort| Seen { abort, ..seen(&[("b", broken("v2")), ("c", broken("v2"))]) };
    let _ = rollout.step(&picture(false), at(0));
    let actions = acts(&mut rollout, &picture(true), at(1));
    assert_eq!(actions, [withdraw("b"), withdraw("c")]);
    assert_eq!(rollout.failure(), Some(&Failure::Aborted));
}

#[test]
fn the_failing_versions_instances_that_served_go_only_as_far_as_the_floor_allows() {
    let mut rollout = Rollout::begin(goal("v2", 2, 0, 1), Some(goal("v1", 2, 0, 1)), at(0));
    let _ = rollout.step(&seen(&[("b", ready("v2")), ("c", ready("v2")), ("d", dead("v2"))]), at(0));
    let picture =
        Seen { abort: true, ..seen(&[("b", broken("v2")), ("c", broken("v2")), ("d", dead("v2"))]) };
    let actions = acts(&mut rollout, &picture, at(1));
    assert_eq!(actions[1..], [withdraw("b")]);
}

#[test]
fn turning_to_another_goal_keeps_the_drains_and_forgets_the_crashes() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), Some(goal("v1", 1, 1, 0)), at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1")), ("b", ready("v2")), ("x", dead("v2"))]), at(0));
    assert!(rollout.leaving(&"a".into()).is_some());
    let mut rollout = rollout.turn(goal("v2", 2, 1, 0), None, at(0));
    assert_eq!((rollout.began(), rollout.drained().len()), (at(0), 0));
    assert!(rollout.leaving(&"a".into()).is_some());
    assert!(rollout.leaving(&"b".into()).is_none());
    let actions =
        acts(&mut rollout, &seen(&[("a", ready("v1")), ("b", ready("v2")), ("x", dead("v2"))]), at(0));
    // The crash of a moment ago holds nothing back.
    assert_eq!(actions, [withdraw("a"), forget("x"), start("v2")]);
}

#[test]
fn an_instance_drains_by_the_plan_of_its_own_version_and_of_one_version_by_that_of_the_goal() {
    let hasty =
        |goal: Goal, deadline| Goal { drain: Plan { deadline: seconds(deadline), ..goal.drain }, ..goal };
    let old = hasty(goal("v1", 1, 1, 0), 7);
    let mut rollout = Rollout::begin(hasty(goal("v2", 1, 1, 0), 8), Some(old.clone()), at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1")), ("b", ready("v2"))]), at(0));
    assert_eq!(rollout.leaving(&"a".into()).unwrap().drain().deadline(), at(7));
    let mut rollout = Rollout::begin(hasty(goal("v1", 0, 1, 0), 9), Some(old), at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1"))]), at(0));
    assert_eq!(rollout.leaving(&"a".into()).unwrap().drain().deadline(), at(9));
}

#[test]
fn a_drain_that_ended_while_the_driver_was_away_is_still_told() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), None, at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1")), ("b", ready("v2"))]), at(0));
    assert_eq!(done(rollout.step(&seen(&[("b", ready("v2"))]), at(9))), Outcome::Reached);
    assert_eq!(rollout.drained()[0].outcome.took, seconds(9));
    let _ = rollout.step(&seen(&[]), at(10));
    assert!(!rollout.serves(&"b".into()), "what is not shown is not there");
}

#[test]
fn going_back_to_the_same_version_drains_by_the_plan_of_what_it_goes_back_to() {
    let hasty =
        |goal: Goal, deadline| Goal { drain: Plan { deadline: seconds(deadline), ..goal.drain }, ..goal };
    let mut rollout =
        Rollout::begin(hasty(goal("v1", 2, 1, 0), 8), Some(hasty(goal("v1", 1, 1, 0), 9)), at(0));
    let picture = seen(&[("a", ready("v1")), ("b", ready("v1")), ("c", unknown("v1"))]);
    let _ = rollout.step(&Seen { abort: true, ..picture }, at(0));
    assert_eq!(rollout.leaving(&"c".into()).unwrap().drain().deadline(), at(9));
}

#[test]
fn broken_old_ones_are_kept_in_hope_until_a_replacement_serves() {
    let mut rollout = Rollout::begin(goal("v2", 2, 1, 0), Some(goal("v1", 2, 1, 0)), at(0));
    let picture = |new| seen(&[("a", broken("v1")), ("b", broken("v1")), ("c", new)]);
    let _ = wait(rollout.step(&picture(broken("v2")), at(0)));
    let actions = acts(&mut rollout, &picture(ready("v2")), at(1));
    assert_eq!(actions[0], withdraw("a"));
    assert!(rollout.leaving(&"b".into()).is_none());
}

#[test]
fn of_too_many_the_broken_leave_as_soon_as_enough_serve_and_no_more_than_are_too_many() {
    let picture = |b| seen(&[("a", ready("v1")), ("b", b), ("c", broken("v1"))]);
    let mut rollout = Rollout::begin(goal("v1", 2, 1, 0), None, at(0));
    let suspends = |id: &str| Action::Suspend { instance: InstanceId::from(id) };
    assert_eq!(acts(&mut rollout, &picture(broken("v1")), at(0)), [suspends("b"), suspends("c")]);
    assert_eq!(acts(&mut rollout, &picture(ready("v1")), at(1)), [withdraw("c")]);
    let mut rollout = Rollout::begin(goal("v1", 1, 0, 1), None, at(0));
    let actions = acts(&mut rollout, &seen(&[("a", ready("v1")), ("b", ready("v1"))]), at(0));
    assert_eq!(actions, [withdraw("a")]);
}
