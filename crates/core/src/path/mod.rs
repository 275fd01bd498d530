//! A path: one way by which requests reach an instance, as a chain of stages with bounds.
//!
//! A path is left (or joined) when every stage is over, by evidence or by its bound, whichever is first (law 2).

mod change;

pub use change::{EndedBy, Propagation, StageOver};

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// One way by which requests reach an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// Its name, unique within the workload, such as `proxy`.
    pub name: String,
    /// Its delays, in the order in which a change travels.
    pub stages: Vec<Stage>,
}

/// One delay of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name, such as `kube-proxy`, unique within its path.
    pub name: String,
    /// How long it may take to learn that an instance was added.
    pub join: Bounds,
    /// How long it may take to learn that an instance was withdrawn.
    pub leave: Bounds,
    /// Where the bounds come from: a default's source, a measurement, the user.
    pub source: String,
    /// The setting that would shorten it.
    pub setting: String,
    /// What shows that it is over sooner than its bound, such as `every node's cache shows the change`. Where it is
    /// `None` only the bound ends it: evidence that nobody described is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// How long a stage takes at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenBounds", into = "WrittenBounds")]
pub struct Bounds {
    /// The most; `None` where nothing bounds it.
    pub max: Option<Millis>,
}

/// As it is written down: agents of before do not read a plan whose bounds lack a `min`.
#[derive(Serialize, Deserialize)]
struct WrittenBounds {
    #[serde(default)]
    min: u64,
    max: Option<Millis>,
}

impl From<WrittenBounds> for Bounds {
    fn from(WrittenBounds { min: _, max }: WrittenBounds) -> Self {
        Self { max }
    }
}

impl From<Bounds> for WrittenBounds {
    fn from(Bounds { max }: Bounds) -> Self {
        Self { min: 0, max }
    }
}

/// A duration that serialises as whole milliseconds, also inside an `Option`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(#[serde(with = "crate::time::millis")] pub Duration);

impl Bounds {
    /// Between nothing and `max`.
    pub const fn at_most(max: Duration) -> Self {
        Self { max: Some(Millis(max)) }
    }

    /// Between nothing and for ever: only evidence ends it.
    pub const UNBOUNDED: Self = Self { max: None };
}

/// Which way a change travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// The instance was added.
    Join,
    /// The instance was withdrawn.
    Leave,
}

impl Path {
    /// The path through a router that changes atomically and is alone in front of the instance, as Segue's own proxy
    /// is: nothing to propagate.
    pub fn atomic(name: &str) -> Self {
        Self { name: name.to_owned(), stages: Vec::new() }
    }

    /// How long a change takes to reach the last client, at most; `None` where a stage has no bound.
    pub fn bound(&self, direction: Direction) -> Option<Duration> {
        self.stages.iter().map(|stage| stage.bounds(direction).max.map(|max| max.0)).sum()
    }
}

impl Stage {
    /// Its bounds for a change that travels that way.
    pub fn bounds(&self, direction: Direction) -> Bounds {
        match direction {
            Direction::Join => self.join,
            Direction::Leave => self.leave,
        }
    }
}

/// What was seen of one path of one instance. Where nothing was seen of a path it is `None`, which means the same
/// everywhere: no change is known to be taken ([`PathSeen::took`]).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PathSeen {
    /// Whether the path's router picks the instance.
    pub admitted: bool,
    /// The names of the stages that evidence shows to be over for the change under way. A change travels in order, so
    /// one of them tells of those before it, too.
    #[serde(default)]
    pub evidence: BTreeSet<String>,
}

impl PathSeen {
    /// A router that picks the instance, or does not; nothing shows how far the change has travelled.
    pub const fn without_evidence(admitted: bool) -> Self {
        Self { admitted, evidence: BTreeSet::new() }
    }

    /// Whether the path's router is seen to have taken the change. One of which nothing was seen has not: it counts as
    /// not admitted for whoever joins (law 1) and as not withdrawn for whoever leaves (law 2).
    pub fn took(seen: Option<&Self>, way: Direction) -> bool {
        seen.is_some_and(|seen| seen.admitted == (way == Direction::Join))
    }
}
