//! One sending thread: keeps the schedule, hands requests to connections, writes down how they end.
//!
//! ```text
//!   Schedule ──due──▶ Worker::send ──▶ an idle connection of the shape's pool, or a new one
//!      ▲                                     │  one task per connection
//!   kernel timer                             ▼
//!                       Ledger ◀──close── the exchange's end
//! ```
//! Everything of a thread is in one runtime and one epoll: a request costs no hop to another task or thread.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{Notify, watch};

use crate::addresses::Addresses;
use crate::body::Payload;
use crate::clock::{Alarm, Clock};
use crate::deadline::Patrol;
use crate::fate::{Fate, Outcome, Unsent};
use crate::ledger::{ConnectionUse, End, Ledger, Ticket};
use crate::load::{Load, Protocol};
use crate::run::lock;
use crate::schedule::{Due, Schedule};
use crate::shape::Lane;
use crate::tls::Tls;
use crate::{http1, http2, websocket};

/// After so many requests at once (when the schedule is behind), their connections get to work.
const BURST: u32 = 32;

/// Requests that are due within this time of each other are sent at one waking, at the last one's time. To wake for each
/// would cost more than to send it. Up to 4,000 requests per second it makes no difference.
const TOGETHER: Duration = Duration::from_micros(250);

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
    pub(crate) lanes: Vec<Lane>,
    pub(crate) patrol: Patrol,
    ledger: Arc<Mutex<Ledger>>,
    in_flight: Cell<usize>,
    /// The schedule is over: what lasts as long as it is wanted is not wanted any more.
    finishing: Cell<bool>,
    landed: Notify,
    versions: RefCell<Vec<Arc<str>>>,
}

/// A request on its way.
pub(crate) struct Job {
    pub(crate) shape: usize,
    pub(crate) ticket: Ticket,
    pub(crate) payload: Payload,
    pub(crate) fresh: bool,
}

/// What is known when a job is over; its time is taken where it is written down.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) version: Option<Arc<str>>,
    pub(crate) connection: Option<ConnectionUse>,
}

/// Sends this thread's share of the load; blocks until everything has ended.
pub(crate) fn work(plan: Plan) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let rates: Vec<f64> = plan.load.shapes.iter().map(|shape| shape.rate).collect();
    let schedule = Schedule::new(&rates, plan.load.duration, plan.thread, plan.load.threads);
    let stopped = plan.stopped.clone();
    let worker = Worker::new(plan);
    runtime.block_on(async {
        let patrol = worker.patrol.walk(worker.clock);
        let sending = async {
            worker.keep(schedule, stopped).await?;
            worker.finishing.set(true);
            worker.lanes.iter().for_each(Lane::finish);
            while worker.in_flight.get() > 0 {
                worker.landed.notified().await;
            }
            Ok(())
        };
        tokio::select! {
            result = sending => result,
            result = patrol => result,
        }
    })
}

impl Worker {
    pub(crate) fn new(plan: Plan) -> Rc<Self> {
        Rc::new(Self {
            lanes: plan.load.shapes.iter().map(|shape| Lane::new(shape, &plan.load.target)).collect(),
            load: plan.load,
            clock: plan.clock,
            addresses: plan.addresses,
            tls_http1: plan.tls_http1,
            tls_http2: plan.tls_http2,
            patrol: Patrol::default(),
            ledger: plan.ledger,
            in_flight: Cell::new(0),
            finishing: Cell::new(false),
            landed: Notify::new(),
            versions: RefCell::default(),
        })
    }

    /// Sends every request at its time, whatever became of those before.
    async fn keep(
        self: &Rc<Self>,
        mut schedule: Schedule,
        mut stopped: watch::Receiver<bool>,
    ) -> io::Result<()> {
        let alarm = Alarm::new()?;
        let (mut burst, mut woken) = (0, Duration::ZERO);
        while let Some(due) = schedule.next() {
            if *stopped.borrow() {
                break;
            }
            let now = self.clock.now();
            if let Some(left) = due.at.checked_sub(now).filter(|left| !left.is_zero()) {
                burst = 0;
                let left = left.max((woken + TOGETHER).saturating_sub(now));
                woken = now + left;
                tokio::select! {
                    result = alarm.wait(left) => result?,
                    _ = stopped.changed() => break,
                }
                continue;
            }
            schedule.advance(due);
            self.send(due);
            burst += 1;
            if burst % BURST == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    /// A request that is due, entered in the ledger.
    pub(crate) fn job(&self, due: Due) -> Job {
        let lane = &self.lanes[due.shape];
        Job {
            shape: due.shape,
            ticket: self.enter(due.shape, due.number, due.at),
            payload: Payload::new(&lane.pattern, due.number),
            fresh: lane.fresh(due.number),
        }
    }

    fn send(self: &Rc<Self>, due: Due) {
        let job = self.job(due);
        if self.in_flight.get() > self.load.max_in_flight.div_ceil(self.load.threads) {
            return self.close(job.ticket, Fate::Unsent(Unsent::TooManyInFlight), Answer::default());
        }
        match self.load.shapes[due.shape].protocol {
            Protocol::Http1 => http1::send(self, job),
            Protocol::Http2 => http2::send(self, job),
            Protocol::WebSocket => websocket::send(self, job),
        }
    }

    /// Opens an entry in the ledger.
    pub(crate) fn enter(&self, shape: usize, number: u64, planned: Duration) -> Ticket {
        self.in_flight.update(|count| count + 1);
        lock(&self.ledger).open(shape, number, planned)
    }

    /// Writes down that a request ended just now.
    pub(crate) fn close(&self, ticket: Ticket, outcome: impl Into<Outcome>, answer: Answer) {
        let end = self.end(outcome.into(), answer);
        lock(&self.ledger).close(ticket, end);
        self.left();
    }

    /// Writes down that something lasting ended just now.
    pub(crate) fn close_lasting(&self, ticket: Ticket, outcome: Outcome, answer: Answer) {
        let end = self.end(outcome, answer);
        lock(&self.ledger).close_lasting(ticket, end);
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
        lock(&self.ledger).connections += 1;
    }

    /// Counts a kept connection that the server had closed while no request was on it.
    pub(crate) fn found_closed(&self) {
        lock(&self.ledger).found_closed += 1;
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
