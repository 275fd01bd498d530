//! WebSockets: messages sent by schedule, each to be echoed; sockets that are to end politely.
//!
//! Two things are entered in the ledger. Each *message* ends with its echo, or lost with its socket. Each *socket* is
//! one long request, from its 101 to its end: a close frame (and the codes that stand for an error are not meant) is
//! a good end, anything else a drop. A socket that the server closed is opened again for the next message; messages
//! that had not left yet go there. A handshake that fails is the fate of the messages that it was for.

mod opening;
mod pool;
mod socket;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use tokio::task::spawn_local;

use crate::job::{Answer, Job};
use crate::worker::Worker;
use pool::Mailbox;
pub(crate) use pool::{Pool, SHORTEST};

/// Sends a message on the socket whose turn it is, or on one of its own.
pub(crate) fn send(worker: &Rc<Worker>, mut job: Job) {
    job.ticket.begin(worker.clock.now());
    let pool = &worker.sources[job.shape].sockets;
    let shape = job.shape;
    if job.fresh {
        let mailbox = Rc::new(Mailbox::default());
        mailbox.jobs.borrow_mut().push_back(job);
        spawn_local(live(worker.clone(), shape, mailbox, true));
        return;
    }
    let turn = pool.turn.get();
    pool.turn.set((turn + 1) % pool.size);
    let mut sockets = pool.sockets.borrow_mut();
    if sockets.len() <= turn {
        let mailbox = Rc::new(Mailbox::default());
        sockets.push(mailbox.clone());
        spawn_local(live(worker.clone(), shape, mailbox, false));
    }
    let mailbox = &sockets[turn];
    mailbox.jobs.borrow_mut().push_back(job);
    mailbox.wake();
}

/// One socket after the other, as long as there are messages.
async fn live(worker: Rc<Worker>, shape: usize, mailbox: Rc<Mailbox>, once: bool) {
    loop {
        let more = poll_fn(|context| {
            if !mailbox.jobs.borrow().is_empty() {
                Poll::Ready(true)
            } else if once || worker.finishing() {
                Poll::Ready(false)
            } else {
                mailbox.waker.set(Some(context.waker().clone()));
                Poll::Pending
            }
        });
        if !more.await {
            return;
        }
        match opening::open(&worker, shape).await {
            Ok(mut socket) => {
                let outcome = poll_fn(|context| socket.poll(context, &worker, &mailbox, once)).await;
                socket.end(&worker, outcome);
            }
            Err((outcome, status)) => {
                let waiting = std::mem::take(&mut *mailbox.jobs.borrow_mut());
                for job in waiting {
                    worker.close(job.ticket, outcome.clone(), Answer { status, ..Answer::default() });
                }
            }
        }
    }
}
