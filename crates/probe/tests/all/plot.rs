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
    for number in 0..10_000_u32 {
        let at = f64::from(number) / 500.0;
        let planned = seconds(at);
        let mut ticket = ledger.open(0, u64::from(number), planned);
        ticket.begin(planned + Duration::from_micros(60));
        let share = ((at - 6.0) / 8.0).clamp(0.0, 1.0);
        let new = f64::from((number * 7919) % 1000) / 1000.0 < share;
        let lost = (10.0..10.4).contains(&at) && number % 3 == 0;
        let burdened = if (8.0..12.0).contains(&at) { 4.0 } else { 0.0 };
        let slow = 1.0 + f64::from((number * 31) % 97) / 97.0 + burdened;
        let fate = match number % 2 {
            _ if !lost => Fate::Ok,
            0 => Fate::Dropped(Kind::Refused),
            _ => Fate::Dropped(Kind::ResetBeforeFirstByte),
        };
        let version: Arc<str> = if new { "v2" } else { "v1" }.into();
        let version = (fate == Fate::Ok).then_some(version);
        let status = version.is_some().then_some(200);
        let end = End {
            at: planned + seconds(slow / 1000.0),
            fate,
            status,
            version,
            connection: None,
            cause: None,
        };
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

/// Every element that is opened is closed, in order, and all text is escaped; returns the elements' names.
fn elements(svg: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut all = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let text = &rest[..start];
        assert!(!text.contains('>') || open.last().is_some_and(|name| name == "style"), "{text}");
        assert!(text.split('&').skip(1).all(|after| after.contains(';')), "{text}");
        let end = start + rest[start..].find('>').expect("an element that does not end");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.trim_matches('/').split_whitespace().next().unwrap().to_owned();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_ref(), Some(&name));
        } else {
            all.push(name.clone());
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert_eq!(open, Vec::<String>::new());
    all
}

#[test]
fn the_picture_is_well_formed_and_has_everything_that_happened() {
    let report = upgraded();
    let svg = plot::svg(&report, "An upgrade & its <title>");
    // For whoever wants to look at it.
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/upgrade.svg"), &svg).unwrap();
    assert!(elements(&svg).len() > 100);
    assert!(svg.contains("An upgrade &amp; its &lt;title&gt;"));
    assert!(svg.contains(">upgrade begins &lt;&amp;&gt;</text>"));
    assert_eq!(svg.matches("class=\"mark\"").count(), report.marks.len());
    for instance in ["web-1", "web-2", "web-3", "web-4", "web-5", "web-6"] {
        assert!(svg.contains(&format!(">{instance}</text>")), "{instance}");
    }
    assert!(svg.contains("<title>6.10 s: web-1 withdrawn v1</title>"));
    assert_eq!(svg.matches("<g class=\"layer\">").count(), 3, "v1, v2 and what was dropped");
    let told = format!("{} dropped", report.ledger.dropped());
    assert!(report.ledger.dropped() > 0 && svg.contains(&told), "{told}");
    assert!(svg.contains("refused") && svg.contains("reset-before-first-byte"));
    assert!(svg.contains("prefers-color-scheme:dark"));
}

#[test]
fn a_run_without_requests_marks_or_drops_is_drawn_all_the_same() {
    let empty = Report { ledger: Ledger::new(1, false), marks: Vec::new(), ..upgraded() };
    let svg = plot::svg(&empty, "nothing");
    elements(&svg);
    assert!(svg.contains("no request was sent"));
    let mut one = Ledger::new(1, false);
    let ticket = one.open(0, 0, Duration::ZERO);
    let end =
        End { at: seconds(0.1), fate: Fate::Ok, status: None, version: None, connection: None, cause: None };
    one.close(ticket, end);
    let svg = plot::svg(&Report { ledger: one, marks: Vec::new(), ..upgraded() }, "one");
    elements(&svg);
    assert!(svg.contains(">none</text>") && svg.contains("nothing dropped") && !svg.contains("NaN"));
}
