//! What a run showed.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::fate::Fate;
use crate::ledger::{Ledger, Record};
use crate::load::Load;
use crate::marks::Mark;

/// A run whose own schedule was later than this at the 99th percentile measured itself, not the target.
const MAX_LAG: Duration = Duration::from_millis(10);

/// A run that is over.
#[derive(Debug, Clone)]
pub struct Report {
    /// When it began.
    pub started: jiff::Timestamp,
    /// From the beginning to the last answer.
    pub elapsed: Duration,
    /// The names of the load's shapes, in their order.
    pub shapes: Vec<String>,
    /// Every request.
    pub ledger: Ledger,
    /// What was marked while it ran, by time.
    pub marks: Vec<Mark>,
}

/// When drops happened, by planned time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DropWindow {
    /// The first.
    pub first: Duration,
    /// The last.
    pub last: Duration,
}

impl Report {
    pub(crate) fn new(
        load: &Load,
        started: jiff::Timestamp,
        elapsed: Duration,
        ledger: Ledger,
        mut marks: Vec<Mark>,
    ) -> Self {
        marks.sort_by_key(|mark| mark.at);
        let shapes = load.shapes.iter().map(|shape| shape.name.clone()).collect();
        Self { started, elapsed, shapes, ledger, marks }
    }

    /// Why this run shows nothing, if so.
    pub fn invalid(&self) -> Option<String> {
        let unsent: u64 = self.ledger.unsent().values().sum();
        if unsent > 0 {
            let (cause, _) = self.ledger.unsent().first_key_value()?;
            return Some(format!("{unsent} planned requests were never sent ({cause})"));
        }
        if self.ledger.open_tickets() > 0 {
            return Some(format!("{} requests have no fate", self.ledger.open_tickets()));
        }
        if self.ledger.requests() == 0 {
            return Some("no request was sent".into());
        }
        let lag = micros(self.ledger.lag(), 0.99);
        (lag > MAX_LAG).then(|| {
            let late = lag.as_secs_f64() * 1000.0;
            format!(
                "the probe itself was late: 1 % of the requests left more than {late:.1} ms after their time"
            )
        })
    }

    /// Whether this run is valid and dropped nothing.
    pub fn passed(&self) -> bool {
        self.invalid().is_none() && self.ledger.dropped() == 0
    }

    /// The first and the last drop.
    pub fn drop_window(&self) -> Option<DropWindow> {
        let times = || self.ledger.losses().iter().map(Record::felt);
        Some(DropWindow { first: times().min()?, last: times().max()? })
    }

    /// The share of drops that can't be excluded at 95 % where none was seen: 3 of N requests.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
    pub fn bound(&self) -> Option<f64> {
        (self.ledger.dropped() == 0 && self.ledger.requests() > 0)
            .then(|| 3.0 / self.ledger.requests() as f64)
    }

    /// Drops by the name of their kind.
    pub fn drops(&self) -> BTreeMap<String, u64> {
        self.ledger.drops().iter().map(|(kind, count)| (kind.name(), *count)).collect()
    }
}

impl Record {
    /// The time that a drop belongs to: when the request was planned; what lasted is dropped when it ends.
    fn felt(&self) -> Duration {
        let lasting = matches!(self.end.fate, Fate::Dropped(_)) && self.sent.is_none();
        if lasting { self.end.at } else { self.planned }
    }
}

/// A percentile of a histogram of microseconds.
pub(crate) fn micros(histogram: &Histogram<u64>, share: f64) -> Duration {
    Duration::from_micros(histogram.value_at_quantile(share))
}
