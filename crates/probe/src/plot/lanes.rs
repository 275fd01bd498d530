//! The instances under the load: one lane each, from ready to withdrawn to stopped.

use std::time::Duration;

use super::canvas::{Anchor, Canvas, LEFT, RIGHT, estimate};
use super::panels::version_class;
use super::scale::Linear;
use crate::marks::{Mark, MarkKind};

const LANE: f64 = 20.0;

/// More lanes would be higher than the rest of the picture.
const MOST: usize = 24;

/// One instance's life as far as it was marked.
pub(super) struct Lane {
    name: String,
    class: String,
    ready: Option<Duration>,
    withdrawn: Option<Duration>,
    stopped: Option<Duration>,
}

/// One lane per instance, by when it came. An instance whose mark is labelled with the name of a version
/// gets that version's colour.
pub(super) fn lanes(marks: &[Mark], versions: &[(String, u64)]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for mark in marks.iter().filter(|mark| mark.kind != MarkKind::Note && !mark.instance.is_empty()) {
        let index = lanes.iter().position(|lane| lane.name == mark.instance).unwrap_or_else(|| {
            lanes.push(Lane {
                name: mark.instance.clone(),
                class: "unknown".into(),
                ready: None,
                withdrawn: None,
                stopped: None,
            });
            lanes.len() - 1
        });
        let lane = &mut lanes[index];
        if let Some(version) = versions.iter().position(|(version, _)| *version == mark.label) {
            lane.class = version_class(&mark.label, version);
        }
        match mark.kind {
            MarkKind::Ready => lane.ready = Some(mark.at),
            MarkKind::Withdrawn => lane.withdrawn = Some(mark.at),
            MarkKind::Stopped => lane.stopped = Some(mark.at),
            MarkKind::Note => {}
        }
    }
    // What was there before the run stands above what came.
    lanes.sort_by_key(|lane| lane.ready);
    lanes.truncate(MOST);
    lanes
}

pub(super) fn height(lanes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few lanes")]
    let lanes = lanes as f64;
    lanes * LANE + 6.0
}

/// A thin line through all panels at every event, so that cause and effect are seen above each other.
pub(super) fn event_lines(canvas: &mut Canvas, marks: &[Mark], time: &Linear, top: f64, bottom: f64) {
    let mut notes_end = LEFT;
    for mark in marks {
        let x = time.at(mark.at.as_secs_f64());
        let word = word(mark.kind);
        let explanation = format!("{:.2} s: {} {word} {}", mark.at.as_secs_f64(), mark.instance, mark.label);
        canvas.group("mark", explanation.trim(), |canvas| {
            canvas.line((x, top), (x, bottom), "event");
            // A note stands at its line; where there is no room for it, it is still told on pointing.
            if mark.kind == MarkKind::Note && x >= notes_end {
                canvas.text(x + 4.0, top - 5.0, Anchor::Start, "small", &mark.label);
                notes_end = x + 12.0 + estimate(&mark.label, 11.0);
            }
        });
    }
}

pub(super) fn draw(canvas: &mut Canvas, lanes: &[Lane], time: &Linear, top: f64) {
    canvas.text(20.0, top - 10.0, Anchor::Start, "panel", "instances");
    legend(canvas, LEFT + 16.0, top - 10.0);
    rows(canvas, lanes, time, top, LANE, RIGHT);
}

/// What the signs on the lanes mean.
pub(super) fn legend(canvas: &mut Canvas, mut x: f64, y: f64) {
    for (kind, word) in [
        (MarkKind::Ready, "ready"),
        (MarkKind::Withdrawn, "withdrawn, finishes what it has"),
        (MarkKind::Stopped, "stopped"),
    ] {
        glyph(canvas, kind, x, y - 4.0);
        canvas.text(x + 9.0, y, Anchor::Start, "small", word);
        x += 9.0 + estimate(word, 11.0) + 16.0;
    }
}

/// The lanes themselves, each so high; what goes on at the run's end is drawn up to `right`.
pub(super) fn rows(
    canvas: &mut Canvas,
    lanes: &[Lane],
    time: &Linear,
    top: f64,
    lane_height: f64,
    right: f64,
) {
    let mut y = top + lane_height / 2.0;
    for lane in lanes {
        canvas.text(LEFT - 10.0, y + 4.0, Anchor::End, "tick", &lane.name);
        let at = |time_of: Option<Duration>| time_of.map(|at| time.at(at.as_secs_f64()));
        let (ready, withdrawn, stopped) = (at(lane.ready), at(lane.withdrawn), at(lane.stopped));
        let serving_ends = withdrawn.or(stopped).unwrap_or(right);
        // Without a mark of its own it was there before the run.
        canvas.line((ready.unwrap_or(LEFT), y), (serving_ends, y), &format!("serving s-{}", lane.class));
        if let Some(withdrawn) = withdrawn {
            canvas.line((withdrawn, y), (stopped.unwrap_or(right), y), &format!("draining s-{}", lane.class));
        }
        for (kind, at) in
            [(MarkKind::Ready, ready), (MarkKind::Withdrawn, withdrawn), (MarkKind::Stopped, stopped)]
        {
            if let Some(x) = at {
                glyph(canvas, kind, x, y);
            }
        }
        y += lane_height;
    }
}

fn glyph(canvas: &mut Canvas, kind: MarkKind, x: f64, y: f64) {
    match kind {
        MarkKind::Ready => canvas.circle(x, y, 4.5, "dot"),
        MarkKind::Withdrawn => canvas.circle(x, y, 4.0, "ring"),
        MarkKind::Stopped => canvas.rect(x - 4.0, y - 4.0, 8.0, 8.0, "dot"),
        MarkKind::Note => {}
    }
}

fn word(kind: MarkKind) -> &'static str {
    match kind {
        MarkKind::Ready => "ready",
        MarkKind::Withdrawn => "withdrawn",
        MarkKind::Stopped => "stopped",
        MarkKind::Note => "",
    }
}
