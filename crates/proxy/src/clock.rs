//! The crate's one clock: a coarse time for the hot path and the few real sleeps.
//!
//! A request needs the time only to the tenth of a second (how long a connection was idle, how long a client
//! has not read). So one ticker per proxy keeps a shared number up to date, and the hot path just loads it:
//! no system call and no timer per request.
#![expect(clippy::disallowed_methods, reason = "this is the crate's clock module")]

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the coarse time moves on while a proxy runs.
pub(crate) const TICK: Duration = Duration::from_millis(50);

/// [`TICK`] in the unit of [`coarse`].
pub(crate) const TICK_MS: u64 = 50;

static COARSE: AtomicU64 = AtomicU64::new(0);

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Milliseconds since this process first asked, exact. Starts at 1, so that 0 can mean "never".
pub(crate) fn now() -> u64 {
    u64::try_from(origin().elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
}

/// The time of the last tick, in the unit of [`now`]: at most about one [`TICK`] behind.
pub(crate) fn coarse() -> u64 {
    COARSE.load(Ordering::Relaxed)
}

/// Moves the coarse time on and returns it.
pub(crate) fn tick() -> u64 {
    let now = now();
    COARSE.fetch_max(now, Ordering::Relaxed).max(now)
}

/// A duration in the unit of [`now`].
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A real wait; its caller says why.
pub(crate) fn sleep(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}

/// `future`, or `None` once `duration` has passed.
pub(crate) async fn within<F: Future>(duration: Duration, future: F) -> Option<F::Output> {
    tokio::time::timeout(duration, future).await.ok()
}
