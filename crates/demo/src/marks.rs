//! The upgrade's events, on their way to the probe that draws them; before there is one, they are of no interest.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use segue_probe::{MarkKind, Marker};

/// Where the parts of a recipe tell what happens to instances.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    marker: Option<Marker>,
    stopped: Vec<String>,
}

impl Marks {
    /// From now on marks go to this run.
    pub(crate) fn follow(&self, marker: Marker) {
        self.lock().marker = Some(marker);
    }

    /// Something happened to an instance. That a balancer notices the end of one after its end is not drawn.
    pub(crate) fn mark(&self, kind: MarkKind, instance: &str, version: &str) {
        let mut inner = self.lock();
        if inner.stopped.iter().any(|stopped| stopped == instance) {
            return;
        }
        if kind == MarkKind::Stopped {
            inner.stopped.push(instance.to_owned());
        }
        if let Some(marker) = &inner.marker {
            marker.mark(kind, instance, version);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
