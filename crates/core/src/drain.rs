//! One instance's way out: withdraw → propagation → quiet → in flight 0 → kept connections closed → stop.
//!
//! ```text
//!  Leaving ──all paths left, quiet, nothing in flight, none kept──▶ Stopping ──▶ gone
//!     └──────────────────── deadline: cut, counted ─────────────────▲  └─ grace over: SIGKILL
//! ```
//!
//! Only evidence or a bound ends a wait (law 2). The deadline wins over everything, and what it cut is counted (law 6).

use crate::path::{Direction, Millis, Path, PathSeen, Propagation, StageOver};
use crate::{Next, Time, Wait, Why};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a drain is held to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Every path by which requests reach the instance.
    pub paths: Vec<Path>,
    /// How long no new application request may have come before the instance counts as left alone. `None` where every
    /// path's withdrawal is atomic, so that it is evidence by itself.
    pub quiet: Option<Millis>,
    /// How long one request takes at most. Where what is in flight is only estimated, or where new requests still come, it
    /// is waited for no longer than that after the last path was left and quiet had its time. What is counted and gets no
    /// company is finished up to the deadline. `None`: always up to the deadline.
    #[serde(default)]
    pub longest_request: Option<Millis>,
    /// How long connections that are kept open without a request may stay so after the last path was left; then they
    /// are closed. `None` where whatever carries them closes them by itself.
    #[serde(default)]
    pub linger: Option<Millis>,
    /// When the drain ends whatever is in flight, counted from its beginning.
    #[serde(with = "crate::time::millis")]
    pub deadline: Duration,
    /// From the stop signal to SIGKILL.
    #[serde(with = "crate::time::millis")]
    pub stop_grace: Duration,
}

/// What was seen of the instance: a full picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Whether it runs.
    pub alive: bool,
    /// What was seen of each path; one that is missing has taken no change ([`PathSeen::took`]).
    pub paths: BTreeMap<String, PathSeen>,
    /// Requests in flight.
    pub in_flight: InFlight,
    /// Connections that are kept open without a request.
    #[serde(default)]
    pub kept: Kept,
    /// When the last new application request came, if one did.
    pub last_request: Option<Time>,
    /// The strongest signal that this driver knows to have been sent.
    pub signalled: Option<Signal>,
}

/// How many requests are in flight, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InFlight {
    /// Nothing can tell.
    #[default]
    Unknown,
    /// Counted by what carries them.
    Counted(u64),
    /// Estimated from outside.
    Estimated(u64),
}

impl Seen {
    /// What was seen of a path.
    pub fn path(&self, name: &str) -> Option<PathSeen> {
        self.paths.get(name).copied()
    }
}

impl InFlight {
    fn count(self) -> Option<u64> {
        match self {
            Self::Unknown => None,
            Self::Counted(count) | Self::Estimated(count) => Some(count),
        }
    }
}

/// Connections that are kept open without a request, where something can close them politely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// How many.
    pub connections: u64,
    /// Whether they are being closed.
    pub closing: bool,
}

/// A signal, the stronger the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// The stop signal that the workload asks for.
    Stop,
    /// SIGKILL.
    Kill,
}

/// What a driver is asked to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Tell the path's router to stop picking the instance.
    Withdraw {
        /// The path.
        path: String,
    },
    /// Close the connections that are kept open without a request, one after the other.
    CloseIdle,
    /// End what is still in flight.
    Cut,
    /// Signal the instance.
    Signal {
        /// With what.
        signal: Signal,
    },
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What ended it.
    pub ended: Ended,
    /// How many requests were still in flight when the deadline came, or when it ended by itself.
    pub cut: u64,
    /// From its beginning to the instance's end.
    #[serde(with = "crate::time::millis")]
    pub took: Duration,
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

/// One instance's way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    plan: Plan,
    began: Time,
    left: BTreeMap<String, Propagation>,
    /// In flight when last seen alive: what an end without a signal cuts.
    carried: u64,
    stopping: Option<Stopping>,
    killed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stopping {
    at: Time,
    /// When its stop signal was first seen to be sent.
    told: Option<Time>,
    cut: u64,
    /// Whether the deadline ended the drain, so that what is in flight must be ended too.
    forced: bool,
}

impl Drain {
    /// A drain that begins now.
    pub fn begin(plan: Plan, now: Time) -> Self {
        Self { plan, began: now, left: BTreeMap::new(), carried: 0, stopping: None, killed: false }
    }

    /// When it began.
    pub fn began(&self) -> Time {
        self.began
    }

    /// When its deadline comes.
    pub fn deadline(&self) -> Time {
        self.began + self.plan.deadline
    }

    /// The paths that it leaves.
    pub fn paths(&self) -> &[Path] {
        &self.plan.paths
    }

    /// The stages of its paths that are over, and by what.
    pub fn stages(&self) -> Vec<StageOver> {
        let stages = |path: &Path| self.left.get(&path.name).map(|change| change.stages(path));
        self.plan.paths.iter().filter_map(stages).flatten().collect()
    }

    /// Its time counts from there on, if that is earlier.
    pub fn began_by(&mut self, time: Time) {
        self.began = self.began.min(time);
    }

    /// Takes over what another driver knew of the same drain.
    pub fn merge(&mut self, other: Drain) {
        self.began_by(other.began);
        for (path, theirs) in other.left {
            let ours = self.left.remove(&path).unwrap_or_default();
            self.left.insert(path, ours.further(theirs));
        }
    }

    /// Whether the instance was told to stop.
    pub fn stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// How many requests were in flight when it was decided that the instance must stop.
    pub fn cut(&self) -> u64 {
        self.stopping.map_or(0, |stopping| stopping.cut)
    }

    /// What to do next.
    pub fn step(&mut self, seen: &Seen, now: Time) -> Next<Action, Outcome> {
        if !seen.alive {
            return Next::Done(self.outcome(now));
        }
        let (actions, wait) = self.advance(seen, now);
        if actions.is_empty() { Next::Wait(wait) } else { Next::Do(actions) }
    }

    /// What it waits for, also while there is something to do.
    pub fn wait(&self, seen: &Seen, now: Time) -> Wait {
        self.clone().advance(seen, now).1
    }

    fn advance(&mut self, seen: &Seen, now: Time) -> (Vec<Action>, Wait) {
        if seen.signalled.is_some()
            && let Some(stopping) = &mut self.stopping
        {
            stopping.told.get_or_insert(now);
        }
        // Until the signal is seen to be sent, nothing but the deadline is for good: what was decided may never have
        // been done, and a request may have come since.
        if self.stopping.is_none_or(|stopping| !stopping.forced && stopping.told.is_none()) {
            self.carried = seen.in_flight.count().unwrap_or(0);
            let stopping = |cut, forced| Stopping { at: now, told: None, cut, forced };
            match self.still_waits(seen, now) {
                Some(_) if now >= self.deadline() => self.stopping = Some(stopping(self.carried, true)),
                Some(wait) => {
                    self.stopping = None;
                    let mut actions = self.withdrawals(seen);
                    actions.extend(self.close_idle(seen));
                    return (actions, wait);
                }
                // More than 0 is left only where an estimate is not waited for any longer.
                None => _ = self.stopping.get_or_insert(stopping(self.carried, false)),
            }
        }
        self.stop(seen, now)
    }

    /// What is waited for before the instance may be stopped, if anything: every path left, then quiet, then nothing
    /// in flight, then no kept connection.
    fn still_waits(&mut self, seen: &Seen, now: Time) -> Option<Wait> {
        let leaving = self.propagation(seen, now);
        let waits = leaving.or_else(|| self.quiet(seen, now)).or_else(|| self.in_flight(seen, now));
        waits.or_else(|| self.kept(seen, now)).map(|wait| {
            let deadline = self.deadline();
            Wait { until: Some(wait.until.map_or(deadline, |until| until.min(deadline))), ..wait }
        })
    }

    fn propagation(&mut self, seen: &Seen, now: Time) -> Option<Wait> {
        let waits = self.plan.paths.iter().filter_map(|path| {
            let change = self.left.entry(path.name.clone()).or_default();
            change.observe(path, Direction::Leave, seen.path(&path.name), now)
        });
        waits.reduce(Wait::later)
    }

    /// When the last path was left; the drain's beginning if it has none.
    fn left_at(&self) -> Time {
        let over = |path: &Path| self.left.get(&path.name).and_then(|change| change.over(path));
        self.plan.paths.iter().filter_map(over).max().unwrap_or(self.began)
    }

    fn quiet(&self, seen: &Seen, now: Time) -> Option<Wait> {
        let window = self.plan.quiet?.0;
        let until = self.quiet_at(seen);
        (until > now).then_some(Wait {
            why: Why::Quiet { window },
            since: self.left_at(),
            until: Some(until),
        })
    }

    /// When all is quiet if no request comes any more. It is waited for at most as long again as the longest path's
    /// bound; without a bound, to the deadline.
    fn quiet_at(&self, seen: &Seen) -> Time {
        let left = self.left_at();
        let Some(Millis(window)) = self.plan.quiet else { return left };
        let bounds: Option<Vec<_>> =
            self.plan.paths.iter().map(|path| path.bound(Direction::Leave)).collect();
        let most = bounds.map(|bounds| left + bounds.into_iter().max().unwrap_or_default().max(window));
        let until = seen.last_request.map_or(self.began, |last| last + window);
        most.map_or(until, |most| until.min(most))
    }

    /// Whether no request has come for the window: a wait for quiet may have ended without it.
    fn is_quiet(&self, seen: &Seen, now: Time) -> bool {
        let (Some(Millis(window)), Some(last)) = (self.plan.quiet, seen.last_request) else { return true };
        last + window <= now
    }

    fn in_flight(&self, seen: &Seen, now: Time) -> Option<Wait> {
        let (count, estimated) = match seen.in_flight {
            InFlight::Counted(0) | InFlight::Estimated(0) => return None,
            InFlight::Unknown => (None, true),
            InFlight::Counted(count) => (Some(count), false),
            InFlight::Estimated(count) => (Some(count), true),
        };
        let longest = self.plan.longest_request.filter(|_| estimated || !self.is_quiet(seen, now));
        let until = longest.map(|longest| self.left_at().max(self.quiet_at(seen)) + longest.0);
        let wait = Wait { why: Why::InFlight { count, estimated }, since: self.left_at(), until };
        until.is_none_or(|until| until > now).then_some(wait)
    }

    fn kept(&self, seen: &Seen, now: Time) -> Option<Wait> {
        let left = self.left_at();
        let until = left + self.plan.linger?.0;
        let why = Why::Kept { connections: seen.kept.connections };
        (seen.kept.connections > 0 && until > now).then_some(Wait { why, since: left, until: Some(until) })
    }

    /// Kept connections are closed once no path leads to the instance any more: a client that comes back must find
    /// another one.
    fn close_idle(&self, seen: &Seen) -> Option<Action> {
        let left = self
            .plan
            .paths
            .iter()
            .all(|path| self.left.get(&path.name).is_some_and(|change| change.over(path).is_some()));
        (left && self.plan.linger.is_some() && !seen.kept.closing).then_some(Action::CloseIdle)
    }

    fn withdrawals(&self, seen: &Seen) -> Vec<Action> {
        let picked = |path: &&Path| !PathSeen::took(seen.path(&path.name), Direction::Leave);
        let withdraw = |path: &Path| Action::Withdraw { path: path.name.clone() };
        self.plan.paths.iter().filter(picked).map(withdraw).collect()
    }

    /// The signals. A router that picks the instance even now is told again, before anything else.
    fn stop(&mut self, seen: &Seen, now: Time) -> (Vec<Action>, Wait) {
        let mut actions = self.withdrawals(seen);
        let (at, told) = self.stopping.map_or((now, None), |stopping| (stopping.at, stopping.told));
        let signal = |signal| Action::Signal { signal };
        // The grace counts from a signal that is known to be sent: a driver that was away for longer sends it first.
        let Some(told) = told else {
            let forced = self.stopping.is_some_and(|stopping| stopping.forced);
            actions.extend(forced.then_some(Action::Cut));
            actions.push(signal(Signal::Stop));
            return (actions, Wait { why: Why::Exit, since: at, until: Some(now + self.plan.stop_grace) });
        };
        let kill_at = told + self.plan.stop_grace;
        if now < kill_at {
            return (actions, Wait { why: Why::Exit, since: told, until: Some(kill_at) });
        }
        self.killed = true;
        if seen.signalled < Some(Signal::Kill) {
            actions.push(signal(Signal::Kill));
        }
        (actions, Wait { why: Why::Killed, since: kill_at, until: None })
    }

    fn outcome(&self, now: Time) -> Outcome {
        let (ended, cut) = match self.stopping {
            None => (Ended::ByItself, self.carried),
            Some(stopping) if self.killed => (Ended::Killed, stopping.cut),
            Some(stopping) => (Ended::Stopped, stopping.cut),
        };
        Outcome { ended, cut, took: now - self.began }
    }
}
