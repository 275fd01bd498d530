//! What is told of a router.

use segue_routing::{Goal, Says};
use serde::Serialize;

/// One router for `/status`, the metrics and the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct RouterReport {
    pub(crate) path: String,
    pub(crate) router: &'static str,
    /// What it was told last.
    pub(crate) told: Goal,
    #[serde(flatten)]
    pub(crate) says: Says,
    /// How many of its calls were answered, and how many failed.
    pub(crate) answered: u64,
    pub(crate) failed: u64,
}

impl RouterReport {
    /// Whether nothing changed that is worth a line in the log.
    pub(crate) fn same(&self, other: &Self) -> bool {
        (&self.path, self.told, &self.says) == (&other.path, other.told, &other.says)
    }
}
