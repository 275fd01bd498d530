//! Propagation, the budget, and time: case by case.

use crate::cases::{at, gone as evident, path, seconds};
use proptest::prelude::*;
use segue_core::budget::{Budget, Needs};
use segue_core::path::{Bounds, Direction, EndedBy, Millis, Path, PathSeen, Propagation, StageOver};
use segue_core::{Time, Wait, Why};
use std::time::Duration;

static NOT_PICKED: PathSeen = PathSeen::without_evidence(false);
static IS_PICKED: PathSeen = PathSeen::without_evidence(true);
const GONE: Option<&PathSeen> = Some(&NOT_PICKED);
const PICKED: Option<&PathSeen> = Some(&IS_PICKED);

fn stage_of(wait: Option<Wait>) -> String {
    match wait.map(|wait| wait.why) {
        Some(Why::Propagation { stage, .. }) => stage,
        other => panic!("no stage: {other:?}"),
    }
}

#[test]
fn stages_without_evidence_end_one_after_the_other_by_their_bounds() {
    let path = path("p", &[Some(3), Some(4)]);
    let mut change = Propagation::default();
    let wait = change.observe(&path, Direction::Leave, GONE, at(10)).unwrap();
    assert_eq!((wait.since, wait.until), (at(10), Some(at(13))));
    let why = Why::Propagation {
        path: "p".into(),
        stage: "s0".into(),
        setting: "s0.refresh".into(),
        evidence: Some("the test says so".into()),
    };
    assert_eq!(wait.why, why);
    assert_eq!(change.over(&path), None);
    // Seen late: the second stage still counts from the first one's bound.
    let wait = change.observe(&path, Direction::Leave, GONE, at(15)).unwrap();
    assert_eq!((wait.since, wait.until), (at(13), Some(at(17))));
    assert_eq!(change.observe(&path, Direction::Leave, GONE, at(17)), None);
    assert_eq!(change.over(&path), Some(at(17)));
}

#[test]
fn evidence_ends_a_stage_before_its_bound_and_the_next_counts_from_there() {
    let path = path("p", &[Some(30), Some(4)]);
    let mut change = Propagation::default();
    assert!(change.observe(&path, Direction::Leave, GONE, at(10)).is_some());
    let wait = change.observe(&path, Direction::Leave, Some(&evident(1)), at(12)).unwrap();
    assert_eq!((wait.since, wait.until), (at(12), Some(at(16))));
    assert_eq!(stage_of(Some(wait)), "s1");
}

#[test]
fn evidence_that_comes_after_the_bound_does_not_make_the_stage_longer() {
    let path = path("p", &[Some(3), Some(4)]);
    let mut change = Propagation::default();
    assert!(change.observe(&path, Direction::Leave, GONE, at(10)).is_some());
    assert_eq!(change.observe(&path, Direction::Leave, Some(&evident(1)), at(17)), None);
    assert_eq!(change.over(&path), Some(at(17)));
}

#[test]
fn evidence_that_no_stage_described_is_not_believed() {
    let mut path = path("p", &[Some(3), Some(4)]);
    path.stages[0].evidence = None;
    let mut change = Propagation::default();
    let wait = change.observe(&path, Direction::Leave, Some(&evident(1)), at(10)).unwrap();
    assert_eq!((stage_of(Some(wait.clone())), wait.until), ("s0".to_owned(), Some(at(13))));
    // What shows the next one over shows this one over, too.
    assert_eq!(change.observe(&path, Direction::Leave, Some(&evident(2)), at(11)), None);
}

#[test]
fn what_would_end_a_stage_sooner_is_said_with_the_wait() {
    let path = path("p", &[Some(3)]);
    let wait = Propagation::default().observe(&path, Direction::Leave, GONE, at(10)).unwrap();
    assert_eq!(wait.why.to_string(), "stage s0 of path p (over sooner once the test says so)");
    let why = Why::Registered { paths: vec!["a".into(), "b".into()] };
    assert_eq!(why.to_string(), "the registry of path a, b to drop it");
}

#[test]
fn a_path_that_is_not_seen_is_waited_for_and_what_was_over_stays_over() {
    let path = path("p", &[Some(3), Some(4)]);
    let mut change = Propagation::default();
    assert!(change.observe(&path, Direction::Leave, GONE, at(10)).is_some());
    assert!(change.observe(&path, Direction::Leave, GONE, at(13)).is_some());
    let unseen = change.observe(&path, Direction::Leave, None, at(20)).unwrap();
    assert_eq!(unseen, Wait { why: Why::Router { path: "p".into() }, since: at(20), until: None });
    assert_eq!(change.observe(&path, Direction::Leave, None, at(21)).unwrap().since, at(20));
    assert_eq!(change.observe(&path, Direction::Leave, GONE, at(22)), None, "it went on meanwhile");
    assert!(change.observe(&path, Direction::Leave, PICKED, at(23)).is_some());
    assert!(
        change.observe(&path, Direction::Leave, GONE, at(24)).is_some(),
        "seen to be picked, it begins anew"
    );
}

#[test]
fn a_stage_without_a_bound_ends_by_evidence_alone() {
    let path = path("p", &[None]);
    let mut change = Propagation::default();
    let wait = change.observe(&path, Direction::Leave, GONE, at(10)).unwrap();
    assert_eq!(wait.until, None);
    assert_eq!(stage_of(change.observe(&path, Direction::Leave, GONE, at(1_000_000))), "s0");
    assert_eq!(change.observe(&path, Direction::Leave, Some(&evident(1)), at(1_000_001)), None);
    assert_eq!(change.over(&path), Some(at(1_000_001)));
}

#[test]
fn a_stage_that_is_over_stays_over_when_its_evidence_is_not_shown_again() {
    let path = path("p", &[None, Some(5)]);
    let mut change = Propagation::default();
    assert_eq!(stage_of(change.observe(&path, Direction::Leave, Some(&evident(1)), at(10))), "s1");
    assert_eq!(stage_of(change.observe(&path, Direction::Leave, GONE, at(11))), "s1");
}

#[test]
fn a_router_that_has_not_taken_the_change_is_waited_for_since_it_was_first_seen_so() {
    let path = path("p", &[Some(3)]);
    let mut change = Propagation::default();
    for now in [10, 20, 30] {
        let wait = change.observe(&path, Direction::Leave, PICKED, at(now)).unwrap();
        assert_eq!(wait, Wait { why: Why::Router { path: "p".into() }, since: at(10), until: None });
    }
    assert_eq!(change.observe(&path, Direction::Leave, GONE, at(40)).unwrap().until, Some(at(43)));
    // It took the instance back: all begins anew.
    assert_eq!(change.observe(&path, Direction::Leave, PICKED, at(43)).unwrap().since, at(43));
    assert_eq!(change.observe(&path, Direction::Leave, GONE, at(50)).unwrap().until, Some(at(53)));
}

#[test]
fn an_atomic_path_is_over_as_soon_as_its_router_took_the_change() {
    let path = Path::atomic("proxy");
    assert_eq!((path.name.as_str(), path.bound(Direction::Leave)), ("proxy", Some(Duration::ZERO)));
    let mut change = Propagation::default();
    assert!(change.observe(&path, Direction::Leave, PICKED, at(5)).is_some());
    assert_eq!(change.over(&path), None);
    assert_eq!(change.observe(&path, Direction::Leave, GONE, at(7)), None);
    assert_eq!(change.over(&path), Some(at(7)));
}

#[test]
fn joining_and_leaving_have_their_own_bounds() {
    let mut path = path("p", &[Some(3)]);
    path.stages[0].join = Bounds::at_most(seconds(8));
    assert_eq!(path.bound(Direction::Join), Some(seconds(8)));
    assert_eq!(path.bound(Direction::Leave), Some(seconds(3)));
    let mut change = Propagation::default();
    let wait = change.observe(&path, Direction::Join, PICKED, at(0)).unwrap();
    assert_eq!(wait.until, Some(at(8)));
}

fn needs(paths: Vec<Path>) -> Needs {
    Needs { paths, quiet: None, linger: None, longest_request: seconds(5), stop_time: seconds(7) }
}

#[test]
fn a_budget_is_the_slowest_path_and_quiet_and_the_longest_request_and_the_stop() {
    let mut needs = needs(vec![path("a", &[Some(3), Some(4)]), path("b", &[Some(9)])]);
    needs.paths[0].stages[0].join = Bounds::at_most(seconds(30));
    let whole = |drain, grace, ready| Budget {
        drain: Some(Millis(seconds(drain))),
        grace: Some(Millis(seconds(grace))),
        min_ready: Some(Millis(seconds(ready))),
    };
    assert_eq!(needs.budget(), whole(14, 21, 34));
    needs.quiet = Some(Millis(seconds(2)));
    assert_eq!(needs.budget(), whole(16, 23, 34));
    needs.linger = Some(Millis(seconds(7)));
    assert_eq!(needs.budget(), whole(16, 23, 34), "connections linger while requests are finished");
    needs.linger = Some(Millis(seconds(8)));
    assert_eq!(needs.budget(), whole(17, 24, 34));
}

#[test]
fn no_finite_budget_is_enough_for_a_path_without_a_bound() {
    let none = Budget { drain: None, grace: None, min_ready: None };
    assert_eq!(needs(vec![path("a", &[Some(3)]), path("b", &[Some(1), None])]).budget(), none);
}

#[test]
fn a_path_that_is_written_down_is_read_back_the_same() {
    let path = path("p", &[Some(3), None]);
    let text = serde_json::to_string(&path).unwrap();
    assert!(text.contains(r#""leave":{"min":0,"max":3000}"#), "{text}");
    assert!(text.contains(r#""leave":{"min":0,"max":null}"#), "{text}");
    assert_eq!(serde_json::from_str::<Path>(&text).unwrap(), path);
}

proptest! {
    #[test]
    fn a_wait_never_ends_before_its_time(start in 0..1_u64 << 40, nanos in 0..1_u64 << 50) {
        let duration = Duration::from_nanos(nanos);
        let end = Time::from_millis(start) + duration;
        prop_assert!(end - Time::from_millis(start) >= duration);
        prop_assert!(end.as_millis() - start <= nanos / 1_000_000 + 1);
        prop_assert_eq!(Time::from_millis(start) - end, Duration::ZERO);
    }

    #[test]
    fn a_duration_that_is_written_down_is_never_shorter(nanos in 0..1_u64 << 50) {
        let duration = Duration::from_nanos(nanos);
        let text = serde_json::to_string(&Millis(duration)).unwrap();
        let Millis(read) = serde_json::from_str(&text).unwrap();
        prop_assert!(read >= duration && read < duration + Duration::from_millis(1));
    }

    #[test]
    fn however_often_it_is_looked_at_a_path_is_left_at_its_bound(looks in prop::collection::btree_set(0..20_u64, 0..10)) {
        let path = path("p", &[Some(3), Some(0), Some(8)]);
        let mut change = Propagation::default();
        assert!(change.observe(&path, Direction::Leave, GONE, at(0)).is_some());
        for look in looks {
            let over = change.observe(&path, Direction::Leave, GONE, at(look)).is_none();
            prop_assert_eq!(over, look >= 11);
        }
    }
}

#[test]
fn time_that_would_overflow_stays_at_its_end() {
    let end = Time::from_millis(u64::MAX);
    assert_eq!(at(1) + Duration::MAX, end);
    assert_eq!(end + seconds(1), end);
}

#[test]
fn of_two_waits_the_one_that_ends_first_is_the_sooner_and_the_other_the_later() {
    let wait = |why: Why, until: Option<u64>| Wait { why, since: at(0), until: until.map(at) };
    let cases = [
        (Some(1), Some(2), Why::Exit, Why::Killed),
        (Some(2), Some(1), Why::Killed, Why::Exit),
        (Some(1), Some(1), Why::Exit, Why::Exit),
        (None, Some(1), Why::Killed, Why::Exit),
        (Some(1), None, Why::Exit, Why::Killed),
        (None, None, Why::Exit, Why::Exit),
    ];
    for (mine, theirs, sooner, later) in cases {
        let pair = || (wait(Why::Exit, mine), wait(Why::Killed, theirs));
        let (one, other) = pair();
        assert_eq!(one.sooner(other).why, sooner, "{mine:?} {theirs:?}");
        let (one, other) = pair();
        assert_eq!(one.later(other).why, later, "{mine:?} {theirs:?}");
    }
}

#[test]
fn each_stage_that_is_over_says_whether_a_bound_or_evidence_ended_it() {
    let path = path("p", &[Some(3), Some(9), None, Some(1)]);
    let mut change = Propagation::default();
    let _ = change.observe(&path, Direction::Leave, GONE, at(10));
    assert_eq!(change.stages(&path), []);
    let _ = change.observe(&path, Direction::Leave, GONE, at(13));
    let _ = change.observe(&path, Direction::Leave, Some(&evident(2)), at(15));
    let _ = change.observe(&path, Direction::Leave, Some(&evident(3)), at(20));
    let _ = change.observe(&path, Direction::Leave, Some(&evident(4)), at(22));
    let over = |stage: &str, by, after| StageOver {
        path: "p".into(),
        stage: Some(stage.into()),
        by,
        after: Millis(seconds(after)),
    };
    let all = [
        over("s0", EndedBy::Bound, 3),
        over("s1", EndedBy::Evidence, 5),
        over("s2", EndedBy::Evidence, 10),
        // Its bound came before it was seen to be over.
        over("s3", EndedBy::Bound, 11),
    ];
    assert_eq!(change.stages(&path), all);
    let text = serde_json::to_string(&change).unwrap();
    let read: Propagation = serde_json::from_str(&text).unwrap();
    assert_eq!(read.stages(&path), all);
    assert_eq!(all[0].to_string(), "stage s0 of path p over by its bound");
    assert_eq!(all[1].to_string(), "stage s1 of path p over by evidence");
    let unknown = StageOver { stage: None, by: EndedBy::Unknown, ..all[0].clone() };
    assert_eq!(unknown.to_string(), "path p over by evidence or its bound");
}

#[test]
fn a_path_without_stages_is_left_by_the_evidence_of_its_router() {
    let path = Path::atomic("proxy");
    let mut change = Propagation::default();
    let _ = change.observe(&path, Direction::Leave, PICKED, at(5));
    assert_eq!(change.stages(&path), []);
    let _ = change.observe(&path, Direction::Leave, GONE, at(7));
    let over =
        StageOver { path: "proxy".into(), stage: None, by: EndedBy::Evidence, after: Millis(Duration::ZERO) };
    assert_eq!(change.stages(&path), [over]);
}

/// What a driver reads and writes that knows nothing of what ended a stage.
#[derive(serde::Serialize, serde::Deserialize)]
struct Before {
    untaken: Option<Time>,
    told: Option<Time>,
    ends: Vec<Time>,
}

#[test]
fn drivers_that_do_not_know_what_ended_a_stage_read_and_are_read() {
    let path = path("p", &[Some(3), Some(4)]);
    let mut change: Propagation =
        serde_json::from_str(r#"{"untaken":null,"told":10000,"ends":[13000]}"#).unwrap();
    assert_eq!(change.observe(&path, Direction::Leave, GONE, at(14)).unwrap().until, Some(at(17)));
    let _ = change.observe(&path, Direction::Leave, GONE, at(17));
    let by = |change: &Propagation| change.stages(&path).iter().map(|over| over.by).collect::<Vec<_>>();
    assert_eq!(by(&change), [EndedBy::Unknown, EndedBy::Bound]);
    let text = serde_json::to_string(&change).unwrap();
    let before: Before = serde_json::from_str(&text).unwrap();
    assert_eq!((before.told, before.ends.as_slice()), (Some(at(10)), [at(13), at(17)].as_slice()));
    let later = text.replace("\"bound\"", "\"a-later-word\"");
    assert_eq!(by(&serde_json::from_str(&later).unwrap()), [EndedBy::Unknown, EndedBy::Unknown]);
}

#[test]
fn of_two_notes_of_one_change_the_further_is_kept() {
    let note = |text: &str| serde_json::from_str::<Propagation>(text).unwrap();
    let untold = Propagation::default();
    let told = note(r#"{"untaken":null,"told":10000,"ends":[]}"#);
    let further = note(r#"{"untaken":null,"told":10000,"ends":[13000]}"#);
    let later = note(r#"{"untaken":null,"told":12000,"ends":[15000]}"#);
    for (one, other) in [(&untold, &told), (&told, &further), (&later, &told), (&later, &further)] {
        assert_eq!(one.clone().further(other.clone()), *other);
        assert_eq!(other.clone().further(one.clone()), *other);
    }
}

proptest! {
    /// One meaning of a path of which nothing was seen, for every rule that looks at paths.
    #[test]
    fn a_path_of_which_nothing_was_seen_has_taken_no_change(
        admitted in any::<bool>(), evidence in 0..4_usize, pause in 0..100_u64, joins in any::<bool>()
    ) {
        let way = if joins { Direction::Join } else { Direction::Leave };
        let seen = PathSeen { admitted, ..evident(evidence) };
        let seen = Some(&seen);
        prop_assert_eq!(PathSeen::took(seen, way), admitted == joins);
        prop_assert!(!PathSeen::took(None, way));
        let path = path("p", &[Some(3), None]);
        let mut change = Propagation::default();
        let _ = change.observe(&path, way, seen, at(0));
        let wait = change.observe(&path, way, None, at(pause));
        let router = Why::Router { path: "p".into() };
        prop_assert_eq!(wait.map(|wait| (wait.why, wait.until)), Some((router, None)));
        prop_assert_eq!(change.over(&path), None);
        prop_assert_eq!(change.stages(&path), []);
    }
}

/// An agent of the version before reads no plan whose bounds lack it.
#[test]
fn bounds_are_written_with_the_least_that_nobody_asks_for_any_more() {
    let written = serde_json::to_string(&Bounds::at_most(seconds(5))).unwrap();
    assert_eq!(written, r#"{"min":0,"max":5000}"#);
    for json in [&written, r#"{"max":5000}"#, r#"{"min":7,"max":5000}"#] {
        assert_eq!(serde_json::from_str::<Bounds>(json).unwrap(), Bounds::at_most(seconds(5)));
    }
}

#[test]
fn evidence_of_a_later_stage_tells_of_those_before_it() {
    let path = path("p", &[Some(30), Some(4), Some(7)]);
    let mut change = Propagation::default();
    let second = PathSeen { admitted: false, evidence: ["s1".to_owned()].into() };
    let wait = change.observe(&path, Direction::Leave, Some(&second), at(10)).unwrap();
    assert_eq!((stage_of(Some(wait.clone())).as_str(), wait.since), ("s2", at(10)));
    let other = PathSeen { admitted: false, evidence: ["somewhere else".to_owned()].into() };
    let mut change = Propagation::default();
    assert_eq!(stage_of(change.observe(&path, Direction::Leave, Some(&other), at(10))), "s0");
}
