//! The report as JSON, schema 1. New keys may come, none goes.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::fate::Fate;
use crate::ledger::Record;
use crate::marks::MarkKind;
use crate::report::{Report, micros};

/// So many drops are told one by one; `drops` counts them all.
const MAX_LOSSES: usize = 1000;

/// What `-o json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Json {
    schema: u32,
    valid: bool,
    /// Why the run shows nothing, if it does not.
    invalid: Option<String>,
    started: String,
    seconds: f64,
    requests: u64,
    ok: u64,
    dropped: u64,
    drops: BTreeMap<String, u64>,
    /// Of the drops whose kind leaves that open: what went wrong.
    causes: Vec<Named>,
    /// Planned and never sent, by cause: the probe's own fault.
    unsent: BTreeMap<String, u64>,
    statuses: BTreeMap<String, u64>,
    connections: u64,
    reused_connections: u64,
    found_closed: u64,
    latency_ms: Latency,
    lag_ms: Lag,
    versions: BTreeMap<String, u64>,
    first_drop_seconds: Option<f64>,
    last_drop_seconds: Option<f64>,
    longest_outage: Option<Outage>,
    /// Where nothing was dropped: the share of drops that can't be excluded at 95 %.
    bound: Option<f64>,
    shapes: Vec<Shape>,
    marks: Vec<Mark>,
    losses: Vec<Loss>,
}

#[derive(Debug, Clone, Serialize)]
struct Named {
    kind: String,
    cause: String,
    dropped: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

#[derive(Debug, Clone, Serialize)]
struct Lag {
    p50: f64,
    p99: f64,
    max: f64,
}

#[derive(Debug, Clone, Serialize)]
struct Outage {
    at_seconds: f64,
    seconds: f64,
}

#[derive(Debug, Clone, Serialize)]
struct Shape {
    name: String,
    requests: u64,
    ok: u64,
    dropped: u64,
}

#[derive(Debug, Clone, Serialize)]
struct Mark {
    at_seconds: f64,
    kind: MarkKind,
    instance: String,
    label: String,
}

#[derive(Debug, Clone, Serialize)]
struct Loss {
    kind: String,
    cause: Option<String>,
    shape: String,
    planned_seconds: f64,
    sent_seconds: Option<f64>,
    ended_seconds: f64,
    status: Option<u16>,
    version: Option<String>,
    local: Option<String>,
    remote: Option<String>,
    connection_age_seconds: Option<f64>,
    requests_before: Option<u64>,
}

impl Report {
    /// The report in the form that scripts rely on.
    pub fn json(&self) -> Json {
        let ledger = &self.ledger;
        let (latency, lag) = (ledger.latency(), ledger.lag());
        let window = self.drop_window();
        Json {
            schema: 1,
            valid: self.invalid().is_none(),
            invalid: self.invalid(),
            started: self.started.to_string(),
            seconds: seconds(self.elapsed),
            requests: ledger.requests(),
            ok: ledger.ok(),
            dropped: ledger.dropped(),
            drops: text_keys(ledger.drops()),
            causes: ledger
                .causes()
                .iter()
                .map(|((kind, cause), dropped)| Named {
                    kind: kind.name(),
                    cause: cause.to_string(),
                    dropped: *dropped,
                })
                .collect(),
            unsent: text_keys(ledger.unsent()),
            statuses: text_keys(ledger.statuses()),
            connections: ledger.connections,
            reused_connections: ledger.reused(),
            found_closed: ledger.found_closed,
            latency_ms: Latency {
                p50: millis(latency, 0.5),
                p90: millis(latency, 0.9),
                p99: millis(latency, 0.99),
                p999: millis(latency, 0.999),
                max: millis(latency, 1.0),
            },
            lag_ms: Lag { p50: millis(lag, 0.5), p99: millis(lag, 0.99), max: millis(lag, 1.0) },
            versions: ledger.versions().iter().cloned().collect(),
            first_drop_seconds: window.map(|window| seconds(window.first)),
            last_drop_seconds: window.map(|window| seconds(window.last)),
            longest_outage: ledger
                .timeline()
                .longest_outage()
                .map(|(at, length)| Outage { at_seconds: seconds(at), seconds: seconds(length) }),
            bound: self.bound(),
            shapes: self
                .shapes
                .iter()
                .zip(ledger.shapes())
                .map(|(name, counts)| Shape {
                    name: name.clone(),
                    requests: counts.requests,
                    ok: counts.ok,
                    dropped: counts.dropped,
                })
                .collect(),
            marks: self
                .marks
                .iter()
                .map(|mark| Mark {
                    at_seconds: seconds(mark.at),
                    kind: mark.kind,
                    instance: mark.instance.clone(),
                    label: mark.label.clone(),
                })
                .collect(),
            losses: ledger.losses().iter().take(MAX_LOSSES).map(|loss| self.loss(loss)).collect(),
        }
    }

    fn loss(&self, loss: &Record) -> Loss {
        let connection = loss.end.connection;
        Loss {
            kind: match loss.end.fate {
                Fate::Ok => "ok".into(),
                Fate::Dropped(kind) => kind.name(),
                Fate::Unsent(cause) => cause.to_string(),
            },
            cause: loss.end.cause.as_deref().map(str::to_owned),
            shape: self.shapes.get(loss.shape).cloned().unwrap_or_default(),
            planned_seconds: seconds(loss.planned),
            sent_seconds: loss.sent.map(seconds),
            ended_seconds: seconds(loss.end.at),
            status: loss.end.status,
            version: loss.end.version.as_deref().map(str::to_owned),
            local: connection.map(|connection| connection.local.to_string()),
            remote: connection.map(|connection| connection.remote.to_string()),
            connection_age_seconds: connection
                .map(|connection| seconds(loss.end.at.saturating_sub(connection.opened))),
            requests_before: connection.map(|connection| connection.before),
        }
    }
}

fn text_keys<K: ToString>(counts: &BTreeMap<K, u64>) -> BTreeMap<String, u64> {
    counts.iter().map(|(key, count)| (key.to_string(), *count)).collect()
}

/// To the microsecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e6
}

fn millis(histogram: &Histogram<u64>, share: f64) -> f64 {
    if histogram.is_empty() { 0.0 } else { micros(histogram, share).as_secs_f64() * 1000.0 }
}
