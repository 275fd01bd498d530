//! The picture of a run: what was answered by which version, what was dropped, how long it took, and what happened
//! to the instances meanwhile.
//!
//! ```text
//!   title, verdict                                    legend
//!   requests/s  ▇▇▇▇▇▇▇▇▇▇▒▒▒▒▒▒▒▒▒▒▒▒▒  stacked by version, drops on top
//!   drops       ·    ▌                   on a scale of their own: three of a thousand must be seen
//!   latency     ~~~~~~~~~~~~~~~~~~~~~~~  p50, p99 and the longest, logarithmic
//!   web-1       ●━━━━━━━━◐╌╌╌■           from ready to withdrawn to stopped
//!   web-2            ●━━━━━━━━━━━━━━━━━
//!               0 s      5 s      10 s
//! ```
//! One file, no script, no font of its own; colours follow the reader's light or dark setting.

mod canvas;
mod columns;
mod compare;
mod lanes;
mod panels;
mod scale;

use std::fmt::Write as _;
use std::time::Duration;

use crate::report::{Report, micros};
use canvas::{Anchor, Canvas, LEFT, RIGHT, WIDTH};
use columns::Columns;
pub use compare::{Run, compare};
use scale::Linear;

const HEAD: f64 = 94.0;
const RATE_HEIGHT: f64 = 170.0;
const DROPS_HEIGHT: f64 = 54.0;
const LATENCY_HEIGHT: f64 = 120.0;
const GAP: f64 = 34.0;
const FOOT: f64 = 34.0;

/// Draws a report.
pub fn svg(report: &Report, title: &str) -> String {
    let lanes = lanes::lanes(&report.marks, report.ledger.versions());
    let columns = Columns::of(report.ledger.timeline());
    let end = columns.end().max(last_event(report)).max(Duration::from_millis(100));
    let time = Linear::new(0.0, end.as_secs_f64(), LEFT, RIGHT);

    let rate_bottom = HEAD + RATE_HEIGHT;
    let drops_bottom = rate_bottom + GAP + DROPS_HEIGHT;
    let latency_bottom = drops_bottom + GAP + LATENCY_HEIGHT;
    let (bottom, lanes_height) = match lanes.len() {
        0 => (latency_bottom, 0.0),
        count => (latency_bottom + GAP + lanes::height(count), lanes::height(count)),
    };

    let mut canvas = Canvas::new(WIDTH, bottom + FOOT);
    head(&mut canvas, report, title);
    panels::time_axis(&mut canvas, &time, HEAD, bottom);
    panels::rates(&mut canvas, report, &columns, &time, rate_bottom - RATE_HEIGHT, rate_bottom);
    panels::drops(&mut canvas, report, &columns, &time, drops_bottom - DROPS_HEIGHT, drops_bottom);
    panels::latency(&mut canvas, &columns, &time, latency_bottom - LATENCY_HEIGHT, latency_bottom);
    lanes::event_lines(&mut canvas, &report.marks, &time, HEAD, bottom);
    if !lanes.is_empty() {
        lanes::draw(&mut canvas, &lanes, &time, bottom - lanes_height);
    }
    canvas.finish()
}

fn last_event(report: &Report) -> Duration {
    report.marks.last().map_or(Duration::ZERO, |mark| mark.at)
}

/// Title and verdict on the left, what the colours mean on the right.
fn head(canvas: &mut Canvas, report: &Report, title: &str) {
    canvas.text(20.0, 28.0, Anchor::Start, "title", title);
    let ledger = &report.ledger;
    let dropped = match (report.invalid(), ledger.dropped()) {
        (Some(why), _) => format!("invalid: {why}"),
        (None, 0) => "nothing dropped".to_owned(),
        (None, dropped) => format!("{} dropped", panels::grouped(dropped)),
    };
    let class = if report.passed() { "verdict good" } else { "verdict bad" };
    let requests = panels::grouped(ledger.requests());
    let mut rest = format!("of {requests} requests");
    if !ledger.latency().is_empty() {
        let at = |share| panels::span(micros(ledger.latency(), share));
        let _ = write!(rest, " · p50 {} · p99 {}", at(0.5), at(0.99));
    }
    canvas.words(20.0, 50.0, Anchor::Start, &[(class, &dropped), ("quiet", &rest)]);

    legend(canvas, 50.0, ledger.versions(), ledger.dropped() > 0);
}

/// What the colours mean, on the right.
fn legend(canvas: &mut Canvas, y: f64, versions: &[(String, u64)], dropped: bool) {
    let mut right = RIGHT;
    let mut entry = |class: &str, label: &str| {
        canvas.text(right, y, Anchor::End, "label", label);
        right -= canvas::estimate(label, 13.0) + 15.0;
        canvas.rect(right, y - 11.0, 12.0, 12.0, class);
        right -= 16.0;
    };
    if dropped {
        entry("drop", "dropped");
    }
    for (index, (version, _)) in versions.iter().enumerate().rev() {
        entry(&panels::version_class(version, index), version);
    }
}
