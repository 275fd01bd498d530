//! The picture: well-formed, and everything that happened is on it.

use std::sync::Arc;
use std::time::Duration;

use segue_probe::{End, Fate, Kind, Ledger, Mark, MarkKind, Report, plot};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Twenty seconds of 500 requests per second, through an upgrade that stops one instance rudely.
fn upgraded() -> Report {
    let mut ledger = Ledger::new(1, false);
    for number in 0..10_000 {
        let planned = seconds(number as f64 / 500.0);
        let at = planned.as_secs_f64();
        let mut ticket = ledger.open(0, number, planned);
        ticket.begin(planned + Duration::from_micros(60));
        let share = ((at - 6.0) / 8.0).clamp(0.0, 1.0);
        let new = ((number * 7919) % 1000) as f64 / 1000.0 < share;
        let lost = (10.0..10.4).contains(&at) && number % 3 == 0;
        let slow =
            1.0 + ((number * 31) % 97) as f64 / 97.0 + if (8.0..12.0).contains(&at) { 4.0 } else { 0.0 };
        let fate = match number % 2 {
            _ if !lost => Fate::Ok,
            0 => Fate::Dropped(Kind::Refused),
            _ => Fate::Dropped(Kind::ResetBeforeFirstByte),
        };
        let version: Arc<str> = if new { "v2" } else { "v1" }.into();
        let version = (fate == Fate::Ok).then_some(version);
        let status = version.is_some().then_some(200);
        let end = End { at: planned + seconds(slow / 1000.0), fate, status, version, connection: None };
        ledger.close(ticket, end);
    }
    let mark = |at: f64, kind, instance: &str, label: &str| Mark {
        at: seconds(at),
        kind,
        instance: instance.into(),
        label: label.into(),
    };
    let marks = vec![
        mark(3.0, MarkKind::Note, "", "upgrade begins <&>"),
        mark(6.0, MarkKind::Ready, "web-4", "v2"),
        mark(6.1, MarkKind::Withdrawn, "web-1", "v1"),
        mark(8.0, MarkKind::Stopped, "web-1", "v1"),
        mark(9.0, MarkKind::Ready, "web-5", "v2"),
        mark(10.0, MarkKind::Stopped, "web-2", "v1"),
        mark(13.5, MarkKind::Ready, "web-6", "v2"),
        mark(13.6, MarkKind::Withdrawn, "web-3", "v1"),
        mark(16.2, MarkKind::Stopped, "web-3", "v1"),
    ];
    Report {
        started: "2026-01-01T00:00:00Z".parse().unwrap(),
        elapsed: seconds(20.1),
        shapes: vec!["GET".into()],
        ledger,
        marks,
    }
}

#[test]
fn the_picture_is_well_formed() {
    let svg = plot::svg(&upgraded(), "An upgrade & its <title>");
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/upgrade.svg"), &svg).unwrap();
}
