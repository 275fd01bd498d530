//! An instance that is replaced: drained first, then stopped.
//!
//! ```text
//!  Drain ──left──▶ Stop ──▶ gone
//!    ▲               │ its signal is not sent yet, and a request has come
//!    └───────────────┘
//! ```

use crate::drain::{self, Drain, Left, Reason};
use crate::stop::{self, Ended, Signal, Stop};
use crate::{Next, Time, Version, Wait, Why};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An instance on its way out, to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    version: Version,
    drain: Drain,
    #[serde(default)]
    stop: Option<Stopping>,
}

/// How the drain ended, and the stop that follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stopping {
    left: Left,
    stop: Stop,
}

/// What a driver is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A step of the drain.
    Drain(drain::Action),
    /// A signal.
    Stop(Signal),
}

/// How an instance left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What ended it.
    pub ended: Ended,
    /// How many requests were still in flight when the deadline came, or when it ended by itself.
    pub cut: u64,
    /// From the drain's beginning to the instance's end.
    #[serde(with = "crate::time::millis")]
    pub took: Duration,
}

impl Leaving {
    /// An instance that begins to leave now.
    pub fn begin(version: Version, plan: drain::Plan, now: Time) -> Self {
        Self { version, drain: Drain::begin(plan, now), stop: None }
    }

    /// What it runs.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Its drain.
    pub fn drain(&self) -> &Drain {
        &self.drain
    }

    /// Whether it was left alone and is told to stop.
    pub fn stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// What to do next.
    pub fn step(
        &mut self,
        seen: &drain::Seen,
        signalled: Option<Signal>,
        now: Time,
    ) -> Next<Action, Outcome> {
        if !seen.alive {
            return Next::Done(self.outcome(now));
        }
        if let Some(Stopping { stop, .. }) = &mut self.stop {
            stop.observe(signalled, now);
        }
        let Stopping { left, mut stop } = match self.stop.take() {
            Some(settled) if settled.is_settled() => settled,
            before => match self.drain.step(seen, now) {
                Next::Wait(wait) => return Next::Wait(wait),
                Next::Do(steps) => return Next::Do(steps.into_iter().map(Action::Drain).collect()),
                // More than was thought before only if the deadline has come since.
                Next::Done(left) => before
                    .filter(|_| left.reason != Reason::Deadline)
                    .unwrap_or_else(|| Stopping { left, stop: Stop::begin(self.drain.stop_grace(), now) }),
            },
        };
        let last =
            if stop.is_told() { self.drain.withdrawals(seen) } else { self.drain.last_actions(seen, &left) };
        let next = stop.step(stop::Seen { alive: true, signalled }, now);
        self.stop = Some(Stopping { left, stop });
        let mut actions: Vec<_> = last.into_iter().map(Action::Drain).collect();
        match next {
            Next::Do(signals) => actions.extend(signals.into_iter().map(Action::Stop)),
            Next::Wait(wait) if actions.is_empty() => return Next::Wait(wait),
            Next::Wait(_) | Next::Done(_) => {}
        }
        Next::Do(actions)
    }

    /// What it waits for, also while there is something to do.
    pub fn wait(&self, seen: &drain::Seen, signalled: Option<Signal>, now: Time) -> Wait {
        let mut next = self.clone();
        let _ = next.step(seen, signalled, now);
        let seen_end = stop::Seen { alive: true, signalled };
        let stops = next.stop.as_ref().map(|stopping| stopping.stop.wait(seen_end, now));
        // Neither: it has ended, which the next step tells.
        let gone = Wait { why: Why::Exit, since: now, until: None };
        stops.or_else(|| next.drain.wait(seen, now)).unwrap_or(gone)
    }

    fn outcome(&self, now: Time) -> Outcome {
        let (ended, cut) = match &self.stop {
            Some(Stopping { left, stop }) => (stop.ended(), left.cut),
            None => (Ended::ByItself, self.drain.carried()),
        };
        Outcome { ended, cut, took: now - self.drain.began() }
    }
}

impl Stopping {
    /// Until its signal is seen to be sent, nothing but the deadline is for good: what was decided may never have been
    /// done, and a request may have come since.
    fn is_settled(&self) -> bool {
        self.stop.is_told() || self.left.reason == Reason::Deadline
    }
}
