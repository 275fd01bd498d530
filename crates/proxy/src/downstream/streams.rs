//! The requests of an HTTP/2 connection: each is a task, and an operation that knows its task.

use std::sync::Arc;

use hyper::rt::Executor;
use parking_lot::Mutex;

use crate::operation::Operation;

/// Spawns the tasks of one HTTP/2 connection.
///
/// hyper calls the service and right after it the executor with the future of that same request, so the operation
/// that the service left here belongs to the task that is spawned next.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<Mutex<Option<Arc<Operation>>>>);

impl Streams {
    pub(super) fn next_is(&self, operation: Arc<Operation>) {
        *self.0.lock() = Some(operation);
    }
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, future: F) {
        let task = tokio::spawn(future);
        if let Some(operation) = self.0.lock().take() {
            operation.carried_by(task.abort_handle());
        }
    }
}
