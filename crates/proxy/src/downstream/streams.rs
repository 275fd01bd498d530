//! The requests of an HTTP/2 connection: each is a task, and a flight that knows its task.

use std::sync::{Arc, Mutex, PoisonError};

use hyper::rt::Executor;

use crate::flight::Flight;

/// Spawns the tasks of one HTTP/2 connection.
///
/// hyper calls the service and right after it the executor with the future of that same request, so the flight
/// that the service left here belongs to the task that is spawned next.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<Mutex<Option<Arc<Flight>>>>);

impl Streams {
    pub(super) fn next_is(&self, flight: Arc<Flight>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(flight);
    }
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        let task = tokio::spawn(future);
        if let Some(flight) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            flight.carried_by(task.abort_handle());
        }
    }
}
