//! The ledger: every planned request is entered once and ends once.
//!
//! ```text
//!   open(planned) ──▶ Ticket ──▶ close(ticket, end)     one ticket, one fate
//!                       │
//!                       └─ begin(now): when it really was sent
//! ```
//! A [`Ticket`] can't be copied and `close` takes it, so a request can't end twice; one that never ended shows as
//! [`Ledger::open_tickets`], and makes the run invalid.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::fate::{Fate, Kind, Unsent};
use crate::timeline::Timeline;

/// Drops are told one by one up to this many; they are counted beyond it.
const MAX_LOSSES: usize = 10_000;

/// Different causes are told up to this many: one may hold what a server said, which may differ each time.
const MAX_CAUSES: usize = 100;

/// An open entry of the ledger.
#[derive(Debug)]
#[must_use = "a request that is not closed has no fate"]
pub struct Ticket {
    shape: usize,
    number: u64,
    planned: Duration,
    sent: Option<Duration>,
}

impl Ticket {
    /// Its number within its shape.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Notes when the request really left. Only the first call counts.
    pub fn begin(&mut self, now: Duration) {
        self.sent.get_or_insert(now);
    }
}

/// What is known when a request ends.
#[derive(Debug, Clone)]
pub struct End {
    /// When it ended.
    pub at: Duration,
    /// Its fate.
    pub fate: Fate,
    /// What brought that about, where the fate's name does not say it: the error of a TLS handshake, say.
    pub cause: Option<Arc<str>>,
    /// The status of the answer, if a head came.
    pub status: Option<u16>,
    /// The version that answered, if the answer said so.
    pub version: Option<Arc<str>>,
    /// The connection, if there was one.
    pub connection: Option<ConnectionUse>,
}

/// The connection that a request was sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionUse {
    /// This side's address.
    pub local: SocketAddr,
    /// The other side's.
    pub remote: SocketAddr,
    /// When it was opened.
    pub opened: Duration,
    /// How many requests it had carried before.
    pub before: u64,
}

/// One request, told in full.
#[derive(Debug, Clone)]
pub struct Record {
    /// Index of its shape.
    pub shape: usize,
    /// Its number within the shape.
    pub number: u64,
    /// When it was to be sent.
    pub planned: Duration,
    /// When it was.
    pub sent: Option<Duration>,
    /// How it ended, and on what.
    pub end: End,
}

/// The counts of one shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShapeCounts {
    /// Sent.
    pub requests: u64,
    /// Of these, ok.
    pub ok: u64,
    /// Of these, dropped.
    pub dropped: u64,
}

/// Every request of a run, counted; drops told one by one.
#[derive(Debug, Clone)]
pub struct Ledger {
    opened: u64,
    closed: u64,
    ok: u64,
    drops: BTreeMap<Kind, u64>,
    causes: BTreeMap<(Kind, Arc<str>), u64>,
    unsent: BTreeMap<Unsent, u64>,
    statuses: BTreeMap<u16, u64>,
    versions: Vec<(String, u64)>,
    shapes: Vec<ShapeCounts>,
    reused: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Kept connections that the server had closed while no request was on them.
    pub found_closed: u64,
    latency: Histogram<u64>,
    lag: Histogram<u64>,
    timeline: Timeline,
    losses: Vec<Record>,
    records: Option<Vec<Record>>,
}

impl Ledger {
    /// An empty ledger for so many shapes; with `keep_records`, every request is told, not only drops.
    pub fn new(shapes: usize, keep_records: bool) -> Self {
        Self {
            opened: 0,
            closed: 0,
            ok: 0,
            drops: BTreeMap::new(),
            causes: BTreeMap::new(),
            unsent: BTreeMap::new(),
            statuses: BTreeMap::new(),
            versions: Vec::new(),
            shapes: vec![ShapeCounts::default(); shapes],
            reused: 0,
            connections: 0,
            found_closed: 0,
            latency: histogram(),
            lag: histogram(),
            timeline: Timeline::default(),
            losses: Vec::new(),
            records: keep_records.then(Vec::new),
        }
    }

    /// Enters a request.
    pub fn open(&mut self, shape: usize, number: u64, planned: Duration) -> Ticket {
        self.opened += 1;
        Ticket { shape, number, planned, sent: None }
    }

    /// Writes down how a request ended.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket that was closed is no more")]
    pub fn close(&mut self, ticket: Ticket, end: End) {
        let latency = end.at.saturating_sub(ticket.planned);
        if matches!(end.fate, Fate::Ok) {
            record(&mut self.latency, latency);
        }
        self.count(&ticket, end, Some(latency));
    }

    /// Writes down the end of something that lasts as long as it is wanted (a WebSocket): its fate counts,
    /// its length is no latency.
    #[expect(clippy::needless_pass_by_value, reason = "a ticket that was closed is no more")]
    pub fn close_lasting(&mut self, ticket: Ticket, end: End) {
        self.count(&ticket, end, None);
    }

    /// Requests that have no fate yet.
    pub fn open_tickets(&self) -> u64 {
        self.opened - self.closed
    }

    /// Requests that were sent and have ended.
    pub fn requests(&self) -> u64 {
        self.ok + self.dropped()
    }

    /// Requests that ended ok.
    pub fn ok(&self) -> u64 {
        self.ok
    }

    /// Requests that were dropped, for whatever cause.
    pub fn dropped(&self) -> u64 {
        self.drops.values().sum()
    }

    /// Drops by kind.
    pub fn drops(&self) -> &BTreeMap<Kind, u64> {
        &self.drops
    }

    /// Drops by kind and cause, where the kind alone leaves open what went wrong.
    pub fn causes(&self) -> &BTreeMap<(Kind, Arc<str>), u64> {
        &self.causes
    }

    /// Planned requests that were never sent, by cause.
    pub fn unsent(&self) -> &BTreeMap<Unsent, u64> {
        &self.unsent
    }

    /// Answers by status, of all requests.
    pub fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.statuses
    }

    /// Ok answers by the version that gave them.
    pub fn versions(&self) -> &[(String, u64)] {
        &self.versions
    }

    /// The counts of each shape.
    pub fn shapes(&self) -> &[ShapeCounts] {
        &self.shapes
    }

    /// Requests sent on a connection that had carried another before.
    pub fn reused(&self) -> u64 {
        self.reused
    }

    /// Latency of what was ok, in microseconds from the planned time.
    pub fn latency(&self) -> &Histogram<u64> {
        &self.latency
    }

    /// From planned to sent, in microseconds: what the schedule itself did wrong.
    pub fn lag(&self) -> &Histogram<u64> {
        &self.lag
    }

    /// The run over time.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The drops one by one (the first ten thousand), by when they were planned once the run is over.
    pub fn losses(&self) -> &[Record] {
        &self.losses
    }

    /// Every request, where that was asked for.
    pub fn records(&self) -> Option<&[Record]> {
        self.records.as_deref()
    }

    /// Adds another thread's ledger of the same shapes.
    pub fn absorb(&mut self, other: Self) {
        self.opened += other.opened;
        self.closed += other.closed;
        self.ok += other.ok;
        add(&mut self.drops, other.drops);
        add(&mut self.causes, other.causes);
        add(&mut self.unsent, other.unsent);
        add(&mut self.statuses, other.statuses);
        let indexes: Vec<usize> = other
            .versions
            .into_iter()
            .map(|(version, count)| {
                let index = self.version(&version);
                self.versions[index].1 += count;
                index
            })
            .collect();
        for (mine, theirs) in self.shapes.iter_mut().zip(other.shapes) {
            mine.requests += theirs.requests;
            mine.ok += theirs.ok;
            mine.dropped += theirs.dropped;
        }
        self.reused += other.reused;
        self.connections += other.connections;
        self.found_closed += other.found_closed;
        // Both have the same bounds: nothing can be out of them.
        let _ = self.latency.add(other.latency);
        let _ = self.lag.add(other.lag);
        self.timeline.absorb(other.timeline, &indexes);
        self.losses.extend(other.losses);
        self.losses.sort_by_key(|loss| loss.planned);
        self.losses.truncate(MAX_LOSSES);
        if let (Some(mine), Some(theirs)) = (&mut self.records, other.records) {
            mine.extend(theirs);
            mine.sort_by_key(|record| (record.planned, record.shape, record.number));
        }
    }

    fn count(&mut self, ticket: &Ticket, mut end: End, latency: Option<Duration>) {
        self.closed += 1;
        if let Some(sent) = ticket.sent {
            record(&mut self.lag, sent.saturating_sub(ticket.planned));
        }
        if let Some(status) = end.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        if end.connection.is_some_and(|connection| connection.before > 0) {
            self.reused += 1;
        }
        let shape = &mut self.shapes[ticket.shape];
        match end.fate {
            Fate::Ok => {
                shape.requests += 1;
                shape.ok += 1;
                self.ok += 1;
                let version = self.version(end.version.as_deref().unwrap_or(UNKNOWN));
                self.versions[version].1 += 1;
                if let Some(latency) = latency {
                    self.timeline.ok(ticket.planned, version, latency);
                }
            }
            Fate::Dropped(kind) => {
                shape.requests += 1;
                shape.dropped += 1;
                *self.drops.entry(kind).or_default() += 1;
                if let Some(cause) = &end.cause {
                    self.because(kind, cause);
                }
                // What lasts is dropped when it ends, not when it began.
                self.timeline.dropped(if latency.is_some() { ticket.planned } else { end.at }, kind);
            }
            Fate::Unsent(cause) => *self.unsent.entry(cause).or_default() += 1,
        }
        let dropped = matches!(end.fate, Fate::Dropped(_)) && self.losses.len() < MAX_LOSSES;
        if dropped || self.records.is_some() {
            let Ticket { shape, number, planned, sent } = *ticket;
            let version = end.version.take();
            let record = Record { shape, number, planned, sent, end: End { version, ..end } };
            if dropped {
                self.losses.push(record.clone());
            }
            if let Some(records) = &mut self.records {
                records.push(record);
            }
        }
    }

    fn because(&mut self, kind: Kind, cause: &Arc<str>) {
        let known = (kind, cause.clone());
        if self.causes.len() < MAX_CAUSES || self.causes.contains_key(&known) {
            *self.causes.entry(known).or_default() += 1;
        }
    }

    fn version(&mut self, name: &str) -> usize {
        self.versions.iter().position(|(version, _)| version == name).unwrap_or_else(|| {
            self.versions.push((name.to_owned(), 0));
            self.versions.len() - 1
        })
    }
}

/// What an answer without a version header counts as.
pub const UNKNOWN: &str = "unknown";

/// Microseconds, to three digits, up to an hour.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3)
        .unwrap_or_else(|_| unreachable!("constant bounds are valid"))
}

fn record(histogram: &mut Histogram<u64>, duration: Duration) {
    histogram.saturating_record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1));
}

fn add<K: Ord>(mine: &mut BTreeMap<K, u64>, theirs: BTreeMap<K, u64>) {
    for (key, count) in theirs {
        *mine.entry(key).or_default() += count;
    }
}
