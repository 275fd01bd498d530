//! Upgrade events: told to a running probe by whoever does the upgrade, drawn in its plot.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use crate::clock::Clock;

/// What happened to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// It takes requests from now on.
    Ready,
    /// It gets no new request from now on.
    Withdrawn,
    /// Its process ended.
    Stopped,
    /// Anything else that is worth a line.
    Note,
}

/// One event of an upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// When, since the run began.
    pub at: Duration,
    /// What.
    pub kind: MarkKind,
    /// To which instance; may be empty for a note.
    pub instance: String,
    /// More words, for people; may be empty.
    pub label: String,
}

/// Puts marks on a running probe; may be cloned and sent anywhere.
#[derive(Debug, Clone)]
pub struct Marker {
    clock: Clock,
    marks: Arc<Mutex<Vec<Mark>>>,
}

impl Marker {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, marks: Arc::default() }
    }

    /// Marks this moment.
    pub fn mark(&self, kind: MarkKind, instance: impl Into<String>, label: impl Into<String>) {
        let mark = Mark { at: self.clock.now(), kind, instance: instance.into(), label: label.into() };
        self.list().push(mark);
    }

    pub(crate) fn take(&self) -> Vec<Mark> {
        std::mem::take(&mut self.list())
    }

    fn list(&self) -> MutexGuard<'_, Vec<Mark>> {
        self.marks.lock()
    }
}
