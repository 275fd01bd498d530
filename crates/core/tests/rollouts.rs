//! Rollouts, case by case: what the laws leave open, and what a random world meets too seldom.

use crate::cases::{at, done, path, seconds, wait};
use segue_core::drain::{self, InFlight, Plan, Signal};
use segue_core::path::{Millis, Path, PathSeen};
use segue_core::rollout::{Action, Failure, Goal, InstanceSeen, Outcome, Readiness, Rollout, Seen, bound};
use segue_core::{InstanceId, Next, Time, Version, Wait, Why};
use std::time::Duration;

fn goal(version: &str, replicas: u32, surge: u32, unavailable: u32) -> Goal {
    Goal {
        version: Version::from(version),
        replicas,
        surge,
        unavailable,
        progress_deadline: seconds(100),
        crash_limit: 2,
        drain: Plan {
            paths: vec![Path::atomic("proxy")],
            quiet: None,
            deadline: seconds(60),
            stop_grace: seconds(10),
        },
    }
}

fn ready(version: &str) -> InstanceSeen {
    let paths = [("proxy".to_owned(), PathSeen { admitted: true, evidence: 0 })];
    let drain = drain::Seen {
        alive: true,
        paths: paths.into(),
        in_flight: InFlight::Counted(0),
        last_request: None,
        signalled: None,
    };
    InstanceSeen { version: Version::from(version), readiness: Readiness::Ready, drain }
}

/// Ready, and no router picks it yet.
fn fresh(version: &str) -> InstanceSeen {
    let mut instance = ready(version);
    instance.drain.paths.clear();
    instance
}

fn broken(version: &str) -> InstanceSeen {
    InstanceSeen { readiness: Readiness::NotReady(Some("503".into())), ..ready(version) }
}

fn unknown(version: &str) -> InstanceSeen {
    InstanceSeen { readiness: Readiness::NotReady(None), ..fresh(version) }
}

fn dead(version: &str) -> InstanceSeen {
    let mut instance = fresh(version);
    instance.drain.alive = false;
    instance
}

fn seen(instances: &[(&str, InstanceSeen)]) -> Seen {
    let named = |(id, instance): &(&str, InstanceSeen)| (InstanceId::from(*id), instance.clone());
    Seen { instances: instances.iter().map(named).collect(), abort: false }
}

fn acts(rollout: &mut Rollout, seen: &Seen, now: Time) -> Vec<Action> {
    match rollout.step(seen, now) {
        Next::Do(actions) => actions,
        other => panic!("nothing to do: {other:?}"),
    }
}

fn start(version: &str) -> Action {
    Action::Start { version: Version::from(version) }
}

fn withdraw(id: &str) -> Action {
    let action = drain::Action::Withdraw { path: "proxy".into() };
    Action::Drain { instance: InstanceId::from(id), action }
}

fn signal(id: &str, signal: Signal) -> Action {
    Action::Drain { instance: InstanceId::from(id), action: drain::Action::Signal { signal } }
}

fn forget(id: &str) -> Action {
    Action::Forget { instance: InstanceId::from(id) }
}

fn admit(id: &str) -> Action {
    Action::Admit { instance: InstanceId::from(id), paths: vec!["proxy".into()] }
}

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
fn turning_to_another_goal_keeps_the_drains_and_forgets_the_crashes() {
    let mut rollout = Rollout::begin(goal("v2", 1, 1, 0), Some(goal("v1", 1, 1, 0)), at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1")), ("b", ready("v2")), ("x", dead("v2"))]), at(0));
    assert!(rollout.drain(&"a".into()).is_some());
    let mut rollout = rollout.turn(goal("v2", 2, 1, 0), None, at(0));
    assert_eq!((rollout.began(), rollout.drained().len()), (at(0), 0));
    assert!(rollout.drain(&"a".into()).is_some());
    assert!(rollout.drain(&"b".into()).is_none());
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
    assert_eq!(rollout.drain(&"a".into()).unwrap().deadline(), at(7));
    let mut rollout = Rollout::begin(hasty(goal("v1", 0, 1, 0), 9), Some(old), at(0));
    let _ = rollout.step(&seen(&[("a", ready("v1"))]), at(0));
    assert_eq!(rollout.drain(&"a".into()).unwrap().deadline(), at(9));
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
    joining.drain.paths =
        ["p", "q"].map(|name| (name.to_owned(), PathSeen { admitted: true, evidence: 0 })).into();
    assert_eq!(wait(rollout.step(&seen(&[("a", joining.clone())]), at(0))).until, Some(at(4)));
    assert_eq!(done(rollout.step(&seen(&[("a", joining)]), at(4))), Outcome::Reached);
}

#[test]
fn going_back_to_the_same_version_drains_by_the_plan_of_what_it_goes_back_to() {
    let hasty =
        |goal: Goal, deadline| Goal { drain: Plan { deadline: seconds(deadline), ..goal.drain }, ..goal };
    let mut rollout =
        Rollout::begin(hasty(goal("v1", 2, 1, 0), 8), Some(hasty(goal("v1", 1, 1, 0), 9)), at(0));
    let picture = seen(&[("a", ready("v1")), ("b", ready("v1")), ("c", unknown("v1"))]);
    let _ = rollout.step(&Seen { abort: true, ..picture }, at(0));
    assert_eq!(rollout.drain(&"c".into()).unwrap().deadline(), at(9));
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
fn one_that_was_first_seen_as_another_crashed_makes_that_crash_forgotten() {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
    let _ = rollout.step(&seen(&[("a", dead("v1")), ("b", ready("v1"))]), at(0));
    let _ = rollout.step(&seen(&[("b", ready("v1"))]), at(10));
    let _ = rollout.step(&seen(&[("b", dead("v1"))]), at(20));
    assert_eq!(wait(rollout.step(&seen(&[]), at(20))).why, Why::BackOff { crashes: 1 });
}

#[test]
fn an_abort_at_the_first_step_of_a_scale_in_is_heard() {
    let mut rollout = Rollout::begin(goal("v1", 2, 1, 0), Some(goal("v1", 3, 1, 0)), at(0));
    let picture = seen(&[("a", ready("v1")), ("b", ready("v1")), ("c", ready("v1"))]);
    let outcome = done(rollout.step(&Seen { abort: true, ..picture }, at(0)));
    assert_eq!(outcome, Outcome::WentBack { failure: Failure::Aborted });
}

#[test]
fn broken_old_ones_are_kept_in_hope_until_a_replacement_serves() {
    let mut rollout = Rollout::begin(goal("v2", 2, 1, 0), Some(goal("v1", 2, 1, 0)), at(0));
    let picture = |new| seen(&[("a", broken("v1")), ("b", broken("v1")), ("c", new)]);
    let _ = wait(rollout.step(&picture(broken("v2")), at(0)));
    let actions = acts(&mut rollout, &picture(ready("v2")), at(1));
    assert_eq!(actions[0], withdraw("a"));
    assert!(rollout.drain(&"b".into()).is_none());
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

#[test]
fn a_back_off_is_told_only_where_one_is_missing() {
    let mut rollout = Rollout::begin(goal("v1", 1, 1, 0), None, at(0));
    let _ = rollout.step(&seen(&[("a", unknown("v1")), ("b", dead("v1"))]), at(0));
    let waits = wait(rollout.step(&seen(&[("a", unknown("v1"))]), at(0)));
    assert_eq!(waits.why, Why::Readiness { last: None });
}

#[test]
fn it_wakes_up_to_give_up_though_only_an_old_one_is_waited_for() {
    let mut rollout = Rollout::begin(goal("v2", 2, 0, 1), Some(goal("v1", 2, 0, 1)), at(0));
    let picture = seen(&[("a", unknown("v1")), ("b", unknown("v1"))]);
    assert_eq!(wait(rollout.step(&picture, at(1))).until, Some(at(100)));
}
