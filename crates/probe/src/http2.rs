//! HTTP/2: a few connections per shape, many requests at once on each.

mod pool;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use http::{Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::Builder;
use hyper_util::rt::TokioIo;
use tokio::task::spawn_local;

use crate::body::{Check, Upload};
use crate::deadline::Deadline;
use crate::fate::{Kind, Outcome};
use crate::job::{Answer, Job};
use crate::ledger::ConnectionUse;
use crate::transport::connect;
use crate::worker::Worker;
use crate::{classify, clock, http1};
use pool::Link;
pub(crate) use pool::Pool;

/// Runs hyper's own tasks on this thread.
#[derive(Clone, Copy)]
struct Here;

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, task: F) {
        spawn_local(task);
    }
}

/// Sends a request on an open connection, or on a new one.
pub(crate) fn send(worker: &Rc<Worker>, mut job: Job) {
    job.ticket.begin(worker.clock.now());
    spawn_local(carry(worker.clone(), job));
}

async fn carry(worker: Rc<Worker>, mut job: Job) {
    let mut deadline = worker.sweeper.deadline(worker.clock.now() + worker.patience(job.shape));
    loop {
        let link = match find(&worker, &job).await {
            Ok(link) => link,
            Err(outcome) => return worker.close(job.ticket, outcome, Answer::default()),
        };
        link.streams.update(|streams| streams + 1);
        let unsent = exchange(&worker, &link, &mut deadline, job).await;
        link.streams.update(|streams| streams - 1);
        match unsent {
            // It never left, on a connection that has carried others: any client opens another.
            Some(back) => {
                worker.found_closed();
                job = back;
            }
            None => return,
        }
    }
}

/// A connection with room: one of the pool, or a new one.
async fn find(worker: &Rc<Worker>, job: &Job) -> Result<Rc<Link>, Outcome> {
    if job.fresh {
        return open(worker).await;
    }
    let pool = &worker.sources[job.shape].streams;
    loop {
        if let Some(link) = pool.pick() {
            return Ok(link);
        }
        if pool.opening.get() >= pool.least {
            // Enough are being opened already; one of them will have room, or show why none can be had.
            pool.opened.notified().await;
            continue;
        }
        pool.opening.update(|opening| opening + 1);
        let opened = open(worker).await;
        pool.opening.update(|opening| opening - 1);
        if let Ok(link) = &opened {
            pool.links.borrow_mut().push(link.clone());
        }
        pool.opened.notify_waiters();
        return opened;
    }
}

async fn open(worker: &Rc<Worker>) -> Result<Rc<Link>, Outcome> {
    let tls = worker.tls_http2.as_ref();
    let (transport, meter) = connect(worker.addresses.next(), tls, worker.load.connect_timeout).await?;
    worker.opened();
    let mut builder = Builder::new(Here);
    builder.initial_stream_window_size(1 << 20).initial_connection_window_size(16 << 20);
    let (sender, connection) = builder
        .handshake(TokioIo::new(transport))
        .await
        .map_err(|error| Outcome::of(classify::http2(&error, &meter, false), &error))?;
    spawn_local(async move {
        // Each stream hears of its end by itself.
        let _ = connection.await;
    });
    Ok(Rc::new(Link {
        sender: RefCell::new(sender),
        meter,
        opened: worker.clock.now(),
        carried: Cell::new(0),
        streams: Cell::new(0),
    }))
}

/// One request; it comes back if nothing of it could be sent and the connection had carried others before.
async fn exchange(worker: &Rc<Worker>, link: &Link, deadline: &mut Deadline, job: Job) -> Option<Job> {
    let before = link.carried.get();
    let connection =
        ConnectionUse { local: link.meter.local, remote: link.meter.remote, opened: link.opened, before };
    let mut answer = Answer { connection: Some(connection), ..Answer::default() };
    link.carried.set(before + 1);
    let request = worker.sources[job.shape].request(&job);
    let outcome = match head(link, deadline, request).await {
        Ok(Some(head)) => {
            answer.status = Some(head.status().as_u16());
            answer.version = worker.version(head.headers());
            judge(worker, link, deadline, &job, head).await
        }
        Ok(None) => Kind::ResponseTimeout.into(),
        Err(Unanswered { unsent: true, .. }) if before > 0 => return Some(job),
        Err(Unanswered { error, .. }) => Outcome::of(classify::http2(&error, &link.meter, false), &error),
    };
    worker.close(job.ticket, outcome, answer);
    None
}

struct Unanswered {
    error: hyper::Error,
    /// hyper gave the request back: nothing of it left.
    unsent: bool,
}

/// The answer's head; `None` if it came too late.
async fn head(
    link: &Link,
    deadline: &mut Deadline,
    request: Request<Upload>,
) -> Result<Option<Response<Incoming>>, Unanswered> {
    let mut answer = pin!(link.sender.borrow_mut().try_send_request(request));
    poll_fn(|context| match answer.as_mut().poll(context) {
        Poll::Ready(Ok(answer)) => Poll::Ready(Ok(Some(answer))),
        Poll::Ready(Err(mut failure)) => {
            let unsent = failure.take_message().is_some();
            Poll::Ready(Err(Unanswered { error: failure.into_error(), unsent }))
        }
        Poll::Pending => deadline.poll(context).map(|()| Ok(None)),
    })
    .await
}

async fn judge(
    worker: &Worker,
    link: &Link,
    deadline: &mut Deadline,
    job: &Job,
    head: Response<Incoming>,
) -> Outcome {
    let status = head.status();
    let mut body = head.into_body();
    let think = worker.sources[job.shape].think();
    if !think.is_zero() && job.payload.size() == 0 {
        clock::sleep(think).await;
    }
    let mut check = Check::new(&worker.load.shapes[job.shape].expect, &job.payload);
    poll_fn(|context| {
        loop {
            return match Pin::new(&mut body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Some(bytes) = frame.data_ref() {
                        check.see(bytes);
                    }
                    continue;
                }
                Poll::Ready(Some(Err(error))) => {
                    Poll::Ready(Outcome::of(classify::http2(&error, &link.meter, true), &error))
                }
                Poll::Ready(None) => Poll::Ready(http1::verdict(status, &check)),
                Poll::Pending => deadline.poll(context).map(|()| Kind::ResponseTimeout.into()),
            };
        }
    })
    .await
}
