//! The three panels over the time axis: requests per second, drops, latency.

use std::time::Duration;

use super::canvas::{Anchor, Canvas, LEFT, RIGHT};
use super::columns::Columns;
use super::scale::{Linear, Log};
use crate::ledger::UNKNOWN;
use crate::report::Report;
use crate::timeline::Slot;

/// Grid lines through all panels, and the seconds below them.
pub(super) fn time_axis(canvas: &mut Canvas, time: &Linear, top: f64, bottom: f64) {
    for tick in time.ticks(10) {
        let x = time.at(tick);
        canvas.line((x, top), (x, bottom), "grid");
        canvas.text(x, bottom + 20.0, Anchor::Middle, "tick", &format!("{} s", trimmed(tick)));
    }
}

/// Stacked by version, in the order in which the versions first answered; drops on top.
pub(super) fn rates(
    canvas: &mut Canvas,
    report: &Report,
    columns: &Columns,
    time: &Linear,
    top: f64,
    bottom: f64,
) {
    let per_second = |index: usize, count: u64| {
        let (_, length) = columns.reach(index);
        count_as_float(count) / length.as_secs_f64().max(1e-9)
    };
    let counted: Vec<(usize, &Slot)> =
        columns.slots.iter().enumerate().filter(|(index, _)| columns.counts(*index)).collect();
    let highest = counted.iter().map(|(index, slot)| per_second(*index, slot.requests())).fold(0.0, f64::max);
    let scale = Linear::new(0.0, (highest * 1.08).max(1.0), bottom, top);
    panel(canvas, "requests", "per second", top);
    value_axis(canvas, &scale, bottom, &scale.ticks(4), grouped_float);

    let mut base: Vec<f64> = vec![0.0; counted.len()];
    let versions = report.ledger.versions();
    for layer in 0..=versions.len() {
        let (class, name) = versions
            .get(layer)
            .map_or(("drop".to_owned(), "dropped"), |(name, _)| (version_class(name, layer), name.as_str()));
        let mut upper = Vec::new();
        let mut lower = Vec::new();
        let mut any = false;
        for ((index, slot), base) in counted.iter().zip(&mut base) {
            let count = if layer < versions.len() {
                slot.ok.get(layer).copied().unwrap_or(0)
            } else {
                slot.dropped()
            };
            any |= count > 0;
            let (from, length) = columns.reach(*index);
            let (left, right) = (time.at(from.as_secs_f64()), time.at((from + length).as_secs_f64()));
            lower.extend([(left, scale.at(*base)), (right, scale.at(*base))]);
            *base += per_second(*index, count);
            upper.extend([(left, scale.at(*base)), (right, scale.at(*base))]);
        }
        if any {
            upper.extend(lower.into_iter().rev());
            canvas.group("layer", name, |canvas| canvas.path(&upper, true, &class));
        }
    }
    canvas.line((LEFT, bottom), (RIGHT, bottom), "axis");
}

/// Drops on a scale of their own, as counts; the highest column names what it is made of.
pub(super) fn drops(
    canvas: &mut Canvas,
    report: &Report,
    columns: &Columns,
    time: &Linear,
    top: f64,
    bottom: f64,
) {
    panel(canvas, "drops", "", top);
    let highest = columns.slots.iter().map(Slot::dropped).max().unwrap_or(0);
    if highest == 0 {
        let width = time.at(columns.end().as_secs_f64()) - LEFT;
        let middle = f64::midpoint(top, bottom) + 4.0;
        canvas.text(LEFT + width / 2.0, middle, Anchor::Middle, "quiet", "none");
    } else {
        let scale = Linear::new(0.0, count_as_float(highest), bottom, top);
        value_axis(canvas, &scale, bottom, &[count_as_float(highest)], grouped_float);
        for (index, slot) in columns.slots.iter().enumerate().filter(|(_, slot)| slot.dropped() > 0) {
            let from = columns.width * u32::try_from(index).unwrap_or(u32::MAX);
            let (left, right) = (time.at(from.as_secs_f64()), time.at((from + columns.width).as_secs_f64()));
            let y = scale.at(count_as_float(slot.dropped())).min(bottom - 2.0);
            let kinds: Vec<String> =
                slot.drops.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            let explanation = format!("{:.2} s: {}", from.as_secs_f64(), kinds.join(", "));
            canvas.group("drops", &explanation, |canvas| {
                canvas.rect(left, y, (right - left).max(2.0), bottom - y, "drop");
            });
        }
        let mut kinds: Vec<(String, u64)> = report.drops().into_iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let mut words: Vec<String> =
            kinds.iter().take(4).map(|(kind, count)| format!("{} {kind}", grouped(*count))).collect();
        if kinds.len() > 4 {
            words.push("…".into());
        }
        canvas.text(RIGHT, top - 10.0, Anchor::End, "small drop-text", &words.join(" · "));
    }
    canvas.line((LEFT, bottom), (RIGHT, bottom), "axis");
}

/// Percentiles of what was ok, each with its name.
pub(super) fn latency(canvas: &mut Canvas, columns: &Columns, time: &Linear, top: f64, bottom: f64) {
    panel(canvas, "latency", "", top);
    let all = || {
        columns.slots.iter().filter_map(|slot| Some((slot.latency.percentile(0.5)?, slot.latency.longest())))
    };
    let least = all().map(|(median, _)| median).min();
    let most = all().map(|(_, longest)| longest).max();
    let (Some(least), Some(most)) = (least, most) else {
        canvas.line((LEFT, bottom), (RIGHT, bottom), "axis");
        return;
    };
    let scale = Log::new(least.as_secs_f64(), most.as_secs_f64(), bottom, top);
    for tick in scale.ticks() {
        let y = scale.at(tick);
        canvas.line((LEFT, y), (RIGHT, y), "grid");
        canvas.text(LEFT - 8.0, y + 4.0, Anchor::End, "tick", &span(Duration::from_secs_f64(tick)));
    }
    canvas.words(
        RIGHT,
        top - 10.0,
        Anchor::End,
        &[("small median-text", "p50"), ("small high-text", "p99"), ("small longest-text", "longest")],
    );
    for (class, share) in [("longest", 1.0), ("high", 0.99), ("median", 0.5)] {
        let mut piece = Vec::new();
        for (index, slot) in columns.slots.iter().enumerate() {
            let Some(value) = slot.latency.percentile(share) else {
                canvas.path(&std::mem::take(&mut piece), false, class);
                continue;
            };
            let (from, length) = columns.reach(index);
            let middle = time.at((from + length / 2).as_secs_f64());
            piece.push((middle, scale.at(value.as_secs_f64())));
        }
        canvas.path(&piece, false, class);
    }
    canvas.line((LEFT, bottom), (RIGHT, bottom), "axis");
}

/// The colour of a version: the first to answer is `version0`.
pub(super) fn version_class(name: &str, index: usize) -> String {
    if name == UNKNOWN { "unknown".into() } else { format!("version{}", index % 4) }
}

/// `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut parts: Vec<&str> = Vec::new();
    if first > 0 {
        parts.push(&digits[..first]);
    }
    parts.extend((first..digits.len()).step_by(3).map(|at| &digits[at..at + 3]));
    parts.join(",")
}

/// A duration in the unit that fits, without needless digits.
pub(super) fn span(duration: Duration) -> String {
    let micros = duration.as_secs_f64() * 1e6;
    let (value, unit) = match micros {
        0.0..100.0 => (micros, "µs"),
        100.0..1e6 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    let digits = if value < 10.0 { 100.0 } else { 10.0 };
    format!("{} {unit}", (value * digits).round() / digits)
}

fn panel(canvas: &mut Canvas, name: &str, unit: &str, top: f64) {
    canvas.words(20.0, top - 10.0, Anchor::Start, &[("panel", name), ("small", unit)]);
}

fn value_axis(canvas: &mut Canvas, scale: &Linear, bottom: f64, ticks: &[f64], name: impl Fn(f64) -> String) {
    for tick in ticks {
        let y = scale.at(*tick);
        if y < bottom - 0.5 {
            canvas.line((LEFT, y), (RIGHT, y), "grid");
        }
        canvas.text(LEFT - 8.0, y + 4.0, Anchor::End, "tick", &name(*tick));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count in a picture")]
fn count_as_float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a tick of a count")]
fn grouped_float(value: f64) -> String {
    if value.fract().abs() < 1e-6 { grouped(value.round() as u64) } else { trimmed(value) }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
