//! One instance's way out: case by case.

use crate::cases::{Seen, WayOut, at, done, gone, path, seconds, wait};
use segue_core::drain::{self, InFlight, Kept, Plan, Reason};
use segue_core::path::{EndedBy, Millis, Path, PathSeen, StageOver};
use segue_core::rollout::leaving::{Action, Leaving, Outcome};
use segue_core::stop::{Ended, Signal};
use segue_core::{Time, Wait, Why};

const CUT: Action = Action::Drain(drain::Action::Cut);
const STOP: Action = Action::Stop(Signal::Stop);
const KILL: Action = Action::Stop(Signal::Kill);

fn plan(paths: Vec<Path>) -> Plan {
    Plan {
        paths,
        quiet: None,
        longest_request: None,
        linger: None,
        deadline: seconds(60),
        stop_grace: seconds(10),
    }
}

fn withdraw(path: &str) -> Action {
    Action::Drain(drain::Action::Withdraw { path: path.to_owned() })
}

/// Alive, withdrawn from these paths, with so many requests in flight.
fn seen(paths: &[&str], in_flight: u64) -> Seen {
    let drain = drain::Seen {
        told: std::collections::BTreeMap::new(),
        alive: true,
        paths: paths.iter().map(|path| ((*path).to_owned(), PathSeen::default())).collect(),
        in_flight: InFlight::Counted(in_flight),
        kept: Kept::default(),
        last_request: None,
    };
    Seen { drain, signalled: None }
}

fn acts(drain: &mut WayOut, seen: &Seen, now: Time) -> Vec<Action> {
    crate::cases::acts(drain.step(seen, now))
}

#[test]
fn it_withdraws_waits_for_what_is_in_flight_stops_and_ends() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("proxy")]), at(100));
    assert_eq!((drain.began(), drain.deadline()), (at(100), at(160)));
    // A path that is not shown has taken no change.
    assert_eq!(acts(&mut drain, &seen(&[], 2), at(100)), [withdraw("proxy")]);
    let mut picture = seen(&["proxy"], 2);
    let why = Why::InFlight { count: Some(2), estimated: false };
    let expected = Wait { why, since: at(101), until: Some(at(160)) };
    assert_eq!(wait(drain.step(&picture, at(101))), expected);
    assert!(!drain.stopping());
    picture.in_flight = InFlight::Counted(0);
    assert_eq!(acts(&mut drain, &picture, at(105)), [STOP]);
    assert!(drain.stopping());
    picture.signalled = Some(Signal::Stop);
    let expected = Wait { why: Why::Exit, since: at(105), until: Some(at(115)) };
    assert_eq!(wait(drain.step(&picture, at(105))), expected);
    picture.alive = false;
    let expected = Outcome { ended: Ended::Stopped, cut: 0, took: seconds(8) };
    assert_eq!(done(drain.step(&picture, at(108))), expected);
}

#[test]
fn only_the_paths_that_still_pick_it_are_withdrawn() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("a"), Path::atomic("b")]), at(0));
    assert_eq!(acts(&mut drain, &seen(&["a"], 0), at(0)), [withdraw("b")]);
}

#[test]
fn of_several_paths_the_one_that_takes_longest_is_named() {
    let paths = vec![path("short", &[Some(2)]), path("long", &[Some(9)]), path("middle", &[Some(5)])];
    let mut drain = WayOut::begin(plan(paths), at(0));
    let left = wait(drain.step(&seen(&["short", "long", "middle"], 0), at(0)));
    assert_eq!(left.until, Some(at(9)));
    assert!(matches!(left.why, Why::Propagation { path, .. } if path == "long"));
}

#[test]
fn of_several_paths_one_without_a_bound_is_named_and_the_deadline_is_its_end() {
    for order in [["bounded", "unbounded"], ["unbounded", "bounded"]] {
        let of = |name: &str| path(name, &[(name == "bounded").then_some(2)]);
        let mut drain = WayOut::begin(plan(order.map(of).to_vec()), at(0));
        let left = wait(drain.step(&seen(&order, 0), at(0)));
        assert_eq!(left.until, Some(at(60)));
        assert!(matches!(left.why, Why::Propagation { path, .. } if path == "unbounded"));
    }
}

#[test]
fn silence_on_a_path_is_no_evidence() {
    let mut drain = WayOut::begin(plan(vec![path("p", &[None])]), at(0));
    for now in [0, 30, 59] {
        assert!(matches!(wait(drain.step(&seen(&["p"], 0), at(now))).why, Why::Propagation { .. }));
    }
}

#[test]
fn the_deadline_withdraws_counts_cuts_and_stops_in_this_order() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("a"), path("b", &[None])]), at(0));
    let _ = drain.step(&seen(&["a", "b"], 3), at(0));
    assert_eq!(wait(drain.step(&seen(&["a", "b"], 3), Time::from_millis(59_999))).until, Some(at(60)));
    let mut picture = seen(&["a"], 3);
    assert_eq!(acts(&mut drain, &picture, at(60)), [withdraw("b"), CUT, STOP]);
    // The signal is not known to be sent: the same again, and what was counted stays.
    picture.in_flight = InFlight::Counted(0);
    assert_eq!(acts(&mut drain, &picture, at(61)), [withdraw("b"), CUT, STOP]);
    picture.signalled = Some(Signal::Stop);
    assert_eq!(acts(&mut drain, &picture, at(61)), [withdraw("b")]);
    picture.alive = false;
    assert_eq!(done(drain.step(&picture, at(62))).cut, 3);
}

#[test]
fn a_deadline_that_finds_nothing_left_to_wait_for_cuts_nothing() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("a")]), at(0));
    let _ = drain.step(&seen(&["a"], 3), at(0));
    assert_eq!(acts(&mut drain, &seen(&["a"], 0), at(60)), [STOP]);
}

#[test]
fn what_was_in_flight_when_it_ended_by_itself_is_counted() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("a")]), at(0));
    let _ = drain.step(&seen(&["a"], 4), at(0));
    let _ = drain.step(&seen(&["a"], 2), at(1));
    let expected = Outcome { ended: Ended::ByItself, cut: 2, took: seconds(3) };
    assert_eq!(done(drain.step(&Seen::default(), at(3))), expected);
}

#[test]
fn one_that_ignores_its_signal_is_killed_when_the_grace_is_over() {
    let mut drain = WayOut::begin(plan(Vec::new()), at(0));
    let mut picture = seen(&[], 0);
    assert_eq!(acts(&mut drain, &picture, at(0)), [STOP]);
    picture.signalled = Some(Signal::Stop);
    assert_eq!(wait(drain.step(&picture, at(1))).until, Some(at(11)));
    assert_eq!(wait(drain.step(&picture, Time::from_millis(10_999))).why, Why::Exit);
    assert_eq!(acts(&mut drain, &picture, at(11)), [KILL]);
    picture.signalled = Some(Signal::Kill);
    let expected = Wait { why: Why::Killed, since: at(11), until: None };
    assert_eq!(wait(drain.step(&picture, at(12))), expected);
    picture.alive = false;
    assert_eq!(done(drain.step(&picture, at(12))).ended, Ended::Killed);
}

#[test]
fn a_driver_that_starts_again_does_not_repeat_a_signal_that_was_seen_to_be_sent() {
    let mut drain = WayOut::begin(plan(Vec::new()), at(0));
    let mut picture = seen(&[], 0);
    let _ = drain.step(&picture, at(0));
    picture.signalled = Some(Signal::Stop);
    let _ = drain.step(&picture, at(1));
    let written = serde_json::to_string(&drain).unwrap();
    let mut drain: WayOut = serde_json::from_str(&written).unwrap();
    picture.signalled = None;
    assert_eq!(wait(drain.step(&picture, at(2))).why, Why::Exit);
    assert_eq!(acts(&mut drain, &picture, at(11)), [KILL]);
}

#[test]
fn a_driver_that_was_away_for_long_sends_the_stop_signal_before_any_kill() {
    let mut drain = WayOut::begin(plan(Vec::new()), at(0));
    let mut picture = seen(&[], 0);
    assert_eq!(acts(&mut drain, &picture, at(0)), [STOP]);
    // It was killed before it sent the signal, and is back much later.
    assert_eq!(acts(&mut drain, &picture, at(1_000)), [STOP]);
    picture.signalled = Some(Signal::Stop);
    assert_eq!(wait(drain.step(&picture, at(1_000))).until, Some(at(1_010)));
}

#[test]
fn a_stop_that_was_not_sent_is_thought_over_when_a_request_comes() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("a")]), at(0));
    assert_eq!(acts(&mut drain, &seen(&["a"], 0), at(0)), [STOP]);
    assert!(matches!(wait(drain.step(&seen(&["a"], 1), at(5))).why, Why::InFlight { .. }));
    assert!(!drain.stopping());
    assert_eq!(acts(&mut drain, &seen(&["a"], 0), at(6)), [STOP]);
}

#[test]
fn a_stop_that_was_sent_is_not_taken_back_and_its_grace_goes_on() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("a")]), at(0));
    assert_eq!(acts(&mut drain, &seen(&["a"], 0), at(0)), [STOP]);
    let sent = Seen { signalled: Some(Signal::Stop), ..seen(&["a"], 1) };
    assert_eq!(wait(drain.step(&sent, at(1))).why, Why::Exit);
    assert_eq!(wait(drain.step(&sent, at(2))).until, Some(at(11)));
    assert_eq!(acts(&mut drain, &sent, at(11)), [KILL]);
}

#[test]
fn a_wait_is_told_also_while_there_is_something_to_do() {
    let mut drain = WayOut::begin(plan(vec![Path::atomic("a")]), at(0));
    let picture = seen(&[], 0);
    let _ = drain.step(&picture, at(0));
    let expected = Wait { why: Why::Router { path: "a".into() }, since: at(0), until: Some(at(60)) };
    assert_eq!(drain.wait(&picture, at(7)), expected);
    let mut stopping = WayOut::begin(plan(Vec::new()), at(0));
    let _ = stopping.step(&picture, at(0));
    assert_eq!(stopping.wait(&picture, at(0)), Wait { why: Why::Exit, since: at(0), until: Some(at(10)) });
}

#[test]
fn what_nothing_can_count_holds_the_drain_up_to_its_deadline() {
    let mut drain = WayOut::begin(plan(Vec::new()), at(0));
    let mut picture = seen(&[], 0);
    picture.in_flight = InFlight::Unknown;
    let expected = Why::InFlight { count: None, estimated: true };
    assert_eq!(wait(drain.step(&picture, at(30))).why, expected);
    assert_eq!(acts(&mut drain, &picture, at(60)), [CUT, STOP]);
    picture.in_flight = InFlight::Estimated(5);
    let mut drain = WayOut::begin(plan(Vec::new()), at(0));
    assert_eq!(wait(drain.step(&picture, at(30))).why, Why::InFlight { count: Some(5), estimated: true });
    picture.in_flight = InFlight::Estimated(0);
    assert_eq!(acts(&mut drain, &picture, at(31)), [STOP]);
}

fn quiet(bounds: &[Option<u64>]) -> WayOut {
    let paths = vec![path("p", bounds)];
    WayOut::begin(Plan { quiet: Some(Millis(seconds(2))), ..plan(paths) }, at(0))
}

fn last_request(now: u64) -> Seen {
    let mut seen = seen(&["p"], 0);
    seen.last_request = Some(at(now));
    seen
}

#[test]
fn the_quiet_window_runs_while_the_change_travels() {
    let mut drain = quiet(&[Some(5)]);
    let _ = drain.step(&last_request(0), at(0));
    assert_eq!(acts(&mut drain, &last_request(3), at(5)), [STOP]);
}

#[test]
fn a_late_request_makes_it_wait_until_the_window_is_over() {
    let mut drain = quiet(&[Some(5)]);
    let _ = drain.step(&last_request(4), at(0));
    let expected = Wait { why: Why::Quiet { window: seconds(2) }, since: at(5), until: Some(at(6)) };
    assert_eq!(wait(drain.step(&last_request(4), at(5))), expected);
    assert_eq!(acts(&mut drain, &last_request(4), at(6)), [STOP]);
}

#[test]
fn no_request_at_all_is_quiet() {
    let mut drain = quiet(&[Some(0)]);
    assert_eq!(acts(&mut drain, &seen(&["p"], 0), at(0)), [STOP]);
}

#[test]
fn requests_that_never_end_hold_it_up_for_as_long_again_as_the_longest_path() {
    let mut drain = quiet(&[Some(5)]);
    let _ = drain.step(&last_request(0), at(0));
    assert_eq!(wait(drain.step(&last_request(9), at(9))).until, Some(at(10)));
    assert_eq!(acts(&mut drain, &last_request(10), at(10)), [STOP]);
}

#[test]
fn requests_that_never_end_hold_it_up_for_at_least_one_window() {
    let mut drain = quiet(&[Some(0)]);
    assert_eq!(wait(drain.step(&last_request(0), at(0))).until, Some(at(2)));
    assert_eq!(wait(drain.step(&last_request(1), at(1))).until, Some(at(2)));
    assert_eq!(acts(&mut drain, &last_request(2), at(2)), [STOP]);
}

#[test]
fn requests_that_never_end_on_a_path_without_a_bound_hold_it_up_to_the_deadline() {
    let mut drain = quiet(&[None]);
    let evident = |last: u64| {
        let mut seen = last_request(last);
        seen.paths.insert("p".into(), gone(1));
        seen
    };
    let _ = drain.step(&evident(0), at(0));
    assert_eq!(wait(drain.step(&evident(59), at(59))).why, Why::Quiet { window: seconds(2) });
    assert_eq!(acts(&mut drain, &evident(60), at(60)), [CUT, STOP]);
}

#[test]
fn a_drain_ends_with_its_reason_what_was_in_flight_and_what_ended_each_stage() {
    let left = |plan: Plan, seen: &Seen, now: u64| {
        let mut drain = drain::Drain::begin(plan, at(0));
        let _ = drain.step(&seen.drain, at(0));
        done(drain.step(&seen.drain, at(now)))
    };
    let by_bound = vec![StageOver {
        path: "p".into(),
        stage: Some("s0".into()),
        by: EndedBy::Bound,
        after: Millis(seconds(5)),
    }];
    let service = || plan(vec![path("p", &[Some(5)])]);
    let drained = drain::Left { reason: Reason::Drained, cut: 0, stages: by_bound.clone() };
    assert_eq!(left(service(), &seen(&["p"], 0), 5), drained);
    let deadline = drain::Left { reason: Reason::Deadline, cut: 3, stages: by_bound.clone() };
    assert_eq!(left(service(), &seen(&["p"], 3), 60), deadline);
    let mut about_two = seen(&["p"], 0);
    about_two.in_flight = InFlight::Estimated(2);
    let longest = Plan { longest_request: Some(Millis(seconds(10))), ..service() };
    let had_its_time = drain::Left { reason: Reason::LongestRequest, cut: 2, stages: by_bound };
    assert_eq!(left(longest, &about_two, 15), had_its_time);
    let mut drain = drain::Drain::begin(service(), at(0));
    let _ = drain.step(&seen(&["p"], 4).drain, at(1));
    let by_itself = done(drain.step(&drain::Seen::default(), at(2)));
    assert_eq!((by_itself.reason, by_itself.cut), (Reason::ByItself, 4));
}

#[test]
fn only_the_deadline_ends_a_drain_for_good() {
    let mut drain = drain::Drain::begin(plan(vec![Path::atomic("a")]), at(0));
    assert_eq!(done(drain.step(&seen(&["a"], 0).drain, at(1))).reason, Reason::Drained);
    assert!(matches!(wait(drain.step(&seen(&["a"], 1).drain, at(2))).why, Why::InFlight { .. }));
    assert_eq!(done(drain.step(&seen(&["a"], 1).drain, at(60))).reason, Reason::Deadline);
    let late = done(drain.step(&seen(&["a"], 0).drain, at(61)));
    assert_eq!((late.reason, late.cut), (Reason::Deadline, 1));
}

/// A driver of the version before wrote the drain and its stop as one value.
#[test]
fn what_an_earlier_version_wrote_of_an_instance_that_leaves_is_read() {
    let plan = serde_json::to_string(&plan(vec![Path::atomic("a")])).unwrap();
    let written = format!(
        r#"{{"version":"v1","drain":{{"plan":{plan},"began":0,"left":{{}},"carried":0,"stopping":{{"at":1000,
        "told":2000,"cut":0,"forced":false}},"killed":false}}}}"#
    );
    let mut leaving: Leaving = serde_json::from_str(&written).unwrap();
    let stop = crate::cases::acts(leaving.step(&seen(&["a"], 0).drain, None, at(3)));
    assert_eq!(stop, [STOP], "it is told to stop again");
}
