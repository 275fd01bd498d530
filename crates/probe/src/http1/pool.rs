//! The idle connections of one shape, and how a request is handed to one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use crate::job::Job;

/// The kept connections of one shape.
pub(crate) struct Pool {
    least: usize,
    pub(super) open: Cell<usize>,
    pub(super) idle: RefCell<VecDeque<Rc<Slot>>>,
}

/// By which a request is handed to an idle connection's task.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) job: Cell<Option<Job>>,
    pub(super) waker: Cell<Option<Waker>>,
}

impl Pool {
    pub(crate) fn new(least: usize) -> Self {
        Self { least, open: Cell::new(0), idle: RefCell::default() }
    }

    /// The connection that has been idle the longest, so that all of them are used in turn.
    pub(super) fn pick(&self) -> Option<Rc<Slot>> {
        if self.open.get() < self.least { None } else { self.idle.borrow_mut().pop_front() }
    }
}
