//! Points in time after which an exchange is given up.
//!
//! There is one for every request, and hardly any is ever reached. So none has a timer of its own: a patrol looks at
//! all of them ten times a second, and setting one costs no more than writing it down.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::clock::{Alarm, Clock};

/// How much later than its time an exchange may be given up.
const ROUND: Duration = Duration::from_millis(100);

/// Watches the deadlines of one sending thread.
#[derive(Default)]
pub(crate) struct Patrol {
    watched: RefCell<Vec<Weak<Watch>>>,
}

/// One deadline, which moves on with every request of its connection.
pub(crate) struct Deadline(Rc<Watch>);

struct Watch {
    at: Cell<Duration>,
    passed: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Patrol {
    pub(crate) fn deadline(&self, at: Duration) -> Deadline {
        let watch = Rc::new(Watch { at: Cell::new(at), passed: Cell::new(false), waker: Cell::new(None) });
        self.watched.borrow_mut().push(Rc::downgrade(&watch));
        Deadline(watch)
    }

    /// Goes round as long as the thread sends.
    pub(crate) async fn walk(&self, clock: Clock) -> io::Result<()> {
        let alarm = Alarm::new()?;
        loop {
            alarm.wait(ROUND).await?;
            self.round(clock.now());
        }
    }

    fn round(&self, now: Duration) {
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
        let patrol = Patrol::default();
        let at = Duration::from_secs;
        let mut deadline = patrol.deadline(at(2));
        patrol.round(at(1));
        assert!(!ready(&mut deadline));
        patrol.round(at(2));
        assert!(ready(&mut deadline));
        deadline.postpone(at(2));
        assert!(ready(&mut deadline));
        deadline.postpone(at(4));
        patrol.round(at(3));
        assert!(!ready(&mut deadline));
        patrol.round(at(4));
        assert!(ready(&mut deadline));
    }

    #[test]
    fn the_patrol_forgets_a_deadline_with_its_owner() {
        let patrol = Patrol::default();
        let kept = patrol.deadline(Duration::ZERO);
        drop(patrol.deadline(Duration::ZERO));
        patrol.round(Duration::ZERO);
        assert_eq!(patrol.watched.borrow().len(), 1);
        drop(kept);
    }
}
