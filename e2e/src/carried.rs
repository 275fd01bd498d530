//! A promise under load, on a machine that may have other things to do.
//!
//! Where the machine could not carry the load, nothing was shown: neither that the promise holds, nor that it does not.
//! It is tried again with less. A drop is a drop on any machine, and never tried away.

use std::net::SocketAddr;
use std::time::Duration;

use segue_probe::Shape;

pub use crate::overloaded::Overloaded;
use crate::pressure::{self, Pressure};

/// How often a promise is tried, each time under half the load of the time before.
const TRIES: u32 = 3;

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

#[cfg(test)]
mod tests {
    use super::*;

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
