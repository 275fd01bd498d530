//! The result for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use segue_probe::Report;

/// The whole summary, verdict first.
pub(super) fn text(report: &Report) -> String {
    let mut out = String::new();
    let ledger = &report.ledger;
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name:<12}{value}");
    };
    let verdict = match (report.invalid(), ledger.dropped()) {
        (Some(why), _) => format!("invalid: {why}"),
        (None, 0) => "nothing dropped".to_owned(),
        (None, dropped) => format!("{} dropped", count(dropped)),
    };
    line("result", verdict);
    let requests = ledger.requests();
    line("requests", format!("{} in {}, {} ok", count(requests), span(report.elapsed), count(ledger.ok())));
    if let Some(window) = report.drop_window() {
        line("dropped", list(&report.drops()));
        for ((kind, cause), dropped) in ledger.causes() {
            line("cause", format!("{kind} {}: {cause}", count(*dropped)));
        }
        let mut text = format!("first after {}, last after {}", span(window.first), span(window.last));
        if let Some((at, length)) = ledger.timeline().longest_outage() {
            let _ = write!(text, "; longest time with no answer {} (after {})", span(length), span(at));
        }
        line("when", text);
    }
    if let Some(bound) = report.bound() {
        // Rounded up: it is a bound.
        let percent = (bound * 1e6).ceil() / 1e4;
        line("bound", format!("at most {percent} % drops (3 of {}), at 95 % confidence", count(requests)));
    }
    let latency = ledger.latency();
    if !latency.is_empty() {
        let at = |share| span(Duration::from_micros(latency.value_at_quantile(share)));
        line(
            "latency",
            format!(
                "p50 {}  p90 {}  p99 {}  p99.9 {}  max {}",
                at(0.5),
                at(0.9),
                at(0.99),
                at(0.999),
                at(1.0)
            ),
        );
    }
    let versions: BTreeMap<String, u64> = ledger.versions().iter().cloned().collect();
    if !versions.is_empty() {
        line("versions", list(&versions));
    }
    let refusals: BTreeMap<String, u64> = ledger
        .statuses()
        .iter()
        .filter(|(status, _)| (400..500).contains(*status))
        .map(|(status, count)| (status.to_string(), *count))
        .collect();
    if !refusals.is_empty() {
        line("note", format!("answers that refuse, though they are no drops: {}", list(&refusals)));
    }
    line(
        "connections",
        format!(
            "{} opened; {} requests on kept ones; {} kept ones found closed by the server",
            count(ledger.connections),
            count(ledger.reused()),
            count(ledger.found_closed)
        ),
    );
    let lag = ledger.lag();
    let at = |share| span(Duration::from_micros(lag.value_at_quantile(share)));
    line("schedule", format!("left late by p99 {}, max {}", at(0.99), at(1.0)));
    out
}

/// `12,345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `a 3, b 4`.
pub(super) fn list(counts: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> =
        counts.iter().map(|(name, number)| format!("{name} {}", count(*number))).collect();
    parts.join(", ")
}

/// A duration in the unit that fits.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        0.0..0.001 => format!("{:.0} µs", seconds * 1e6),
        0.001..0.01 => format!("{:.2} ms", seconds * 1e3),
        0.01..0.1 => format!("{:.1} ms", seconds * 1e3),
        0.1..1.0 => format!("{:.0} ms", seconds * 1e3),
        1.0..60.0 => format!("{seconds:.1} s"),
        _ => format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), seconds % 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
    }

    #[test]
    fn a_span_has_the_unit_that_fits() {
        assert_eq!(span(Duration::from_micros(420)), "420 µs");
        assert_eq!(span(Duration::from_micros(4_200)), "4.20 ms");
        assert_eq!(span(Duration::from_millis(420)), "420 ms");
        assert_eq!(span(Duration::from_millis(4_200)), "4.2 s");
        assert_eq!(span(Duration::from_secs(125)), "2 min 5 s");
    }
}
