//! What one way to upgrade did, as numbers; and all of them as JSON, and as the demo's verdict.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// The last recipe's name, which scripts rely on.
pub(crate) const SEGUE: &str = "segue";

/// How many of the other recipes must be seen to drop for the comparison to mean something.
const OTHERS_THAT_DROP: usize = 2;

/// One recipe's result.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// The recipe's name.
    pub name: &'static str,
    /// How many requests were sent.
    pub requests: u64,
    /// How many of them were dropped.
    pub dropped: u64,
    /// The drops by their kind.
    pub drops: BTreeMap<String, u64>,
    /// How long the upgrade took, divided by the instances.
    pub seconds_per_instance: f64,
    /// How long it took.
    pub seconds: f64,
    /// Requests per second that it was measured under, about.
    pub rate: f64,
    /// How often it was measured: again where this machine was too busy to send on time.
    pub tries: usize,
    /// Planned and never sent.
    pub unsent: u64,
    /// Whether the probe could keep its own promises.
    pub valid: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid_because: Option<String>,
}

impl Row {
    /// An upgrade's time in all and per instance, in seconds to two digits.
    pub(crate) fn times(upgrade: Duration, replicas: usize) -> (f64, f64) {
        let round = |seconds: f64| (seconds * 100.0).round() / 100.0;
        let replicas = u32::try_from(replicas.max(1)).unwrap_or(u32::MAX);
        (round(upgrade.as_secs_f64()), round(upgrade.as_secs_f64() / f64::from(replicas)))
    }

    /// Whether every planned request has a fate. What left late counts all the same: only its times say little.
    fn is_whole(&self) -> bool {
        self.valid || (self.unsent == 0 && self.requests > 0)
    }

    /// Whether nothing stands between it and a row that was measured at this rate; if not, there is a note.
    pub fn is_as_the_others(&self, rate: f64) -> bool {
        self.valid && self.rate >= rate
    }

    /// Why the measurement is not valid.
    pub(crate) fn reason(&self) -> &str {
        self.invalid_because.as_deref().unwrap_or("it does not say why")
    }

    /// The drops, the most frequent kind first.
    pub fn drops_by_kind(&self) -> String {
        let mut drops: Vec<_> = self.drops.iter().collect();
        drops.sort_by_key(|(kind, count)| (std::cmp::Reverse(**count), (*kind).clone()));
        drops.iter().map(|(kind, count)| format!("{kind} {count}")).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dropped, requests, seconds, .. } = self;
        write!(f, "upgraded in {seconds:.1} s, {dropped} of {requests} requests dropped")?;
        if self.drops.is_empty() { Ok(()) } else { write!(f, " ({})", self.drops_by_kind()) }
    }
}

/// The contract's JSON, on one line.
pub fn json(rows: &[Row], plot: &str) -> serde_json::Value {
    serde_json::json!({ "schema": 1, "recipes": rows, "plot": plot })
}

/// The rate that the rows are compared under.
pub fn full_rate(rows: &[Row]) -> f64 {
    rows.iter().map(|row| row.rate).fold(0.0, f64::max)
}

/// What is to be known of a row that was not measured as the others were.
pub fn notes(rows: &[Row]) -> Vec<String> {
    let full = full_rate(rows);
    let of = |row: &Row| {
        let under = || format!("measured under {:.0} requests/s, others under {full:.0}", row.rate);
        let lower = (row.rate < full).then(under);
        let late = (!row.valid).then(|| row.reason().to_owned());
        let why: Vec<String> = lower.into_iter().chain(late).collect();
        format!(
            "* {}: {}; this machine had other things to do. What was sent was counted, so the drops are right; compare \
             the numbers of requests and seconds with care.",
            row.name,
            why.join("; ")
        )
    };
    rows.iter().filter(|row| !row.is_as_the_others(full)).map(of).collect()
}

/// Why the demo did not show what it is there to show; empty if it did. That this machine was busy is no reason, as long
/// as everything was sent.
pub fn complaints(rows: &[Row]) -> Vec<String> {
    let mut complaints = Vec::new();
    match rows.iter().find(|row| row.name == SEGUE) {
        None => complaints.push("segue was not measured".to_owned()),
        Some(row) if row.dropped > 0 => complaints.push(format!("segue dropped {}", row.dropped)),
        Some(row) if !row.is_whole() => {
            complaints.push(format!("segue could not be measured on this machine: {}", row.reason()));
        }
        Some(_) => {}
    }
    let others = rows.iter().filter(|row| row.name != SEGUE && row.dropped > 0).count();
    if others < OTHERS_THAT_DROP {
        complaints.push(format!(
            "only {others} of the other recipes dropped anything: this load cannot tell them from segue"
        ));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, drops: &[(&str, u64)]) -> Row {
        let (seconds, seconds_per_instance) = Row::times(Duration::from_millis(18_123), 3);
        Row {
            name,
            requests: 21_204,
            dropped: drops.iter().map(|(_, count)| count).sum(),
            drops: drops.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            seconds_per_instance,
            seconds,
            rate: 1000.0,
            tries: 1,
            unsent: 0,
            valid: true,
            invalid_because: None,
        }
    }

    fn late(row: Row) -> Row {
        Row { valid: false, invalid_because: Some("the probe itself was late".to_owned()), ..row }
    }

    fn rows() -> Vec<Row> {
        vec![
            row("stop-then-start", &[("http-502", 512), ("truncated", 3)]),
            row("rolling", &[("http-502", 12)]),
            row("rolling-with-sleep", &[("websocket-no-close", 6)]),
            row(SEGUE, &[]),
        ]
    }

    #[test]
    fn the_json_is_as_the_contract_says() {
        let json = json(&rows()[..1], "segue-demo.svg");
        assert_eq!(
            json,
            serde_json::json!({"schema": 1, "plot": "segue-demo.svg", "recipes": [{
                "name": "stop-then-start", "requests": 21204, "dropped": 515,
                "drops": {"http-502": 512, "truncated": 3},
                "seconds_per_instance": 6.04, "seconds": 18.12, "rate": 1000.0, "tries": 1, "unsent": 0,
                "valid": true,
            }]})
        );
    }

    #[test]
    fn the_demo_succeeds_only_if_segue_dropped_nothing_and_two_others_did() {
        assert_eq!(complaints(&rows()), Vec::<String>::new());
        let mut dropped = rows();
        dropped[3] = row(SEGUE, &[("http-502", 1)]);
        assert_eq!(complaints(&dropped), ["segue dropped 1"]);
        let mut harmless = rows();
        harmless[0] = row("stop-then-start", &[]);
        harmless[1] = row("rolling", &[]);
        assert_eq!(complaints(&harmless).len(), 1);
        assert_eq!(complaints(&rows()[..3]), ["segue was not measured"]);
    }

    #[test]
    fn a_late_load_is_a_note_and_no_complaint_and_one_that_was_not_sent_is_none_of_segue() {
        let mut rows = rows();
        assert_eq!(notes(&rows), Vec::<String>::new());
        rows[3] = late(row(SEGUE, &[]));
        assert_eq!(complaints(&rows), Vec::<String>::new());
        let [note] = &notes(&rows)[..] else { panic!("one note: {:?}", notes(&rows)) };
        assert!(
            note.starts_with("* segue: the probe itself was late; this machine had other things to do."),
            "{note}"
        );
        rows[3].unsent = 7;
        assert_eq!(
            complaints(&rows),
            ["segue could not be measured on this machine: the probe itself was late"]
        );
        rows[3] = Row { requests: 0, ..late(row(SEGUE, &[])) };
        assert_eq!(complaints(&rows).len(), 1);
        // What another dropped, it dropped; and a drop of Segue's is never the machine's.
        rows[3] = row(SEGUE, &[]);
        rows[0] = late(row("stop-then-start", &[("http-502", 3)]));
        rows[2] = row("rolling-with-sleep", &[]);
        assert_eq!(complaints(&rows), Vec::<String>::new());
        rows[3] = late(row(SEGUE, &[("http-502", 1)]));
        assert_eq!(complaints(&rows), ["segue dropped 1"]);
    }

    #[test]
    fn a_row_under_a_lower_rate_is_told_from_the_others() {
        let mut rows = rows();
        rows[1].rate = 500.0;
        let [note] = &notes(&rows)[..] else { panic!("one note: {:?}", notes(&rows)) };
        assert!(
            note.starts_with("* rolling: measured under 500 requests/s, others under 1000; this machine"),
            "{note}"
        );
        // All under the same, they can be compared.
        for row in &mut rows {
            row.rate = 500.0;
        }
        assert_eq!(notes(&rows), Vec::<String>::new());
    }
}
