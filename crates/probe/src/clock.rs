//! The one place where this crate reads a clock or waits: everything else is handed the time.

use std::io;
use std::os::fd::OwnedFd;
use std::task::Poll;
use std::time::Duration;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// Time since a run began, and when that was on the wall.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: std::time::Instant,
    started: jiff::Timestamp,
}

impl Clock {
    /// A clock that starts now.
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Self {
        Self { start: std::time::Instant::now(), started: jiff::Timestamp::now() }
    }

    /// How long ago the run began.
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// When the run began.
    pub fn started(&self) -> jiff::Timestamp {
        self.started
    }
}

/// Waits, in a task of the worker, without blocking its thread.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn sleep(duration: Duration) -> tokio::time::Sleep {
    tokio::time::sleep(duration)
}

/// Waits, on a thread of its own.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// A timer of the kernel's own precision: the runtime's own counts whole milliseconds, too coarse for a schedule.
pub(crate) struct Alarm {
    timer: AsyncFd<OwnedFd>,
}

impl Alarm {
    #[expect(deprecated, reason = "its successor is unsafe, and what it asks for is true of an `OwnedFd`")]
    pub(crate) fn new() -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self { timer: AsyncFd::with_interest(timer, tokio::io::Interest::READABLE)? })
    }

    /// Waits for `duration`, to within what the kernel's scheduler allows.
    pub(crate) async fn wait(&self, duration: Duration) -> io::Result<()> {
        let value = Timespec {
            tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
            // Zero would switch the timer off.
            tv_nsec: i64::from(duration.subsec_nanos().max(1)),
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        // Arming it again also forgets an earlier expiry, so the timer is never read.
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        std::future::poll_fn(|context| match self.timer.poll_read_ready(context) {
            Poll::Ready(Ok(mut ready)) => {
                ready.clear_ready();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}
