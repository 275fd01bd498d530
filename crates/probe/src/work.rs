//! One sending thread: keeps the schedule, hands requests to connections, writes down how they end.
//!
//! ```text
//!   Schedule ──due──▶ Worker::send ──▶ an idle connection of the shape's pool, or a new one
//!      ▲                                     │  one task per connection
//!   kernel timer                             ▼
//!                       Ledger ◀──close── the exchange's end
//! ```
//! Everything of a thread is in one runtime and one epoll: a request costs no hop to another task or thread.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

use crate::clock::Alarm;
use crate::fate::{Fate, Unsent};
use crate::job::Answer;
use crate::load::Protocol;
use crate::schedule::{Due, Schedule};
use crate::shape::Source;
use crate::worker::{Plan, Worker};
use crate::{http1, http2, websocket};

/// After so many requests at once (when the schedule is behind), their connections get to work.
const BURST: u32 = 32;

/// Requests that are due within this time of each other are sent at one waking, at the last one's time. To wake for each
/// would cost more than to send it. Up to 4,000 requests per second it makes no difference.
const TOGETHER: Duration = Duration::from_micros(250);

/// Sends this thread's share of the load; blocks until everything has ended.
pub(crate) fn work(plan: Plan) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
    let rates: Vec<f64> = plan.load.shapes.iter().map(|shape| shape.rate).collect();
    let schedule = Schedule::new(&rates, plan.load.duration, plan.thread, plan.load.threads);
    let stopped = plan.stopped.clone();
    let worker = Worker::new(plan);
    runtime.block_on(async {
        let sweeper = worker.sweeper.run(worker.clock);
        let sending = async {
            worker.keep(schedule, stopped).await?;
            worker.finishing.set(true);
            worker.sources.iter().for_each(Source::finish);
            while worker.in_flight.get() > 0 {
                worker.landed.notified().await;
            }
            Ok(())
        };
        tokio::select! {
            result = sending => result,
            result = sweeper => result,
        }
    })
}

impl Worker {
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
}
