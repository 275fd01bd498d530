//! The sockets of one shape, and how a message is handed to one.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use crate::job::Job;

/// A message's number is sixteen digits.
pub(crate) const SHORTEST: usize = 16;

/// The sockets of one shape.
pub(crate) struct Pool {
    pub(super) size: usize,
    pub(super) turn: Cell<usize>,
    pub(super) sockets: RefCell<Vec<Rc<Mailbox>>>,
}

/// By which messages are handed to a socket's task.
#[derive(Default)]
pub(super) struct Mailbox {
    pub(super) jobs: RefCell<VecDeque<Job>>,
    pub(super) waker: Cell<Option<Waker>>,
}

impl Pool {
    pub(crate) fn new(size: usize) -> Self {
        Self { size, turn: Cell::new(0), sockets: RefCell::default() }
    }

    /// The run is over: sockets with nothing left to do say goodbye.
    pub(crate) fn finish(&self) {
        self.sockets.borrow().iter().for_each(|mailbox| mailbox.wake());
    }
}

impl Mailbox {
    pub(super) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
