//! A try to inject everything but what is left.

use std::collections::BTreeSet;

use segue_yaml::Stream;

use super::draft::Decisions;
use crate::objects::{Address, Object};

/// A try to inject all but what is left.
pub(super) struct Attempt {
    /// As they were once the earlier injection was taken back.
    pub(super) objects: Vec<Object>,
    pub(super) decisions: Decisions,
    pub(super) after: Vec<Stream>,
    pub(super) changed: usize,
    /// The workloads that have the agent now.
    pub(super) injected: BTreeSet<Address>,
}
