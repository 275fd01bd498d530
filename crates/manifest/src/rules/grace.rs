//! The grace period that a drain needs, and how it comes about.

use std::time::Duration;

use segue_core::budget::Needs;
use segue_core::path::{Direction, Millis, Path, Stage};

use super::finding::{Change, Finding, Severity};
use super::strategy::Ready;
use crate::duration::{seconds, words};
use crate::notes::Rule;
use crate::workload::Workload;

/// What Kubernetes grants a pod that does not say how long.
const KUBERNETES_GRACE: u64 = 30;

/// How long no new application request may have come before a pod counts as left alone.
const QUIET: Duration = Duration::from_secs(2);

/// How long the guard keeps an idle connection for its next request after the last client knows, at most.
const LINGER: Duration = Duration::from_secs(5);

/// Kept free at the end of the grace period, so that the deadline and not SIGKILL ends what is left.
const MARGIN: Duration = Duration::from_secs(5);

/// What only the user knows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// How long one request takes at most.
    pub(crate) longest_request: Duration,
    /// From the stop signal to the application's end, with what a kept sleep takes after the drain.
    pub(crate) stop_time: Duration,
    /// Without the guard: how long a connection may be silent before it counts as idle.
    pub(crate) idle_after: Duration,
}

/// What a drain of a workload's pods takes.
#[derive(Debug)]
pub(crate) struct Grace {
    pub(crate) needs: Needs,
    /// The whole of the grace period, as it was or as it must be.
    granted: u64,
    /// When a drain ends, whatever is in flight.
    pub(crate) deadline: Duration,
    /// How long a new pod must be ready before an old one may leave.
    pub(crate) ready: Ready,
    /// How long until the last client knows that a pod leaves.
    pub(crate) leave: Duration,
    /// How the grace period comes about, for whoever reads the manifest.
    pub(crate) words: String,
}

impl Grace {
    /// `guarded`: a guard stands in front of a port.
    pub(crate) fn of(workload: &Workload, times: &Times, guarded: bool, paths: Vec<Path>) -> Self {
        // Without the guard a connection is seen to be idle only after it has been silent for so long.
        let in_flight =
            if guarded { times.longest_request } else { times.longest_request + times.idle_after };
        let needs = Needs {
            paths,
            quiet: Some(Millis(QUIET)),
            linger: guarded.then_some(Millis(LINGER)),
            longest_request: in_flight,
            stop_time: times.stop_time,
        };
        let budget = needs.budget();
        // Every stage that a manifest yields is bounded.
        let bounded = |bound: Option<Millis>| bound.map_or(Duration::ZERO, |bound| bound.0);
        let needed = seconds(bounded(budget.grace) + MARGIN);
        let granted = needed.max(today(workload));
        let leave = longest(&needs.paths, Direction::Leave);
        Self {
            granted,
            deadline: Duration::from_secs(granted).saturating_sub(times.stop_time + MARGIN),
            ready: ready(&needs.paths, bounded(budget.min_ready)),
            leave,
            words: explain(&needs, (granted, needed), leave, guarded),
            needs,
        }
    }
}

/// Finds a grace period that is too short for the drain.
pub(crate) fn find(workload: &Workload, grace: &Grace) -> Vec<Finding> {
    let today = today(workload);
    if grace.granted <= today {
        return Vec::new();
    }
    let at = workload.template.spec_at().then("terminationGracePeriodSeconds");
    let what =
        format!("the grace period of {today} s is too short for a drain, which may take {} s", grace.granted);
    let finding = Finding::of(Rule::GracePeriod, Severity::Warning, (workload.object, &at), what)
        .sum(grace.words.as_str())
        .mended_by(Change::put(workload.object, &at, grace.granted.into()));
    vec![finding]
}

fn today(workload: &Workload) -> u64 {
    workload.template.spec.termination_grace_period_seconds.unwrap_or(KUBERNETES_GRACE)
}

fn ready(paths: &[Path], needed: Duration) -> Ready {
    let slowest = paths.iter().max_by_key(|path| path.bound(Direction::Join));
    let sum = slowest.map_or_else(String::new, in_words);
    Ready { needed, sum: format!("{} until the last client knows a new pod; {sum}", words(needed)) }
}

fn longest(paths: &[Path], way: Direction) -> Duration {
    paths.iter().filter_map(|path| path.bound(way)).max().unwrap_or_default()
}

/// The whole of it in words.
fn explain(needs: &Needs, (granted, needed): (u64, u64), leave: Duration, guarded: bool) -> String {
    let as_it_was =
        if granted > needed { format!(" as it was; {needed}s are needed") } else { String::new() };
    let request = if guarded { "longest request" } else { "longest request and idle time" };
    // Side by side with quiet and requests the idle connections have their last moments: the longer counts.
    let linger = needs.linger.map(|linger| linger.0).filter(|linger| *linger > QUIET + needs.longest_request);
    let after = match linger {
        Some(linger) => format!("{} until idle connections are closed", words(linger)),
        None => format!("{} quiet + {} {request}", words(QUIET), words(needs.longest_request)),
    };
    let sum = format!(
        "grace {granted}s{as_it_was}: {} until the last client knows + {after} + {} to stop + {} margin",
        words(leave),
        words(needs.stop_time),
        words(MARGIN),
    );
    std::iter::once(sum).chain(needs.paths.iter().map(in_words)).collect::<Vec<_>>().join("; ")
}

fn in_words(path: &Path) -> String {
    let stages: Vec<_> = path.stages.iter().map(stage_in_words).collect();
    format!("path {}: {}", path.name, stages.join(", "))
}

fn stage_in_words(stage: &Stage) -> String {
    let bound = |way| words(stage.bounds(way).max.map_or(Duration::ZERO, |max| max.0));
    let (join, leave) = (bound(Direction::Join), bound(Direction::Leave));
    let bounds = if join == leave { leave } else { format!("{join} to join, {leave} to leave") };
    format!("{} {bounds} ({})", stage.name, stage.source)
}
