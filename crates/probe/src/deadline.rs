//! Points in time after which an exchange is given up.
//!
//! There is one for every request, and hardly any is ever reached. So none has a timer of its own: a sweeper looks at
//! all of them ten times a second, and setting one costs no more than writing it down.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::{Alarm, Clock};

/// How much later than its time an exchange may be given up.
const INTERVAL: Duration = Duration::from_millis(100);

/// Watches the deadlines of one sending thread.
#[derive(Default)]
pub(crate) struct DeadlineSweeper {
    watched: RefCell<Vec<Weak<Watched>>>,
}

/// One deadline, which moves on with every request of its connection.
pub(crate) struct Deadline(Rc<Watched>);

struct Watched {
    at: Cell<Duration>,
    passed: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl DeadlineSweeper {
    pub(crate) fn deadline(&self, at: Duration) -> Deadline {
        let watch = Rc::new(Watched { at: Cell::new(at), passed: Cell::new(false), waker: Cell::new(None) });
        self.watched.borrow_mut().push(Rc::downgrade(&watch));
        Deadline(watch)
    }

    /// Sweeps as long as the thread sends.
    pub(crate) async fn run(&self, clock: Clock) -> io::Result<()> {
        let alarm = Alarm::new()?;
        loop {
            alarm.wait(INTERVAL).await?;
            self.sweep(clock.now());
        }
    }

    fn sweep(&self, now: Duration) {
        self.watched.borrow_mut().retain(|watch| {
            let Some(watch) = watch.upgrade() else { return false };
            if watch.at.get() <= now
                && !watch.passed.replace(true)
                && let Some(waker) = watch.waker.take()
            {
                waker.wake();
            }
            true
        });
    }
}

impl Deadline {
    /// From now on it is at `at`. One that has passed and is not moved stays so.
    pub(crate) fn postpone(&mut self, at: Duration) {
        if self.0.at.replace(at) != at {
            self.0.passed.set(false);
        }
    }

    /// Ready when the time has come.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.0.passed.get() {
            return Poll::Ready(());
        }
        let waker = self.0.waker.take().filter(|waker| waker.will_wake(context.waker()));
        self.0.waker.set(Some(waker.unwrap_or_else(|| context.waker().clone())));
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(deadline: &mut Deadline) -> bool {
        deadline.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_deadline_passes_when_its_time_comes_and_not_after_it_was_moved() {
        let sweeper = DeadlineSweeper::default();
        let at = Duration::from_secs;
        let mut deadline = sweeper.deadline(at(2));
        sweeper.sweep(at(1));
        assert!(!ready(&mut deadline));
        sweeper.sweep(at(2));
        assert!(ready(&mut deadline));
        deadline.postpone(at(2));
        assert!(ready(&mut deadline));
        deadline.postpone(at(4));
        sweeper.sweep(at(3));
        assert!(!ready(&mut deadline));
        sweeper.sweep(at(4));
        assert!(ready(&mut deadline));
    }

    #[test]
    fn the_sweeper_forgets_a_deadline_with_its_owner() {
        let sweeper = DeadlineSweeper::default();
        let kept = sweeper.deadline(Duration::ZERO);
        drop(sweeper.deadline(Duration::ZERO));
        sweeper.sweep(Duration::ZERO);
        assert_eq!(sweeper.watched.borrow().len(), 1);
        drop(kept);
    }
}
