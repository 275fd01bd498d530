//! The upgrade's events, on their way to the probe that draws them; before there is one, they are of no interest.

use std::sync::{Arc, Mutex, PoisonError};

use segue_probe::{MarkKind, Marker};

/// Where the parts of a recipe tell what happens to instances.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks(Arc<Mutex<Option<Marker>>>);

impl Marks {
    /// From now on marks go to this run.
    pub(super) fn follow(&self, marker: Marker) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(marker);
    }

    pub(super) fn mark(&self, kind: MarkKind, instance: &str) {
        self.labelled(kind, instance, "");
    }

    pub(super) fn labelled(&self, kind: MarkKind, instance: &str, label: &str) {
        if let Some(marker) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            marker.mark(kind, instance, label);
        }
    }
}
