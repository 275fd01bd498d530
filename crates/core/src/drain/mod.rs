//! One instance's way out: withdraw → propagation → quiet → in flight 0 → kept connections closed → left.
//!
//! ```text
//!  Drain ──all paths left, quiet, nothing in flight, none kept──▶ Left
//!     └──────────────── deadline: what is in flight is cut, counted ──▶ Left
//! ```
//!
//! Only evidence or a bound ends a wait (law 2). The deadline wins over everything, and what it cut is counted (law 6).
//! What happens to the instance then is not a drain's to decide: a process is stopped ([`crate::stop`]), a pod's hooks
//! return ([`crate::pod::life`]).

mod seen;

pub use seen::{InFlight, Kept, Seen};

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
}

/// How a drain ended: the instance is left alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Why it ended.
    pub reason: Reason,
    /// How many requests were in flight then.
    pub cut: u64,
    /// The stages of the paths that were over by then, and what ended each.
    pub stages: Vec<StageOver>,
}

/// What ended a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Every path was left, all was quiet, nothing was in flight.
    Drained,
    /// What was only estimated to be in flight had its time.
    LongestRequest,
    /// The deadline came first: what is in flight is to be cut.
    Deadline,
    /// The instance ended by itself.
    ByItself,
}

/// One instance's way out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    plan: Plan,
    began: Time,
    left: BTreeMap<String, Propagation>,
    /// In flight when last seen alive: what an end that nobody asked for cuts.
    carried: u64,
    /// How many requests the deadline found in flight, once it ended the drain: that is for good.
    #[serde(default)]
    forced: Option<u64>,
}

impl Drain {
    /// A drain that begins now.
    pub fn begin(plan: Plan, now: Time) -> Self {
        Self { plan, began: now, left: BTreeMap::new(), carried: 0, forced: None }
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

    /// What was in flight when it was last looked at.
    pub fn carried(&self) -> u64 {
        self.carried
    }

    /// How long the instance has to end once it was left alone.
    pub fn stop_grace(&self) -> Duration {
        self.plan.stop_grace
    }

    /// What to do next. Until whoever asked has acted on its end, it may be asked again: a request may have come since,
    /// and then it waits again. Only the deadline's end is for good.
    pub fn step(&mut self, seen: &Seen, now: Time) -> Next<Action, Left> {
        if !seen.alive {
            return Next::Done(self.end(Reason::ByItself, self.carried));
        }
        match self.advance(seen, now) {
            Err(left) => Next::Done(left),
            Ok((actions, wait)) if actions.is_empty() => Next::Wait(wait),
            Ok((actions, _)) => Next::Do(actions),
        }
    }

    /// What it waits for, also while there is something to do; `None` once the instance is left alone.
    pub fn wait(&self, seen: &Seen, now: Time) -> Option<Wait> {
        self.clone().advance(seen, now).ok().map(|(_, wait)| wait)
    }

    /// A router that picks the instance even now is told again, also after the end, unless it is at it.
    pub fn withdrawals(&self, seen: &Seen) -> Vec<Action> {
        let picked = |path: &&Path| match seen.told.get(&path.name) {
            Some(told) => *told == Direction::Join,
            None => !PathSeen::took(seen.path(&path.name), Direction::Leave),
        };
        let withdraw = |path: &Path| Action::Withdraw { path: path.name.clone() };
        self.plan.paths.iter().filter(picked).map(withdraw).collect()
    }

    /// What is left to do at its end, before anything else: a router that picks the instance even now is told again, and what
    /// the deadline found in flight is ended. Of one that has ended nothing is left.
    pub fn last_actions(&self, seen: &Seen, left: &Left) -> Vec<Action> {
        let mut actions = if seen.alive { self.withdrawals(seen) } else { Vec::new() };
        actions.extend((left.reason == Reason::Deadline).then_some(Action::Cut));
        actions
    }

    fn advance(&mut self, seen: &Seen, now: Time) -> Result<(Vec<Action>, Wait), Left> {
        if let Some(cut) = self.forced {
            return Err(self.end(Reason::Deadline, cut));
        }
        self.carried = seen.in_flight.count().unwrap_or(0);
        match self.still_waits(seen, now) {
            Some(_) if now >= self.deadline() => {
                self.forced = Some(self.carried);
                Err(self.end(Reason::Deadline, self.carried))
            }
            Some(wait) => {
                let mut actions = self.withdrawals(seen);
                actions.extend(self.close_idle(seen));
                Ok((actions, wait))
            }
            None if self.carried == 0 => Err(self.end(Reason::Drained, 0)),
            // Only an estimate is not waited for any longer.
            None => Err(self.end(Reason::LongestRequest, self.carried)),
        }
    }

    fn end(&self, reason: Reason, cut: u64) -> Left {
        Left { reason, cut, stages: self.stages() }
    }

    /// What is waited for before the instance is left alone, if anything: every path left, then quiet, then nothing
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
            change.observe(path, Direction::Leave, seen.leaving(&path.name), now)
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
}
