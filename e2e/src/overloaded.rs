//! Whether a machine carried its load: where it did not, nothing was shown.

use std::fmt;
use std::time::Duration;

use segue_probe::Report;

/// Requests that left so much later than planned may have missed what they were there for. The probe's own bound is far
/// lower: it speaks of latencies, and what is asserted here are counts.
const LATE: Duration = Duration::from_millis(500);

/// Why a load has shown nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct Overloaded(pub String);

impl fmt::Display for Overloaded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Overloaded {}

/// Why a report shows nothing, if so.
pub(crate) fn shows_nothing(report: &Report) -> Option<Overloaded> {
    let ledger = &report.ledger;
    if ledger.dropped() > 0 {
        return None;
    }
    if !ledger.unsent().is_empty() {
        return Some(Overloaded(format!("planned and never sent: {:?}", ledger.unsent())));
    }
    let lag = Duration::from_micros(ledger.lag().value_at_quantile(0.99));
    (lag > LATE).then(|| Overloaded(format!("1 % of the requests left more than {lag:?} after their time")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use segue_probe::{End, Fate, Kind, Ledger, Unsent};

    /// A report of requests that all left so late.
    fn report(late: Duration, fates: &[Fate]) -> Report {
        let mut ledger = Ledger::new(1, false);
        for (number, fate) in (0..).zip(fates) {
            let mut ticket = ledger.open(0, number, Duration::ZERO);
            ticket.begin(late);
            ledger.close(
                ticket,
                End { at: late, fate: *fate, status: None, version: None, connection: None, cause: None },
            );
        }
        let shapes = vec!["GET".to_owned()];
        Report { started: jiff::Timestamp::UNIX_EPOCH, elapsed: late, shapes, ledger, marks: Vec::new() }
    }

    #[test]
    fn what_the_machine_could_not_carry_shows_nothing_and_a_drop_always_does() {
        let (soon, late) = (Duration::from_millis(100), Duration::from_secs(1));
        let (dropped, unsent) = (Fate::Dropped(Kind::Refused), Fate::Unsent(Unsent::NoLocalPort));
        assert_eq!(shows_nothing(&report(soon, &[Fate::Ok; 9])), None);
        assert!(shows_nothing(&report(late, &[Fate::Ok; 9])).unwrap().0.contains("after their time"));
        assert!(shows_nothing(&report(soon, &[Fate::Ok, unsent])).unwrap().0.contains("never sent"));
        assert_eq!(shows_nothing(&report(late, &[Fate::Ok, dropped])), None);
        assert_eq!(shows_nothing(&report(soon, &[dropped, unsent])), None);
    }
}
