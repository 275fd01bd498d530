//! What every router can do.

use crate::{Answer, Call, CallId, Failure};
use segue_core::Time;
use segue_core::path::{Direction, PathSeen};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Debug;

/// What is wanted of a router. It holds until another is: a router that loses a change is told again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// To pick the instance.
    #[default]
    Join,
    /// Not to pick it any more. It may come back.
    Leave,
    /// To forget it. It does not come back.
    Deregister,
}

impl Goal {
    /// Which way a change for it travels.
    pub fn way(self) -> Direction {
        match self {
            Self::Join => Direction::Join,
            Self::Leave | Self::Deregister => Direction::Leave,
        }
    }
}

/// What a router was last seen to do with the instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shows {
    /// Nobody has seen it yet.
    #[default]
    Unknown,
    /// It picks the instance.
    Admitted,
    /// It knows the instance and does not pick it.
    Withdrawn,
    /// It does not know the instance.
    Gone,
}

/// What a router says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Says {
    /// What it was last seen to do.
    pub shows: Shows,
    /// The names of the path's stages that are seen to be over, for the goal that it was last stepped with.
    pub evidence: BTreeSet<String>,
    /// What is wrong with it, in words; `None` while nothing is.
    pub trouble: Option<String>,
}

/// What a router asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Step {
    /// What is to be carried now, all at once. Each is answered by one [`Router::hear`], in any order.
    pub calls: Vec<Call>,
    /// When to step again if nothing is heard before; `None`: only when something changes.
    pub again: Option<Time>,
}

/// One path's router, as one instance sees it.
pub trait Router: Debug {
    /// What it is called where people read of it, such as `eureka`.
    fn kind(&self) -> &'static str;

    /// Goes on towards the goal. It may be stepped at any time and as often as anybody likes.
    fn step(&mut self, goal: Goal, now: Time) -> Step;

    /// Takes an answer to one of its calls, or why there is none.
    fn hear(&mut self, call: CallId, answer: Result<Answer, Failure>, now: Time);

    /// What it says now.
    fn says(&self) -> Says;
}

impl Says {
    /// As a path's machine sees it; `None` where nothing is known.
    pub fn seen(&self) -> Option<PathSeen> {
        let admitted = match self.shows {
            Shows::Unknown => return None,
            Shows::Admitted => true,
            Shows::Withdrawn | Shows::Gone => false,
        };
        Some(PathSeen { admitted, evidence: self.evidence.clone() })
    }
}
