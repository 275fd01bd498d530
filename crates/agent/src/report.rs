//! What the agent says of the pod: one value behind `/status`, the metrics, the log and what a hook hears.

use crate::clock;
use segue_core::drain::{Drain, InFlight};
use segue_core::path::StageOver;
use segue_core::pod::life::Outcome;
use segue_core::{Time, Wait, Why};
use segue_guard::Counters;
use serde::{Deserialize, Serialize};

/// The pod's state, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    Serving,
    Draining,
    Released,
}

/// The pod's state and what it waits for (law 3).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) agent: String,
    pub(crate) state: State,
    pub(crate) why: Option<String>,
    pub(crate) since: Option<jiff::Timestamp>,
    pub(crate) until: Option<jiff::Timestamp>,
    pub(crate) setting: Option<String>,
    /// Requests in flight; `null` where nothing can tell.
    pub(crate) in_flight: Option<u64>,
    /// How `in_flight` is known: counted, estimated or unknown.
    pub(crate) known: String,
    pub(crate) connections: u64,
    pub(crate) kept: u64,
    /// Connections past the guard, or without it: watched by their sockets only.
    pub(crate) not_covered: u64,
    /// Hooks that wait for the drain.
    pub(crate) hooks: usize,
    /// The stages of the paths that are over in this drain, and what ended each. An agent of an older version says none.
    #[serde(default)]
    pub(crate) stages: Vec<StageOver>,
    /// How the last drain ended.
    pub(crate) outcome: Option<Outcome>,
    /// Requests that an agent that died was carrying.
    pub(crate) agent_lost: u64,
    pub(crate) guard: Option<Counters>,
}

/// One line of what a waiting hook hears.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Whether the hook may return.
    pub(crate) released: bool,
    pub(crate) report: Report,
    /// How far the drain is: with it a hook can go on in the agent's place.
    pub(crate) drain: Option<Drain>,
}

/// What a hook says when it asks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The drain that the hook heard of last, where its agent died.
    pub(crate) drain: Option<Drain>,
    /// What that agent was carrying.
    #[serde(default)]
    pub(crate) lost: u64,
    /// When the hook began; a hook of an older version does not say.
    #[serde(default)]
    pub(crate) began: Option<Time>,
}

/// A wait as people and scripts read it.
pub(crate) struct Told {
    pub(crate) why: String,
    pub(crate) since: jiff::Timestamp,
    pub(crate) until: Option<jiff::Timestamp>,
    pub(crate) setting: Option<String>,
}

impl Told {
    pub(crate) fn of(wait: &Wait) -> Self {
        Self {
            why: wait.why.to_string(),
            since: clock::wall(wait.since),
            until: wait.until.map(clock::wall),
            setting: setting(&wait.why),
        }
    }
}

/// The setting that would shorten a wait, by its name in a pod.
fn setting(why: &Why) -> Option<String> {
    let name = match why {
        Why::Propagation { setting, .. } => setting,
        Why::Quiet { .. } => "the quiet window, 2s",
        Why::InFlight { .. } => "segue inject --longest-request",
        Why::Kept { .. } => "the idle linger, 5s",
        Why::Exit => "segue inject --stop-time",
        _ => return None,
    };
    Some(name.to_owned())
}

/// `in_flight` and how it is known.
pub(crate) fn in_flight(seen: InFlight) -> (Option<u64>, String) {
    match seen {
        InFlight::Unknown => (None, "unknown".to_owned()),
        InFlight::Counted(count) => (Some(count), "counted".to_owned()),
        InFlight::Estimated(count) => (Some(count), "estimated".to_owned()),
    }
}
