//! HTTP/1.1: one task per connection, which carries its requests and notices when the server leaves.
//!
//! The connection and the exchange on it are polled by that one task, so an answer that has come is read, checked
//! and written down without waking another. There is no client pool in between: nothing is sent twice.

mod pool;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Response, StatusCode};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Connection, SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::task::spawn_local;

use crate::body::{Check, Upload};
use crate::classify::{self, Reached};
use crate::clock;
use crate::deadline::Deadline;
use crate::fate::{Fate, Kind, Outcome};
use crate::job::{Answer, Job};
use crate::ledger::ConnectionUse;
use crate::transport::{Meter, Transport, connect};
use crate::worker::Worker;
pub(crate) use pool::Pool;
use pool::Slot;

/// Sends a request on an idle connection, or on a new one.
pub(crate) fn send(worker: &Rc<Worker>, job: Job) {
    let pool = &worker.sources[job.shape].kept;
    if !job.fresh {
        if let Some(slot) = pool.pick() {
            slot.job.set(Some(job));
            if let Some(waker) = slot.waker.take() {
                waker.wake();
            }
            return;
        }
        pool.open.update(|open| open + 1);
    }
    spawn_local(serve(worker.clone(), job));
}

/// A connection's whole life.
async fn serve(worker: Rc<Worker>, first: Job) {
    let (shape, fresh) = (first.shape, first.fresh);
    if let Some(unsent) = carry(&worker, first).await {
        // The connection is gone and nothing of this request had left: any client opens another.
        worker.found_closed();
        leave(&worker, shape, fresh);
        return send(&worker, unsent);
    }
    leave(&worker, shape, fresh);
}

fn leave(worker: &Worker, shape: usize, fresh: bool) {
    if !fresh {
        worker.sources[shape].kept.open.update(|open| open - 1);
    }
}

/// Opens the connection and carries requests until it ends; a request that it could not even begin comes back.
async fn carry(worker: &Rc<Worker>, mut job: Job) -> Option<Job> {
    let shape = job.shape;
    let fresh = job.fresh;
    job.ticket.begin(worker.clock.now());
    let mut link = match Link::open(worker, shape).await {
        Ok(link) => link,
        Err(outcome) => {
            worker.close(job.ticket, outcome, Answer::default());
            return None;
        }
    };
    let slot = Rc::new(Slot::default());
    loop {
        match link.exchange(worker, job).await {
            Exchanged::Keep if !fresh => {}
            Exchanged::Keep | Exchanged::Over => return None,
            Exchanged::Unsent(job) => return Some(job),
        }
        worker.sources[shape].kept.idle.borrow_mut().push_back(slot.clone());
        match link.idle(&slot).await {
            Idle::Job(next) => job = next,
            Idle::Closed(Some(job)) => return Some(job),
            Idle::Closed(None) => {
                worker.found_closed();
                worker.sources[shape].kept.idle.borrow_mut().retain(|other| !Rc::ptr_eq(other, &slot));
                return None;
            }
        }
    }
}

enum Exchanged {
    /// The connection can carry another.
    Keep,
    /// The connection is over.
    Over,
    /// The connection was over before anything of the request left.
    Unsent(Job),
}

enum Idle {
    Job(Job),
    Closed(Option<Job>),
}

/// An open connection.
struct Link {
    sender: SendRequest<Upload>,
    /// `None` once it has ended: then hyper's side of `sender` is gone too, and its answers resolve.
    connection: Option<Connection<TokioIo<Transport>, Upload>>,
    meter: Rc<Meter>,
    deadline: Deadline,
    opened: Duration,
    carried: u64,
}

/// What a head or a body ended by, other than well.
enum Failure {
    Late,
    Broken(hyper::Error),
}

impl Link {
    async fn open(worker: &Rc<Worker>, shape: usize) -> Result<Self, Outcome> {
        let tls = worker.tls_http1.as_ref();
        let (transport, meter) = connect(worker.addresses.next(), tls, worker.load.connect_timeout).await?;
        worker.opened();
        let opened = worker.clock.now();
        // hyper's handshake of HTTP/1 sends nothing and waits for nothing.
        let handshake = handshake(TokioIo::new(transport)).await;
        let (sender, connection) = handshake.map_err(|error| Outcome::of(Kind::ProtocolError, &error))?;
        let deadline = worker.sweeper.deadline(opened + worker.patience(shape));
        Ok(Self { sender, connection: Some(connection), meter, deadline, opened, carried: 0 })
    }

    /// Lets the connection do what it can: write, read, notice its end.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(connection) = &mut self.connection
            && Pin::new(connection).poll(context).is_ready()
        {
            self.connection = None;
        }
    }

    async fn exchange(&mut self, worker: &Rc<Worker>, mut job: Job) -> Exchanged {
        let now = worker.clock.now();
        job.ticket.begin(now);
        self.deadline.postpone(now + worker.patience(job.shape));
        let source = &worker.sources[job.shape];
        let mut reached = Reached::start(&self.meter, job.payload.size());
        let mut answer = Answer {
            connection: Some(ConnectionUse {
                local: self.meter.local,
                remote: self.meter.remote,
                opened: self.opened,
                before: self.carried,
            }),
            ..Answer::default()
        };
        if self.carried > 0 {
            self.meter.look_before_writing();
        }
        let mut leaves = job.fresh;
        let outcome = match self.head(source.request(&job)).await {
            Ok(head) => {
                reached.head = true;
                leaves |= says_close(&head);
                answer.status = Some(head.status().as_u16());
                answer.version = worker.version(head.headers());
                self.judge(worker, &job, head, &reached).await
            }
            Err(Failure::Broken(_)) if self.carried > 0 && reached.unwritten(&self.meter) => {
                return Exchanged::Unsent(job);
            }
            Err(failure) => self.outcome(&failure, &reached),
        };
        let fate = outcome.fate;
        self.carried += 1;
        worker.close(job.ticket, outcome, answer);
        if !matches!(fate, Fate::Ok | Fate::Dropped(Kind::Status(_) | Kind::WrongBody)) {
            return Exchanged::Over;
        }
        if self.settle().await {
            return Exchanged::Keep;
        }
        if !leaves {
            worker.found_closed();
        }
        Exchanged::Over
    }

    async fn head(&mut self, request: http::Request<Upload>) -> Result<Response<Incoming>, Failure> {
        let mut answer = pin!(self.sender.try_send_request(request));
        poll_fn(|context| {
            self.drive(context);
            match answer.as_mut().poll(context) {
                Poll::Ready(Ok(head)) => Poll::Ready(Ok(head)),
                Poll::Ready(Err(error)) => Poll::Ready(Err(Failure::Broken(error.into_error()))),
                Poll::Pending => self.deadline.poll(context).map(|()| Err(Failure::Late)),
            }
        })
        .await
    }

    /// Reads the answer to its end and says what it was.
    async fn judge(
        &mut self,
        worker: &Worker,
        job: &Job,
        head: Response<Incoming>,
        reached: &Reached,
    ) -> Outcome {
        let status = head.status();
        let mut body = head.into_body();
        let think = worker.sources[job.shape].think();
        if !think.is_zero() && job.payload.size() == 0 {
            let mut wait = pin!(clock::sleep(think));
            poll_fn(|context| {
                self.drive(context);
                wait.as_mut().poll(context)
            })
            .await;
        }
        let mut check = Check::new(&worker.load.shapes[job.shape].expect, &job.payload);
        let end = poll_fn(|context| {
            self.drive(context);
            loop {
                match Pin::new(&mut body).poll_frame(context) {
                    Poll::Ready(Some(Ok(frame))) => {
                        if let Some(bytes) = frame.data_ref() {
                            check.see(bytes);
                        }
                        // The connection has room for the next piece now.
                        self.drive(context);
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Failure::Broken(error))),
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    Poll::Pending => return self.deadline.poll(context).map(|()| Err(Failure::Late)),
                }
            }
        })
        .await;
        match end {
            Err(failure) => self.outcome(&failure, reached),
            Ok(()) => verdict(status, &check),
        }
    }

    fn outcome(&self, failure: &Failure, reached: &Reached) -> Outcome {
        match failure {
            Failure::Late => Kind::ResponseTimeout.into(),
            Failure::Broken(error) => Outcome::of(classify::http1(error, &self.meter, reached), error),
        }
    }

    /// After an answer: whether the connection takes another request. It may still have to finish an upload.
    async fn settle(&mut self) -> bool {
        poll_fn(|context| {
            self.drive(context);
            if self.connection.is_none() {
                return Poll::Ready(false);
            }
            match self.sender.poll_ready(context) {
                Poll::Ready(ready) => Poll::Ready(ready.is_ok()),
                Poll::Pending => self.deadline.poll(context).map(|()| false),
            }
        })
        .await
    }

    /// Waits for the next request, and for the connection's end.
    async fn idle(&mut self, slot: &Slot) -> Idle {
        poll_fn(|context| {
            self.drive(context);
            let job = slot.job.take();
            if self.connection.is_none() {
                return Poll::Ready(Idle::Closed(job));
            }
            if let Some(job) = job {
                return Poll::Ready(Idle::Job(job));
            }
            slot.waker.set(Some(context.waker().clone()));
            Poll::Pending
        })
        .await
    }
}

/// Whether the server said that this is the connection's last answer.
fn says_close(head: &Response<Incoming>) -> bool {
    let values =
        head.headers().get_all(http::header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let mut words = values.flat_map(|value| value.split(',')).map(str::trim);
    head.version() < http::Version::HTTP_11 || words.any(|word| word.eq_ignore_ascii_case("close"))
}

/// What an answer that came whole is worth.
pub(crate) fn verdict(status: StatusCode, check: &Check<'_>) -> Outcome {
    if status.as_u16() >= 500 {
        Kind::Status(status.as_u16()).into()
    } else if status == StatusCode::SWITCHING_PROTOCOLS {
        Outcome::because(Kind::ProtocolError, "101 Switching Protocols, which nobody asked for")
    } else if check.passed() {
        Fate::Ok.into()
    } else {
        Kind::WrongBody.into()
    }
}
