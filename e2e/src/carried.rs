//! A promise under load, on a machine that may have other things to do.
//!
//! Where the machine could not carry the load, nothing was shown: neither that the promise holds, nor that it does not.
//! It is tried again with less. A drop is a drop on any machine, and never tried away.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use segue_probe::{Report, Shape};

use crate::pressure::{self, Pressure};

/// How often a promise is tried, each time under half the load of the time before.
const TRIES: u32 = 3;

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

/// How much of the usual load this try is under.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(f64);

/// Runs a promise under load; again, with half of it, where the machine could not carry it. Panics when it never could.
#[track_caller]
pub fn under_load<T>(mut promise: impl FnMut(Share) -> Result<T, Overloaded>) -> T {
    let mut share = 1.0;
    let mut told = Vec::new();
    for _ in 0..TRIES {
        match promise(Share(share)) {
            Ok(kept) => return kept,
            Err(overloaded) => {
                eprintln!("this machine could not carry {share} of the load: {overloaded}");
                told.push(format!("{share} of the load: {overloaded}"));
            }
        }
        share /= 2.0;
    }
    panic!("this machine is too busy to show anything: {}", told.join("; "));
}

// === impl Share ===

impl Share {
    /// [`pressure::mixed`], and under way.
    #[track_caller]
    pub fn mixed(self, address: SocketAddr) -> Pressure {
        self.start(address, pressure::mixed())
    }

    /// [`pressure::brisk`], and under way.
    #[track_caller]
    pub fn brisk(self, address: SocketAddr) -> Pressure {
        self.start(address, pressure::brisk())
    }

    /// [`pressure::quick`], and under way.
    #[track_caller]
    pub fn quick(self, address: SocketAddr) -> Pressure {
        self.start(address, pressure::quick())
    }

    /// Any shapes; returns when they are well under way.
    #[track_caller]
    pub fn start(self, address: SocketAddr, shapes: Vec<Shape>) -> Pressure {
        Pressure::start(address, self.of(shapes))
    }

    /// Any shapes, sent for so long at the most.
    #[track_caller]
    pub fn begin(self, address: SocketAddr, duration: Duration, shapes: Vec<Shape>) -> Pressure {
        Pressure::begin(address, duration, self.of(shapes))
    }

    fn of(self, mut shapes: Vec<Shape>) -> Vec<Shape> {
        for shape in &mut shapes {
            shape.rate *= self.0;
        }
        shapes
    }
}

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

    #[test]
    fn a_promise_is_tried_under_less_and_less_load() {
        let mut shares = Vec::new();
        let kept = under_load(|share| {
            shares.push(share.0);
            if shares.len() < 3 { Err(Overloaded("late".to_owned())) } else { Ok("kept") }
        });
        assert_eq!((kept, shares), ("kept", vec![1.0, 0.5, 0.25]));
    }

    #[test]
    #[should_panic(expected = "too busy to show anything: 1 of the load: late; 0.5 of the load: late; 0.25")]
    fn a_promise_that_could_never_be_looked_at_has_failed() {
        under_load(|_| Err::<(), _>(Overloaded("late".to_owned())));
    }
}
