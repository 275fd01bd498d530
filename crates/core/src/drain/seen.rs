//! What a drain is shown: what routers say, how much is in flight, what is kept open.

use crate::Time;
use crate::path::{Direction, PathSeen};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was seen of the instance: a full picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Whether it runs.
    pub alive: bool,
    /// What was seen of each path; one that is missing has taken no change ([`PathSeen::took`]).
    pub paths: BTreeMap<String, PathSeen>,
    /// What the routers of paths were told last, where they hold to it by themselves: one that takes its time is not told again,
    /// and one that was told to join is told to leave, whatever it shows just now.
    #[serde(default)]
    pub told: BTreeMap<String, Direction>,
    /// Requests in flight.
    pub in_flight: InFlight,
    /// Connections that are kept open without a request.
    #[serde(default)]
    pub kept: Kept,
    /// When the last new application request came, if one did.
    pub last_request: Option<Time>,
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
    pub fn path(&self, name: &str) -> Option<&PathSeen> {
        self.paths.get(name)
    }

    /// What was seen of a path for a change that leaves it. Of a router that is still to join nothing is: who withdrew there is
    /// not known, and its evidence is another change's.
    pub(super) fn leaving(&self, name: &str) -> Option<&PathSeen> {
        self.path(name).filter(|_| self.told.get(name) != Some(&Direction::Join))
    }
}

impl InFlight {
    /// How many, if anything can tell.
    pub(super) fn count(self) -> Option<u64> {
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
