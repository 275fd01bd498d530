//! Several runs below each other, over one time axis: how long each took can be compared by eye.

use std::time::Duration;

use super::canvas::{Anchor, Canvas, LEFT, RIGHT, WIDTH};
use super::columns::Columns;
use super::scale::Linear;
use super::{lanes, last_event, legend, panels};
use crate::report::Report;

const HEAD: f64 = 66.0;
const TITLE: f64 = 52.0;
const RATE_HEIGHT: f64 = 66.0;
const DROPS_HEIGHT: f64 = 26.0;
const GAP: f64 = 26.0;
const LANE: f64 = 13.0;
const FOOT: f64 = 34.0;

/// One of the runs that are compared.
#[derive(Debug, Clone)]
pub struct Run<'a> {
    /// What it is called.
    pub title: &'a str,
    /// More words behind the counts; may be empty.
    pub note: &'a str,
    /// What it showed.
    pub report: &'a Report,
}

/// Draws runs below each other.
pub fn compare(runs: &[Run<'_>], title: &str) -> String {
    let columns: Vec<Columns> = runs.iter().map(|run| Columns::of(run.report.ledger.timeline())).collect();
    let ends = runs.iter().zip(&columns).map(|(run, columns)| columns.end().max(last_event(run.report)));
    let end = ends.max().unwrap_or_default().max(Duration::from_millis(100));
    let time = Linear::new(0.0, end.as_secs_f64(), LEFT, RIGHT);
    let lanes: Vec<Vec<lanes::Lane>> =
        runs.iter().map(|run| lanes::lanes(&run.report.marks, run.report.ledger.versions())).collect();
    #[expect(clippy::cast_precision_loss, reason = "a few lanes")]
    let lanes_height = |count: usize| count as f64 * LANE;
    let height = |count| TITLE + RATE_HEIGHT + GAP + DROPS_HEIGHT + GAP / 2.0 + lanes_height(count) + GAP;

    let bottom = HEAD + lanes.iter().map(|lanes| height(lanes.len())).sum::<f64>() - GAP / 2.0;
    let mut canvas = Canvas::new(WIDTH, bottom + FOOT);
    canvas.text(20.0, 28.0, Anchor::Start, "title", title);
    let most_versions = runs.iter().map(|run| run.report.ledger.versions()).max_by_key(|names| names.len());
    let any_dropped = runs.iter().any(|run| run.report.ledger.dropped() > 0);
    legend(&mut canvas, 50.0, most_versions.unwrap_or_default(), any_dropped);
    lanes::legend(&mut canvas, 24.0, 50.0);
    panels::time_axis(&mut canvas, &time, HEAD, bottom);

    let mut top = HEAD;
    for ((run, columns), lanes) in runs.iter().zip(&columns).zip(&lanes) {
        let rate_top = top + TITLE;
        let rate_bottom = rate_top + RATE_HEIGHT;
        let drops_bottom = rate_bottom + GAP + DROPS_HEIGHT;
        heading(&mut canvas, run, top);
        panels::rates(&mut canvas, run.report, columns, &time, rate_top, rate_bottom);
        panels::drops(&mut canvas, run.report, columns, &time, drops_bottom - DROPS_HEIGHT, drops_bottom);
        let end = time.at(columns.end().max(last_event(run.report)).as_secs_f64());
        lanes::rows(&mut canvas, lanes, &time, drops_bottom + GAP / 2.0, LANE, end);
        top += height(lanes.len());
    }
    canvas.finish()
}

/// Name, verdict and counts of one run, above its panels.
fn heading(canvas: &mut Canvas, run: &Run<'_>, top: f64) {
    canvas.line((20.0, top), (RIGHT, top), "axis");
    let ledger = &run.report.ledger;
    let verdict = match (run.report.invalid(), ledger.dropped()) {
        (Some(why), _) => format!("invalid: {why}"),
        (None, 0) => "nothing dropped".to_owned(),
        (None, dropped) => format!("{} dropped", panels::grouped(dropped)),
    };
    let class = if run.report.passed() { "verdict good" } else { "verdict bad" };
    let mut rest = format!("of {} requests", panels::grouped(ledger.requests()));
    if !run.note.is_empty() {
        rest.push_str(" · ");
        rest.push_str(run.note);
    }
    let words = [("title", run.title), (class, verdict.as_str()), ("quiet", rest.as_str())];
    // Why a run is invalid is long, and its counts mean nothing.
    let count = if run.report.invalid().is_some() { 2 } else { 3 };
    canvas.words(20.0, top + 22.0, Anchor::Start, &words[..count]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fate::{Fate, Kind};
    use crate::ledger::{End, Ledger};
    use crate::marks::{Mark, MarkKind};

    /// A request per 10 ms; the last `dropped` of them failed.
    fn report(requests: u64, dropped: u64) -> Report {
        let mut ledger = Ledger::new(1, false);
        for number in 0..requests {
            let planned = Duration::from_millis(10 * number);
            let ticket = ledger.open(0, number, planned);
            let fate = if number < requests - dropped { Fate::Ok } else { Fate::Dropped(Kind::Status(502)) };
            let version = Some("v1".into());
            ledger.close(
                ticket,
                End { at: planned, fate, status: Some(200), version, connection: None, cause: None },
            );
        }
        let mark = Mark {
            at: Duration::from_millis(500),
            kind: MarkKind::Ready,
            instance: "web-1".into(),
            label: "v1".into(),
        };
        Report {
            started: jiff::Timestamp::UNIX_EPOCH,
            elapsed: Duration::from_millis(10 * requests),
            shapes: vec!["get".into()],
            ledger,
            marks: vec![mark],
        }
    }

    #[test]
    fn every_run_has_its_name_its_verdict_and_its_note_over_one_time_axis() {
        let (short, long) = (report(200, 30), report(2000, 0));
        let runs = [
            Run { title: "stop & start", note: "in 2 s", report: &short },
            Run { title: "rolling", note: "", report: &long },
        ];
        let svg = compare(&runs, "two ways");
        for words in ["two ways", "stop &amp; start", "30 dropped", "in 2 s", "rolling", "nothing dropped"] {
            assert_eq!(svg.matches(words).count(), 1, "{words}");
        }
        assert_eq!(svg.matches(">20 s<").count(), 1, "one axis, as long as the longest run");

        // The lane of the short run, from 0.5 s, ends with it at 2 s of 20 s, not at the edge.
        let ends: Vec<f64> = svg
            .lines()
            .filter(|line| line.contains("serving s-version0"))
            .filter_map(|line| line.split("x2=\"").nth(1)?.split('"').next()?.parse().ok())
            .collect();
        let at = |share: f64| LEFT + share * (RIGHT - LEFT);
        assert!((ends[0] - at(0.1)).abs() < 2.0 && (ends[1] - at(1.0)).abs() < 2.0, "{ends:?}");
    }
}
