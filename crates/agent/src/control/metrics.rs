//! The report as a Prometheus page.

use crate::driver::Totals;
use crate::report::{Report, ReportedState};
use crate::routers::RouterReport;
use segue_routing::Shows;
use serde::Serialize;
use std::fmt::Write;

/// One metric: its name, its kind, what it is, and its values by label.
type Metric<'a> = (&'a str, &'a str, &'a str, Vec<(String, f64)>);

pub(crate) fn page(report: &Report, totals: &Totals) -> String {
    let one = |value: f64| vec![(String::new(), value)];
    let drains = totals
        .drains
        .iter()
        .map(|(reason, count)| (label(&[("reason", &name(reason))]), number(*count)))
        .collect();
    let states =
        [ReportedState::Serving, ReportedState::Draining, ReportedState::Released, ReportedState::Ending];
    let states =
        states.map(|state| (label(&[("state", &name(&state))]), number(u64::from(report.state == state))));
    let drained: u64 = totals.drains.values().sum();
    let mut metrics: Vec<Metric<'_>> = vec![
        ("segue_state", "gauge", "What the pod does: 1 for the state that it is in.", states.to_vec()),
        ("segue_connections", "gauge", "Connections to the application.", one(number(report.connections))),
        (
            "segue_kept_connections",
            "gauge",
            "Connections without a request in flight.",
            one(number(report.kept)),
        ),
        (
            "segue_not_covered_connections",
            "gauge",
            "Connections that no guard carries.",
            one(number(report.not_covered)),
        ),
        (
            "segue_router_shows",
            "gauge",
            "What the router of a path was last seen to do with the pod: 1 for that.",
            shown(&report.routers),
        ),
        (
            "segue_router_calls_total",
            "counter",
            "Calls to the router of a path: those that were answered, whatever with, and those that were not.",
            calls(&report.routers),
        ),
        ("segue_drains_total", "counter", "Drains that ended, by reason.", drains),
        (
            "segue_drain_cut_total",
            "counter",
            "Requests in flight when a drain had to end.",
            one(number(totals.cut)),
        ),
        (
            "segue_agent_lost_total",
            "counter",
            "Requests that an agent that died was carrying.",
            one(number(report.agent_lost)),
        ),
    ];
    if let Some(in_flight) = report.in_flight {
        let how = label(&[("known", &report.known)]);
        metrics.push((
            "segue_in_flight",
            "gauge",
            "Application requests in flight.",
            vec![(how, number(in_flight))],
        ));
    }
    let counters = report.guard.as_ref().map(serde_json::to_value).and_then(Result::ok);
    let counters = counters.as_ref().and_then(serde_json::Value::as_object);
    let guard: Vec<_> = counters
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((format!("segue_guard_{name}_total"), value.as_f64()?)))
        .collect();
    for (name, value) in &guard {
        metrics.push((name, "counter", "Counted by the guard; docs/agent.md says what.", one(*value)));
    }
    let mut page = String::new();
    for (name, kind, help, values) in metrics {
        let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(page, "{name}{labels} {value}");
        }
    }
    let _ = writeln!(
        page,
        "# HELP segue_drain_seconds How long drains took.\n# TYPE segue_drain_seconds summary\n\
         segue_drain_seconds_sum {}\nsegue_drain_seconds_count {drained}",
        totals.seconds
    );
    page
}

/// What a word is called in the agent's JSON.
fn name(word: &impl Serialize) -> String {
    serde_json::to_value(word).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn label(labels: &[(&str, &str)]) -> String {
    let value = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let labels: Vec<_> = labels.iter().map(|(name, text)| format!("{name}=\"{}\"", value(text))).collect();
    format!("{{{}}}", labels.join(","))
}

/// What each path's router shows: 1 for that, and 0 for what it does not.
fn shown(routers: &[RouterReport]) -> Vec<(String, f64)> {
    let each = |router: &RouterReport| {
        [Shows::Unknown, Shows::Admitted, Shows::Withdrawn, Shows::Gone].map(|shows| {
            let labels =
                label(&[("path", &router.path), ("router", router.router), ("shows", &name(&shows))]);
            (labels, number(u64::from(router.says.shows == shows)))
        })
    };
    routers.iter().flat_map(each).collect()
}

fn calls(routers: &[RouterReport]) -> Vec<(String, f64)> {
    let each = |router: &RouterReport| {
        [("answered", router.answered), ("failed", router.failed)]
            .map(|(result, count)| (label(&[("path", &router.path), ("result", result)]), number(count)))
    };
    routers.iter().flat_map(each).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a page of metrics has floating point numbers")]
fn number(value: u64) -> f64 {
    value as f64
}
