//! One router between its driver and its task: both may step it, and what it said last is there for whoever reads.

use super::report::RouterReport;
use segue_core::Time;
use segue_routing::{Answer, Call, CallId, Failure, Goal, Router, Says};
use std::cell::{self, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use tokio::sync::Notify;

/// One thread runs all who use it, so plain cells do.
pub(super) struct Cell {
    pub(super) path: String,
    router: RefCell<Box<dyn Router>>,
    goal: cell::Cell<Goal>,
    calls: RefCell<VecDeque<Call>>,
    answered: cell::Cell<u64>,
    failed: cell::Cell<u64>,
    told: Notify,
}

impl Cell {
    pub(super) fn of(path: String, router: Box<dyn Router>) -> Rc<Self> {
        Rc::new(Self {
            path,
            router: RefCell::new(router),
            goal: cell::Cell::default(),
            calls: RefCell::default(),
            answered: cell::Cell::default(),
            failed: cell::Cell::default(),
            told: Notify::new(),
        })
    }

    /// Wants this of the router from now on. What was to be forgotten is not wanted back: that was the pod's end.
    pub(super) fn tell(&self, goal: Goal, now: Time) {
        if self.goal.get() != Goal::Deregister && self.goal.replace(goal) != goal {
            // A router that needs nobody has taken it by the driver's next look.
            let _ = self.step(now);
            self.told.notify_one();
        }
    }

    /// Steps the router and keeps what it asks for; answers when it wants to be stepped again.
    pub(super) fn step(&self, now: Time) -> Option<Time> {
        let step = self.router.borrow_mut().step(self.goal.get(), now);
        self.calls.borrow_mut().extend(step.calls);
        step.again
    }

    /// The next call that is to be carried.
    pub(super) fn call(&self) -> Option<Call> {
        self.calls.borrow_mut().pop_front()
    }

    pub(super) fn hear(&self, call: CallId, answer: Result<Answer, Failure>, now: Time) {
        let count = if answer.is_ok() { &self.answered } else { &self.failed };
        count.set(count.get() + 1);
        self.router.borrow_mut().hear(call, answer, now);
    }

    /// Returns when the router was told something else.
    pub(super) async fn was_told(&self) {
        self.told.notified().await;
    }

    pub(super) fn told(&self) -> Goal {
        self.goal.get()
    }

    pub(super) fn says(&self) -> Says {
        self.router.borrow().says()
    }

    pub(super) fn report(&self) -> RouterReport {
        RouterReport {
            path: self.path.clone(),
            router: self.router.borrow().kind(),
            told: self.told(),
            says: self.says(),
            answered: self.answered.get(),
            failed: self.failed.get(),
        }
    }
}
