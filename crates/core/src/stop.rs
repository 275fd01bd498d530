//! The end of an instance that was left alone: the stop signal, and SIGKILL after its grace.

use crate::{Next, Time, Wait, Why};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A signal, the stronger the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// The stop signal that the workload asks for.
    Stop,
    /// SIGKILL.
    Kill,
}

/// What was seen of the instance's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Whether it runs.
    pub alive: bool,
    /// The strongest signal that this driver knows to have been sent.
    pub signalled: Option<Signal>,
}

/// What ended an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// Its stop signal.
    Stopped,
    /// SIGKILL after the grace.
    Killed,
    /// It ended by itself before it was told to.
    ByItself,
}

/// One instance's stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    #[serde(with = "crate::time::millis")]
    grace: Duration,
    began: Time,
    /// When its stop signal was first seen to be sent.
    told: Option<Time>,
    killed: bool,
}

impl Stop {
    /// A stop that is decided now.
    pub fn begin(grace: Duration, now: Time) -> Self {
        Self { grace, began: now, told: None, killed: false }
    }

    /// Whether its stop signal was seen to be sent: from then on it is not taken back.
    pub fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// Takes note of a signal that was sent.
    pub fn observe(&mut self, signalled: Option<Signal>, now: Time) {
        if signalled.is_some() {
            self.told.get_or_insert(now);
        }
    }

    /// What to do next.
    pub fn step(&mut self, seen: Seen, now: Time) -> Next<Signal, Ended> {
        if !seen.alive {
            return Next::Done(self.ended());
        }
        self.observe(seen.signalled, now);
        match self.advance(seen, now) {
            (Some(signal), _) => Next::Do(vec![signal]),
            (None, wait) => Next::Wait(wait),
        }
    }

    /// What ended it, once it is gone.
    pub fn ended(&self) -> Ended {
        if self.killed { Ended::Killed } else { Ended::Stopped }
    }

    /// What it waits for, also while there is something to do.
    pub fn wait(&self, seen: Seen, now: Time) -> Wait {
        let mut stop = *self;
        stop.observe(seen.signalled, now);
        stop.advance(seen, now).1
    }

    fn advance(&mut self, seen: Seen, now: Time) -> (Option<Signal>, Wait) {
        // The grace counts from a signal that is known to be sent: a driver that was away for longer sends it first.
        let Some(told) = self.told else {
            let wait = Wait { why: Why::Exit, since: self.began, until: Some(now + self.grace) };
            return (Some(Signal::Stop), wait);
        };
        let kill_at = told + self.grace;
        if now < kill_at {
            return (None, Wait { why: Why::Exit, since: told, until: Some(kill_at) });
        }
        self.killed = true;
        let kill = (seen.signalled < Some(Signal::Kill)).then_some(Signal::Kill);
        (kill, Wait { why: Why::Killed, since: kill_at, until: None })
    }
}
