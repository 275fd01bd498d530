//! What the tasks of one sending thread share, and how a request is entered in the ledger and its end written down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::addresses::Addresses;
use crate::body::Payload;
use crate::clock::Clock;
use crate::deadline::DeadlineSweeper;
use crate::fate::Outcome;
use crate::job::{Answer, Job};
use crate::ledger::{End, Ledger, Ticket};
use crate::load::Load;
use crate::schedule::Due;
use crate::shape::Source;
use crate::tls::Tls;

/// What a thread needs to begin.
pub(crate) struct Plan {
    pub(crate) load: Arc<Load>,
    pub(crate) clock: Clock,
    pub(crate) ledger: Arc<Mutex<Ledger>>,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) tls_http1: Option<Tls>,
    pub(crate) tls_http2: Option<Tls>,
    pub(crate) thread: usize,
    pub(crate) stopped: watch::Receiver<bool>,
}

/// What the tasks of one thread share.
pub(crate) struct Worker {
    pub(crate) load: Arc<Load>,
    pub(crate) clock: Clock,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) tls_http1: Option<Tls>,
    pub(crate) tls_http2: Option<Tls>,
    pub(crate) sources: Vec<Source>,
    pub(crate) sweeper: DeadlineSweeper,
    ledger: Arc<Mutex<Ledger>>,
    pub(crate) in_flight: Cell<usize>,
    /// The schedule is over: what lasts as long as it is wanted is not wanted any more.
    pub(crate) finishing: Cell<bool>,
    pub(crate) landed: Notify,
    versions: RefCell<Vec<Arc<str>>>,
}

impl Worker {
    pub(crate) fn new(plan: Plan) -> Rc<Self> {
        Rc::new(Self {
            sources: plan.load.shapes.iter().map(|shape| Source::new(shape, &plan.load.target)).collect(),
            load: plan.load,
            clock: plan.clock,
            addresses: plan.addresses,
            tls_http1: plan.tls_http1,
            tls_http2: plan.tls_http2,
            sweeper: DeadlineSweeper::default(),
            ledger: plan.ledger,
            in_flight: Cell::new(0),
            finishing: Cell::new(false),
            landed: Notify::new(),
            versions: RefCell::default(),
        })
    }

    /// A request that is due, entered in the ledger.
    pub(crate) fn job(&self, due: Due) -> Job {
        let source = &self.sources[due.shape];
        Job {
            shape: due.shape,
            ticket: self.enter(due.shape, due.number, due.at),
            payload: Payload::new(&source.pattern, due.number),
            fresh: source.fresh(due.number),
        }
    }

    /// Opens an entry in the ledger.
    pub(crate) fn enter(&self, shape: usize, number: u64, planned: Duration) -> Ticket {
        self.in_flight.update(|count| count + 1);
        self.ledger.lock().open(shape, number, planned)
    }

    /// Writes down that a request ended just now.
    pub(crate) fn close(&self, ticket: Ticket, outcome: impl Into<Outcome>, answer: Answer) {
        let end = self.end(outcome.into(), answer);
        self.ledger.lock().close(ticket, end);
        self.left();
    }

    /// Writes down that something lasting ended just now.
    pub(crate) fn close_lasting(&self, ticket: Ticket, outcome: Outcome, answer: Answer) {
        let end = self.end(outcome, answer);
        self.ledger.lock().close_lasting(ticket, end);
        self.left();
    }

    fn end(&self, Outcome { fate, cause }: Outcome, answer: Answer) -> End {
        let Answer { status, version, connection } = answer;
        End { at: self.clock.now(), fate, cause, status, version, connection }
    }

    fn left(&self) {
        self.in_flight.update(|count| count - 1);
        if self.finishing.get() && self.in_flight.get() == 0 {
            self.landed.notify_one();
        }
    }

    /// Counts a connection.
    pub(crate) fn opened(&self) {
        self.ledger.lock().connections += 1;
    }

    /// Counts a kept connection that the server had closed while no request was on it.
    pub(crate) fn found_closed(&self) {
        self.ledger.lock().found_closed += 1;
    }

    pub(crate) fn finishing(&self) -> bool {
        self.finishing.get()
    }

    /// The version that an answer's head names; the same few names come again and again.
    pub(crate) fn version(&self, headers: &HeaderMap) -> Option<Arc<str>> {
        let name = headers.get(&self.load.version_header)?.to_str().ok()?;
        let mut versions = self.versions.borrow_mut();
        let known = versions.iter().find(|version| &***version == name).cloned();
        Some(known.unwrap_or_else(|| {
            versions.push(Arc::from(name));
            versions[versions.len() - 1].clone()
        }))
    }

    /// How long one request of this shape may take from being sent.
    pub(crate) fn patience(&self, shape: usize) -> Duration {
        self.load.timeout + self.load.shapes[shape].think
    }
}
