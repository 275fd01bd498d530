//! docs/agent.md and the program name the same things: endpoints, keys, reasons, metrics and events, no more and no fewer.
//!
//! That each has the effect which the page names is seen from outside, in `tests/documented.rs`.

use crate::control::{ROUTES, page};
use crate::driver::Totals;
use crate::log::Event;
use crate::report::{Report, ReportedState};
use crate::routers::RouterReport;
use segue_core::path::{EndedBy, Millis, StageOver};
use segue_core::pod::life::{Outcome, Reason};
use segue_guard::Counters;
use segue_routing::{Goal, Says, Shows};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

const PAGE: &str = include_str!("../../../docs/agent.md");

/// The first cells of the table whose head begins with this.
fn table(head: &str) -> Vec<&'static str> {
    let start = PAGE.find(&format!("\n| {head} |")).unwrap_or_else(|| panic!("no table of {head}"));
    let rows = PAGE[start + 1..].lines().take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.split(" | ").next().unwrap_or_default()).collect()
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn words(head: &str) -> BTreeSet<String> {
    table(head).into_iter().flat_map(quoted).map(str::to_owned).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn name(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

/// Every reason; one more does not compile until it is here.
fn reasons() -> Vec<Reason> {
    let next = |reason| match reason {
        Reason::Drained => Some(Reason::LongestRequest),
        Reason::LongestRequest => Some(Reason::Deadline),
        Reason::Deadline => Some(Reason::ApplicationEnded),
        Reason::ApplicationEnded => Some(Reason::NothingListens),
        Reason::NothingListens => None,
    };
    std::iter::successors(Some(Reason::Drained), |reason| next(*reason)).collect()
}

fn stages() -> Vec<StageOver> {
    let after = Millis(Duration::ZERO);
    vec![StageOver { path: "p".to_owned(), stage: None, by: EndedBy::Bound, after }]
}

/// What the keys of a router can be, where they are words.
fn values_of_routers() -> BTreeSet<String> {
    let shows = [Shows::Unknown, Shows::Admitted, Shows::Withdrawn, Shows::Gone].map(|shows| name(&shows));
    let told = [Goal::Join, Goal::Leave, Goal::Deregister].map(|told| name(&told));
    shows.into_iter().chain(told).chain(["none".to_owned(), "null".to_owned()]).collect()
}

/// A report with nothing left out.
pub(crate) fn report() -> Report {
    let took = Millis(Duration::from_secs(1));
    Report {
        schema: 1,
        agent: String::new(),
        state: ReportedState::Draining,
        why: Some(String::new()),
        since: None,
        until: None,
        setting: None,
        in_flight: Some(1),
        known: "counted".to_owned(),
        connections: 1,
        kept: 1,
        not_covered: 1,
        hooks: 1,
        stages: stages(),
        routers: vec![RouterReport {
            path: "p".to_owned(),
            router: "none",
            told: Goal::Join,
            says: Says::default(),
            answered: 1,
            failed: 1,
        }],
        outcome: Some(Outcome { reason: Reason::Drained, cut: 0, took, stages: stages() }),
        agent_lost: 1,
        guard: Some(Counters::default()),
    }
}

/// The names of the guard's counters, as the table of metrics has them.
fn counters() -> BTreeSet<String> {
    let row = table("metric").into_iter().find(|row| row.contains("segue_guard_*_total")).unwrap();
    let is_name = |word: &&str| word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    quoted(row).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_endpoint_is_named_and_no_other() {
    let documented =
        words("where").into_iter().filter_map(|word| word.strip_prefix(":15079").map(str::to_owned));
    let answered = ROUTES.iter().map(|(path, _)| (*path).to_owned());
    assert_eq!(documented.collect::<BTreeSet<_>>(), answered.collect());
}

#[test]
fn every_key_of_the_status_is_named_and_no_other() {
    let status = serde_json::to_value(report()).unwrap();
    assert_eq!(words("key"), keys(&status));
    assert_eq!(counters(), keys(&status["guard"]));
    // Keys within a key stand in its row.
    let routers = ("routers", &status["routers"][0]);
    for (key, inner) in [("stages", &status["stages"][0]), routers, ("outcome", &status["outcome"])] {
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{key}` |"))).unwrap();
        let named: BTreeSet<_> = quoted(row).skip(1).map(str::to_owned).collect();
        let is_value = |word: &&String| match key {
            "routers" => values_of_routers().contains(*word),
            _ => ["null", "bound", "evidence", "unknown"].contains(&word.as_str()),
        };
        let named: BTreeSet<_> = named.iter().filter(|word| !is_value(word)).cloned().collect();
        assert_eq!(named, keys(inner), "{row}");
    }
    let row = |key: &str| PAGE.lines().find(|line| line.starts_with(&format!("| `{key}"))).unwrap();
    for value in values_of_routers() {
        assert!(row("routers").contains(&format!("`{value}`")), "{value}");
    }
    for state in
        [ReportedState::Serving, ReportedState::Draining, ReportedState::Released, ReportedState::Ending]
    {
        assert!(row("state").contains(&format!("`{}`", name(&state))), "{state:?}");
    }
    for by in [EndedBy::Bound, EndedBy::Evidence, EndedBy::Unknown] {
        assert!(row("stages").contains(&format!("`{}`", name(&by))), "{by:?}");
    }
}

#[test]
fn every_reason_is_named_and_no_other() {
    assert_eq!(words("reason"), reasons().iter().map(name).collect());
}

#[test]
fn every_metric_is_named_and_no_other() {
    let mut documented: BTreeSet<String> =
        counters().iter().map(|name| format!("segue_guard_{name}_total")).collect();
    let own = table("metric").into_iter().filter(|row| !row.contains("segue_guard"));
    for word in own.flat_map(quoted) {
        documented.insert(word.split('{').next().unwrap().to_owned());
    }
    let mut totals = Totals::default();
    totals.drains.insert(Reason::Drained, 1);
    let page = page(&report(), &totals);
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let emitted = samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned());
    assert_eq!(documented, emitted.collect());
    // And with the labels that the page has.
    for word in words("metric") {
        let Some((name, labels)) = word.trim_end_matches('}').split_once('{') else { continue };
        let sample = page.lines().find(|line| line.starts_with(&format!("{name}{{"))).unwrap();
        let emitted: Vec<_> =
            sample.split(['{', ',']).skip(1).map(|label| label.split('=').next().unwrap()).collect();
        assert_eq!(emitted, labels.split(',').collect::<Vec<_>>(), "{sample}");
    }
}

#[test]
fn every_event_is_named_and_no_other() {
    assert_eq!(words("event"), Event::names().iter().map(|name| (*name).to_owned()).collect());
}
