//! What the driver and the control port share: who asks, what was last seen, and what is counted over all drains.

use crate::report::{Asked, Line};
use segue_core::drain::Drain;
use segue_core::pod::life::{Outcome, Reason};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::{Notify, watch};

/// One thread runs both sides, so plain cells do.
pub(crate) struct Shared {
    lines: watch::Sender<Option<Rc<Line>>>,
    hooks: Cell<usize>,
    well: Cell<bool>,
    resumed: RefCell<Option<Drain>>,
    lost: Cell<u64>,
    wake: Notify,
    totals: RefCell<Totals>,
}

/// What the metrics show of all drains.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    pub(crate) drains: BTreeMap<Reason, u64>,
    pub(crate) cut: u64,
    pub(crate) seconds: f64,
}

/// A hook that waits; dropped when it is gone.
pub(crate) struct Asking(Rc<Shared>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.hooks.set(self.0.hooks.get() - 1);
        self.0.wake.notify_one();
    }
}

impl Shared {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            lines: watch::Sender::new(None),
            hooks: Cell::new(0),
            well: Cell::new(true),
            resumed: RefCell::new(None),
            lost: Cell::new(0),
            wake: Notify::new(),
            totals: RefCell::default(),
        })
    }

    /// A hook waits from now on.
    pub(crate) fn ask(self: &Rc<Self>, asked: Asked) -> Asking {
        self.hooks.set(self.hooks.get() + 1);
        // Several hooks heard the same agent: what it carried is counted once.
        if self.resumed.borrow().is_none() && asked.drain.is_some() {
            self.lose(asked.lost);
            *self.resumed.borrow_mut() = asked.drain;
        }
        self.wake.notify_one();
        Asking(Rc::clone(self))
    }

    pub(crate) fn asked(&self) -> bool {
        self.hooks.get() > 0
    }

    /// How many hooks wait.
    pub(crate) fn hooks(&self) -> usize {
        self.hooks.get()
    }

    /// The drain to take over, once.
    pub(crate) fn resumed(&self) -> Option<Drain> {
        self.resumed.borrow_mut().take()
    }

    /// An agent before this one died with so many requests. A hook that heard it may say the same.
    pub(crate) fn lose(&self, requests: u64) {
        self.lost.set(self.lost.get().max(requests));
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// What load balancers' health checks are answered.
    pub(crate) fn well(&self) -> bool {
        self.well.get()
    }

    pub(crate) fn set_well(&self, well: bool) {
        self.well.set(well);
    }

    pub(crate) fn publish(&self, line: Line) {
        self.lines.send_replace(Some(Rc::new(line)));
    }

    pub(crate) fn lines(&self) -> watch::Receiver<Option<Rc<Line>>> {
        self.lines.subscribe()
    }

    /// Asks the driver for a fresh look.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn count(&self, outcome: &Outcome) {
        let mut totals = self.totals.borrow_mut();
        *totals.drains.entry(outcome.reason).or_default() += 1;
        totals.cut += outcome.cut;
        totals.seconds += outcome.took.0.as_secs_f64();
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals.borrow().clone()
    }
}
