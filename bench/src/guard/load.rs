//! The load: `segue probe`'s library in a process of its own on processor 1, and what it saw.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use http::Method;
use segue_probe::{Fate, Load, Record, Shape, Target};
use serde::{Deserialize, Serialize};

use super::args::Request;
use super::front::ANSWER;
use crate::proxy::contender::pinned;

/// Requests planned so early are sent and not looked at: connections open, caches and clocks warm up.
const WARMING: Duration = Duration::from_secs(1);

/// A machine whose own work takes a processor for ten milliseconds of each second shows in the 99th percentile of all
/// requests whatever is measured; in most windows as short as this it does not show.
const WINDOW: Duration = Duration::from_millis(100);

/// One run of the load.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LoadArgs {
    /// Where to
    url: Target,
    /// What
    #[arg(value_enum)]
    request: Request,
    /// Requests per second
    rate: f64,
    /// Seconds that count, after one that does not
    seconds: u64,
    /// Kept connections, taken in turn
    connections: usize,
}

/// How much is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    /// Requests per second.
    pub(crate) rate: f64,
    /// Seconds that count, after one that does not.
    pub(crate) seconds: u64,
    /// Kept connections, taken in turn.
    pub(crate) connections: usize,
}

/// What one run saw. Times are in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ran {
    /// All that were sent, also those that are not looked at.
    pub(crate) requests: u64,
    pub(crate) dropped: u64,
    /// How many were opened. More than were asked for: requests met no idle one, because something stood still.
    pub(crate) connections: u64,
    /// From planned to the answer's last byte.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// The median of the windows' own 99th percentiles.
    pub(crate) window_p99_us: f64,
    /// From planned to sent: the load's own fault.
    pub(crate) late_p99_us: f64,
    /// Why the load says that the run shows nothing, if so.
    pub(crate) invalid: Option<String>,
}

impl Ran {
    /// Whether its figures say anything: all was answered, and the load kept its own times.
    pub(crate) const fn is_sound(&self) -> bool {
        self.dropped == 0 && self.invalid.is_none()
    }
}

/// Runs the load in this process; its JSON is the result.
pub(crate) fn load(args: LoadArgs) -> anyhow::Result<()> {
    let mut load = Load::new(args.url, WARMING + Duration::from_secs(args.seconds));
    let mut shape = Shape::new("request", args.rate);
    shape.pool = args.connections;
    if args.request == Request::Post {
        (shape.method, shape.body_size) = (Method::POST, ANSWER);
    }
    load.shapes = vec![shape];
    load.keep_records = true;
    let report = segue_probe::run(load, |_| ())?;
    let records = report.ledger.records().unwrap_or_default();
    let counted =
        || records.iter().filter(|record| record.planned >= WARMING && matches!(record.end.fate, Fate::Ok));
    let took = |record: &Record| record.end.at.saturating_sub(record.planned);
    let latency = sorted(counted().map(took));
    let lateness = sorted(counted().filter_map(lateness));
    ensure!(!latency.is_empty(), "no request was answered after the first second");
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let ran = Ran {
        requests: report.ledger.requests(),
        dropped: report.ledger.dropped(),
        connections: report.ledger.connections,
        p50_us: micros(percentile(&latency, 50)),
        p99_us: micros(percentile(&latency, 99)),
        window_p99_us: micros(window_p99(counted().map(|record| (record.planned, took(record))))),
        late_p99_us: micros(percentile(&lateness, 99)),
        invalid: report.invalid(),
    };
    println!("{}", serde_json::to_string(&ran)?);
    Ok(())
}

fn lateness(record: &Record) -> Option<Duration> {
    Some(record.sent?.saturating_sub(record.planned))
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times
}

/// The median of the windows' 99th percentiles.
fn window_p99(requests: impl Iterator<Item = (Duration, Duration)>) -> Duration {
    let mut windows: BTreeMap<u128, Vec<Duration>> = BTreeMap::new();
    for (planned, took) in requests {
        windows.entry(planned.as_nanos() / WINDOW.as_nanos()).or_default().push(took);
    }
    let each = windows.into_values().map(|window| percentile(&sorted(window.into_iter()), 99));
    percentile(&sorted(each), 50)
}

/// The least time that so many of a hundred do not exceed; zero of none.
fn percentile(sorted: &[Duration], share: usize) -> Duration {
    let rank = (sorted.len() * share).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Runs the load as a process of its own.
pub(crate) fn run(to: SocketAddr, request: Request, amount: Amount) -> anyhow::Result<Ran> {
    let word = if request == Request::Get { "get" } else { "post" };
    let Amount { rate, seconds, connections } = amount;
    let output = pinned(1)
        .arg(std::env::current_exe()?)
        .args(["guard-load", &format!("http://{to}/"), word])
        .args([rate.to_string(), seconds.to_string(), connections.to_string()])
        .output()?;
    ensure!(output.status.success(), "the load failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("what the load said is not its JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_least_time_that_so_many_do_not_exceed() {
        let times: Vec<_> = (1..=200).map(Duration::from_micros).collect();
        let found = [percentile(&times, 50), percentile(&times, 99), percentile(&times[..1], 99)];
        assert_eq!(found, [100, 198, 1].map(Duration::from_micros));
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn one_bad_window_does_not_decide_the_median_of_windows() {
        let at = |ms: u64, took: u64| (Duration::from_millis(ms), Duration::from_micros(took));
        let requests = [at(0, 10), at(99, 30), at(100, 9000), at(199, 9000), at(200, 20), at(250, 10)];
        assert_eq!(window_p99(requests.into_iter()), Duration::from_micros(30));
        assert_eq!(window_p99(requests.into_iter().take(3)), Duration::from_micros(30));
        assert_eq!(window_p99(std::iter::empty()), Duration::ZERO);
    }
}
