//! The life of a pod as its agent sees it: serving, draining, released; and serving again if it was not the end.
//!
//! ```text
//!            a hook asks                   the drain is over
//!  Serving ───────────────▶ Draining ───────────────────────────▶ Released ──▶ (SIGTERM: the end)
//!     ▲        nothing listens: at once ──────────────────────────▶  │
//!     └──────── the application listens again: it was a restart ─────┘
//! ```
//!
//! A hook does not say why it runs: it runs before a pod's end and before a restart by a liveness probe. So nothing
//! here is final; only the agent's own SIGTERM is: then registries are told to drop the pod, beside whatever goes on
//! (`super::ending`).

use super::ending::{self, Ending};
use crate::drain::{self, Drain};
use crate::path::{Millis, Path, StageOver};
use crate::{Next, Time, Wait, Why};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// What was seen of the pod: a full picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Since when a hook waits for the pod to be drained, if one does.
    pub asked: Option<Time>,
    /// Whether the agent itself was told to end: that is the pod's end.
    #[serde(default)]
    pub ending: bool,
    /// The paths whose registries have dropped the pod, and those without a registry.
    #[serde(default)]
    pub gone: BTreeSet<String>,
    /// What a drain needs to know; `alive` is whether anything listens on the application's ports.
    pub drain: drain::Seen,
}

/// Since when a hook waits, by its own word, if that can be: its request may have been on its way for a while, but it can't
/// have begun later than now, and none waits for longer than a drain's deadline. What can't be is not believed: it would
/// end the drain too soon, or never.
pub fn asked_since(said: Option<Time>, deadline: Duration, now: Time) -> Time {
    said.filter(|said| *said <= now && now - *said <= deadline).unwrap_or(now)
}

/// What the agent is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A step of the drain.
    Drain(drain::Action),
    /// Let the hooks return.
    Release,
    /// Take part again: the guard and the health check say so to whoever asks.
    Open,
    /// Tell the path's router to pick the pod again.
    Join {
        /// The path.
        path: String,
    },
    /// Tell the path's registry that the pod is no more.
    Deregister {
        /// The path.
        path: String,
    },
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Every path was left, all was quiet, nothing was in flight.
    Drained,
    /// What was only estimated to be in flight had its time.
    LongestRequest,
    /// The deadline came first: what was in flight is cut.
    Deadline,
    /// The application ended by itself.
    ApplicationEnded,
    /// Nothing listened on the application's ports: there was nothing to drain.
    NothingListens,
}

impl From<drain::Reason> for Reason {
    fn from(reason: drain::Reason) -> Self {
        match reason {
            drain::Reason::Drained => Self::Drained,
            drain::Reason::LongestRequest => Self::LongestRequest,
            drain::Reason::Deadline => Self::Deadline,
            drain::Reason::ByItself => Self::ApplicationEnded,
        }
    }
}

/// The end of a drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why it ended.
    pub reason: Reason,
    /// How many requests were in flight then.
    pub cut: u64,
    /// From its beginning to its end.
    pub took: Millis,
    /// The stages of the paths that were over by then, and what ended each.
    #[serde(default)]
    pub stages: Vec<StageOver>,
}

/// What the pod does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It takes requests.
    Serving {
        /// Since when.
        since: Time,
    },
    /// It is on its way out.
    Draining {
        /// How far.
        drain: Drain,
    },
    /// The hooks have returned: the application is told to stop.
    Released {
        /// Since when.
        since: Time,
        /// How the drain ended.
        outcome: Outcome,
        /// Whether nothing listened on the application's ports at some moment since.
        down: bool,
    },
}

/// The life of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    plan: drain::Plan,
    state: State,
    #[serde(default)]
    ending: Option<Ending>,
}

impl Life {
    /// A pod that begins to serve now.
    pub fn begin(plan: drain::Plan, now: Time) -> Self {
        Self { plan, state: State::Serving { since: now }, ending: None }
    }

    /// Takes over a drain that another agent began in this pod, so that its waits and its deadline go on. What it answers
    /// is to be done before the pod is looked at: to an agent that has just begun every path is open, and what was over
    /// would count as lost.
    #[must_use]
    pub fn resume(&mut self, drain: Drain) -> Vec<Action> {
        let withdraw = |path: &Path| Action::Drain(drain::Action::Withdraw { path: path.name.clone() });
        let withdrawals = drain.paths().iter().map(withdraw).collect();
        match &mut self.state {
            State::Serving { .. } => self.state = State::Draining { drain },
            // A hook that knew of none may have come first.
            State::Draining { drain: begun } => begun.merge(drain),
            State::Released { .. } => return Vec::new(),
        }
        withdrawals
    }

    /// What the pod does.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether the pod's end is over: the agent was told to end, and every registry has dropped the pod or had its time.
    pub fn ended(&self, seen: &Seen, now: Time) -> bool {
        self.ending.is_some() && self.ending_waits(seen, now).is_none()
    }

    /// What the pod's end waits for, once the agent was told to end.
    fn ending_waits(&self, seen: &Seen, now: Time) -> Option<Wait> {
        self.ending.as_ref()?.wait(&self.plan.paths, &seen.gone, now)
    }

    /// What to do next. It never ends by itself: when the agent does is not the rule's to decide ([`Life::ended`]).
    pub fn step(&mut self, seen: &Seen, now: Time) -> Next<Action, std::convert::Infallible> {
        let mut last = Vec::new();
        if seen.ending && self.ending.is_none() {
            self.ending = Some(Ending::begin(now));
            let left = ending::left(&self.plan.paths, &seen.gone).into_iter();
            last = left.map(|path| Action::Deregister { path }).collect();
        }
        match (self.goes_on(seen, now), self.ending_waits(seen, now)) {
            (Next::Do(actions), _) => Next::Do(actions.into_iter().chain(last).collect()),
            (Next::Wait(_), _) if !last.is_empty() => Next::Do(last),
            (Next::Wait(wait), Some(ending)) => Next::Wait(wait.sooner(ending)),
            (next, _) => next,
        }
    }

    fn goes_on(&mut self, seen: &Seen, now: Time) -> Next<Action, std::convert::Infallible> {
        match (&mut self.state, seen.asked) {
            (State::Serving { .. }, Some(asked)) => {
                self.state = if seen.drain.alive {
                    State::Draining { drain: Drain::begin(self.plan.clone(), asked.min(now)) }
                } else {
                    let took = Millis(now - asked);
                    let outcome =
                        Outcome { reason: Reason::NothingListens, cut: 0, took, stages: Vec::new() };
                    State::Released { since: now, outcome, down: true }
                };
                self.goes_on(seen, now)
            }
            (State::Serving { since }, None) => {
                Next::Wait(Wait { why: Why::Steady, since: *since, until: None })
            }
            (State::Draining { drain }, asked) => {
                // Another hook may have begun to wait sooner and be heard of later.
                drain.began_by(asked.unwrap_or(now));
                match drain.step(&seen.drain, now) {
                    Next::Wait(wait) => Next::Wait(wait),
                    Next::Do(actions) => Next::Do(actions.into_iter().map(Action::Drain).collect()),
                    Next::Done(left) => {
                        let last = drain.last_actions(&seen.drain, &left);
                        let actions = last.into_iter().map(Action::Drain).chain([Action::Release]).collect();
                        self.state = State::Released {
                            since: now,
                            down: !seen.drain.alive,
                            outcome: Outcome {
                                reason: left.reason.into(),
                                cut: left.cut,
                                took: Millis(now - drain.began()),
                                stages: left.stages,
                            },
                        };
                        Next::Do(actions)
                    }
                }
            }
            (State::Released { since, down, .. }, asked) => {
                let (since, until) = (*since, *since + self.plan.stop_grace);
                *down |= !seen.drain.alive;
                if asked.is_some() {
                    return Next::Do(vec![Action::Release]);
                }
                // An application that still listens after its time to stop was not told to stop: another container was.
                // Where the agent is told to end as well, it does not come back.
                let ending = self.ending.is_some();
                if seen.drain.alive && !ending && (*down || now >= until) {
                    self.state = State::Serving { since: now };
                    let join = |path: &Path| Action::Join { path: path.name.clone() };
                    return Next::Do(
                        [Action::Open].into_iter().chain(self.plan.paths.iter().map(join)).collect(),
                    );
                }
                let until = (!*down && !ending).then_some(until);
                Next::Wait(Wait { why: Why::Exit, since, until })
            }
        }
    }
}
