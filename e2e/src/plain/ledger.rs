//! What one client's probe says: the fate of every request.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::client::{Client, Place};

/// One client's ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    /// Which client.
    pub client: Client,
    /// Where it was.
    pub place: Place,
    /// Why the run shows nothing, if the probe says so.
    pub invalid: Option<String>,
    /// Requests with a fate.
    pub requests: u64,
    /// Of those: dropped.
    pub dropped: u64,
    /// Drops by kind.
    pub drops: BTreeMap<String, u64>,
    /// How late the probe itself was, in ms: 99th percentile.
    pub lag_p99_ms: f64,
    /// Slowest answer, in ms, from the planned time.
    pub slowest_ms: f64,
    /// Drops one by one, as the probe tells them (the first 1,000).
    pub losses: Vec<Loss>,
}

/// One drop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Loss {
    /// Its kind.
    pub kind: String,
    /// When it was to be sent, in seconds since 1970.
    pub planned: f64,
    /// When its fate was known, in seconds since 1970.
    pub ended: f64,
    /// The client's end of the connection, if there was one.
    pub local: Option<String>,
    /// How many requests that connection had carried before.
    pub before: Option<u64>,
    /// How old that connection was, in seconds.
    pub age: Option<f64>,
}

/// The probe's own words, as far as they are read here.
#[derive(Deserialize)]
struct Said {
    invalid: Option<String>,
    started: String,
    requests: u64,
    dropped: u64,
    drops: BTreeMap<String, u64>,
    latency_ms: Maximum,
    lag_ms: Lag,
    losses: Vec<SaidLoss>,
}

#[derive(Deserialize)]
struct Maximum {
    max: f64,
}

#[derive(Deserialize)]
struct Lag {
    p99: f64,
}

#[derive(Deserialize)]
struct SaidLoss {
    kind: String,
    planned_seconds: f64,
    ended_seconds: f64,
    local: Option<String>,
    requests_before: Option<u64>,
    connection_age_seconds: Option<f64>,
}

impl Ledger {
    pub(crate) fn read(client: Client, place: Place, json: &str) -> anyhow::Result<Self> {
        let said: Said = serde_json::from_str(json).context("this is no ledger")?;
        let began = seconds_since_1970(&said.started)?;
        let loss = |loss: SaidLoss| Loss {
            kind: loss.kind,
            planned: began + loss.planned_seconds,
            ended: began + loss.ended_seconds,
            local: loss.local,
            before: loss.requests_before,
            age: loss.connection_age_seconds,
        };
        Ok(Self {
            client,
            place,
            invalid: said.invalid,
            requests: said.requests,
            dropped: said.dropped,
            drops: said.drops,
            lag_p99_ms: said.lag_ms.p99,
            slowest_ms: said.latency_ms.max,
            losses: said.losses.into_iter().map(loss).collect(),
        })
    }
}

/// A date as RFC 3339 has it, in seconds since 1970.
pub fn seconds_since_1970(date: &str) -> anyhow::Result<f64> {
    let date: jiff::Timestamp = date.parse().with_context(|| format!("{date} is no date"))?;
    Ok(date.as_duration().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_told_by_the_wall_clock() {
        let json = r#"{"invalid":null,"started":"1970-01-01T00:01:40Z","requests":3,"dropped":1,
            "drops":{"refused":1},"latency_ms":{"max":7.5},"lag_ms":{"p99":0.5},"losses":[{"kind":"refused",
            "planned_seconds":1.5,"ended_seconds":2,"local":null,"requests_before":null,"connection_age_seconds":null}]}"#;
        let ledger = Ledger::read(Client::Kept, Place::Node(1), json).unwrap();
        assert_eq!((ledger.requests, ledger.dropped, ledger.drops["refused"]), (3, 1, 1));
        assert_eq!((ledger.losses[0].planned, ledger.losses[0].ended), (101.5, 102.0));
    }
}
