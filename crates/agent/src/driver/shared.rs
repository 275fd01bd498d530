//! What the driver and the control port share: who asks, what was last seen, and what is counted over all drains.

use crate::report::{DrainRequest, Line};
use segue_core::Time;
use segue_core::drain::Drain;
use segue_core::pod::life::{Outcome, Reason};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::{Notify, watch};

/// One thread runs both sides, so plain cells do.
pub(crate) struct Shared {
    lines: watch::Sender<Option<Rc<Line>>>,
    /// When the last line was true; `None` for one that has changed by now.
    looked: Cell<Option<Time>>,
    /// Since when each hook waits that does, by a number of its own.
    waiting: RefCell<BTreeMap<u64, Time>>,
    next_number: Cell<u64>,
    well: Cell<bool>,
    resumed: RefCell<Vec<Drain>>,
    lost: Cell<u64>,
    /// Whether this process was told to end.
    ending: Cell<bool>,
    /// Whether nothing more is to be done before it does.
    ended: watch::Sender<bool>,
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
pub(crate) struct WaitingHook(Rc<Shared>, u64);

impl Drop for WaitingHook {
    fn drop(&mut self) {
        self.0.waiting.borrow_mut().remove(&self.1);
        self.0.wake.notify_one();
    }
}

impl Shared {
    pub(crate) fn new() -> Rc<Self> {
        Rc::new(Self {
            lines: watch::Sender::new(None),
            looked: Cell::new(None),
            waiting: RefCell::default(),
            next_number: Cell::new(0),
            well: Cell::new(true),
            resumed: RefCell::default(),
            lost: Cell::new(0),
            ending: Cell::new(false),
            ended: watch::Sender::new(false),
            wake: Notify::new(),
            totals: RefCell::default(),
        })
    }

    /// A hook waits from now on; by its own word it has since then.
    pub(crate) fn ask(self: &Rc<Self>, request: DrainRequest, since: Time) -> WaitingHook {
        let number = self.next_number.get();
        self.next_number.set(number + 1);
        self.waiting.borrow_mut().insert(number, since);
        if let Some(drain) = request.drain {
            // Several hooks heard the same agent: what it carried is counted once.
            self.lose(request.lost);
            self.resumed.borrow_mut().push(drain);
            // A load balancer that asks before the driver has looked must not be told otherwise than by the agent before.
            self.set_well(false);
        }
        self.wake.notify_one();
        WaitingHook(Rc::clone(self), number)
    }

    /// Since when the hook waits that has waited for longest.
    pub(crate) fn asked(&self) -> Option<Time> {
        self.waiting.borrow().values().min().copied()
    }

    /// How many hooks wait.
    pub(crate) fn hooks(&self) -> usize {
        self.waiting.borrow().len()
    }

    /// The drain to take over, as each hook heard of it; each once.
    pub(crate) fn resumed(&self) -> Vec<Drain> {
        self.resumed.take()
    }

    /// An agent before this one died with so many requests. A hook that heard it may say the same.
    pub(crate) fn lose(&self, requests: u64) {
        self.lost.set(self.lost.get().max(requests));
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.get()
    }

    /// This process was told to end: registries are told to drop the pod.
    pub(crate) fn end(&self) {
        self.ending.set(true);
        self.wake();
    }

    pub(crate) fn ending(&self) -> bool {
        self.ending.get()
    }

    pub(crate) fn set_ended(&self) {
        self.ended.send_replace(true);
    }

    /// Returns when nothing more is to be done.
    pub(crate) async fn ended(&self) {
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// What load balancers' health checks are answered.
    pub(crate) fn well(&self) -> bool {
        self.well.get()
    }

    pub(crate) fn set_well(&self, well: bool) {
        self.well.set(well);
    }

    pub(crate) fn publish(&self, line: Line, looked: Option<Time>) {
        self.looked.set(looked);
        self.lines.send_replace(Some(Rc::new(line)));
    }

    /// The last line, if it is of that time or later.
    pub(crate) fn line_since(&self, time: Time) -> Option<Rc<Line>> {
        self.lines.borrow().clone().filter(|_| self.looked.get() >= Some(time))
    }

    pub(crate) fn lines(&self) -> watch::Receiver<Option<Rc<Line>>> {
        self.lines.subscribe()
    }

    /// Asks the driver for a fresh look.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// What wakes the driver, for whoever may see something change.
    pub(crate) fn waker(self: &Rc<Self>) -> impl Fn() + Clone + 'static {
        let shared = Rc::clone(self);
        move || shared.wake()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documented::report;
    use segue_core::drain::Plan;
    use std::time::Duration;

    fn at(second: u64) -> Time {
        Time::from_millis(second * 1_000)
    }

    fn drain(began: u64) -> Drain {
        let second = Duration::from_secs(1);
        let plan = Plan {
            paths: Vec::new(),
            quiet: None,
            longest_request: None,
            linger: None,
            deadline: second,
            stop_grace: second,
        };
        Drain::begin(plan, at(began))
    }

    #[test]
    fn hooks_are_waited_for_since_the_first_of_them_began_until_the_last_has_gone() {
        let shared = Shared::new();
        assert_eq!((shared.asked(), shared.hooks()), (None, 0));
        let late = shared.ask(DrainRequest::default(), at(5));
        let early = shared.ask(DrainRequest::default(), at(3));
        assert_eq!((shared.asked(), shared.hooks()), (Some(at(3)), 2));
        drop(early);
        assert_eq!((shared.asked(), shared.hooks()), (Some(at(5)), 1));
        drop(late);
        assert_eq!((shared.asked(), shared.hooks()), (None, 0));
        assert!(shared.well(), "a hook that knows of no drain changes nothing yet");
    }

    #[test]
    fn whoever_asks_for_a_fresh_look_or_tells_it_to_end_wakes_the_driver() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shared = Shared::new();
            let soon = Duration::from_mins(1);
            shared.wake();
            assert!(crate::clock::at_most(soon, shared.woken()).await.is_some());
            assert!(!shared.ending());
            shared.end();
            assert!(crate::clock::at_most(soon, shared.woken()).await.is_some());
            assert!(shared.ending());
            shared.waker()();
            assert!(crate::clock::at_most(soon, shared.woken()).await.is_some());
        });
    }

    #[test]
    fn what_hooks_knew_of_a_drain_is_handed_on_once_and_its_loss_counted_once() {
        let shared = Shared::new();
        let knows = |drain, lost| DrainRequest { drain: Some(drain), lost, began: None };
        let _hooks = [shared.ask(knows(drain(1), 2), at(1)), shared.ask(knows(drain(2), 1), at(1))];
        assert!(!shared.well(), "load balancers are told at once");
        assert_eq!(shared.resumed(), [drain(1), drain(2)]);
        assert_eq!(shared.resumed(), []);
        assert_eq!(shared.lost(), 2);
    }

    #[test]
    fn a_line_is_answered_with_while_it_is_young_and_still_true() {
        let shared = Shared::new();
        let line = || Line { released: false, report: report(), drain: None };
        assert!(shared.line_since(at(0)).is_none());
        shared.publish(line(), Some(at(7)));
        assert!(shared.line_since(at(7)).is_some());
        assert!(shared.line_since(at(8)).is_none());
        shared.publish(line(), None);
        assert!(shared.line_since(at(0)).is_none(), "something was done since");
    }
}
