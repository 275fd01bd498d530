//! WebSockets: messages sent by schedule, each to be echoed; sockets that are to end politely.
//!
//! Two things are entered in the ledger. Each *message* ends with its echo, or lost with its socket. Each *socket* is
//! one long request, from its 101 to its end: a close frame (and the codes that stand for an error are not meant) is
//! a good end, anything else a drop. A socket that the server closed is opened again for the next message; messages
//! that had not left yet go there. A handshake that fails is the fate of the messages that it was for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use segue_wire::websocket::{Decoder, Message, Opcode, Rules, Sender, accept_key, code, encode, request_key};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::task::spawn_local;

use crate::body::Upload;
use crate::classify::{self, Reached};
use crate::fate::{Fate, Kind};
use crate::ledger::{ConnectionUse, Ticket};
use crate::transport::{Transport, connect};
use crate::worker::{Answer, Deadline, Job, Worker};

/// A message's number is sixteen digits.
pub(crate) const SHORTEST: usize = 16;

/// How long a server may take to answer a close frame at the end of the run.
const GOODBYE: Duration = Duration::from_secs(5);

/// Echoes longer than this are refused; the longest message is as long as its body.
const LONGEST_ECHO: u64 = 64 << 20;

/// The sockets of one shape.
pub(crate) struct Pool {
    size: usize,
    turn: Cell<usize>,
    sockets: RefCell<Vec<Rc<Mailbox>>>,
}

/// By which messages are handed to a socket's task.
#[derive(Default)]
struct Mailbox {
    jobs: RefCell<VecDeque<Job>>,
    waker: Cell<Option<Waker>>,
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
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Sends a message on the socket whose turn it is, or on one of its own.
pub(crate) fn send(worker: &Rc<Worker>, mut job: Job) {
    job.ticket.begin(worker.clock.now());
    let pool = &worker.lanes[job.shape].sockets;
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
        match open(&worker, shape).await {
            Ok(mut socket) => {
                let fate = poll_fn(|context| socket.poll(context, &worker, &mailbox, once)).await;
                socket.end(&worker, fate);
            }
            Err((fate, status)) => {
                let waiting = std::mem::take(&mut *mailbox.jobs.borrow_mut());
                for job in waiting {
                    worker.close(job.ticket, fate, Answer { status, ..Answer::default() });
                }
            }
        }
    }
}

type Refused = (Fate, Option<u16>);

/// Connects and shakes hands.
async fn open(worker: &Rc<Worker>, shape: usize) -> Result<Socket, Refused> {
    let tls = worker.tls_http1.as_ref();
    let opening = connect(worker.addresses.next(), tls, worker.load.connect_timeout);
    let (transport, meter) = opening.await.map_err(|fate| (fate, None))?;
    worker.opened();
    let opened = worker.clock.now();
    let mut random = [0; 16];
    // Without it the key would be a known one, which nothing here depends on.
    let _ = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let key = request_key(random);
    let reached = Reached::start(&meter, 0);
    let broken = |error: &hyper::Error| (Fate::Dropped(classify::http1(error, &meter, &reached)), None);
    let (mut sender, mut connection) =
        handshake(TokioIo::new(transport)).await.map_err(|error| broken(&error))?;
    let mut answer = pin!(sender.send_request(upgrade(worker, shape, &key)));
    let mut deadline = Deadline::new(worker.clock, opened + worker.load.timeout);
    let mut over = None;
    let head = poll_fn(|context| {
        // Once it has ended it must not be polled again; it is only dropped with this function.
        if over.is_none()
            && let Poll::Ready(end) = connection.poll_without_shutdown(context)
        {
            over = Some(end);
        }
        match answer.as_mut().poll(context) {
            Poll::Ready(head) => Poll::Ready(head.map_err(|error| broken(&error))),
            Poll::Pending if over.is_some() => {
                Poll::Ready(Err((Fate::Dropped(Kind::ClosedWithoutAnswer), None)))
            }
            Poll::Pending => {
                deadline.poll(context).map(|()| Err((Fate::Dropped(Kind::ResponseTimeout), None)))
            }
        }
    })
    .await?;
    let status = head.status();
    if status != StatusCode::SWITCHING_PROTOCOLS {
        let kind =
            if status.as_u16() >= 500 { Kind::Status(status.as_u16()) } else { Kind::WebSocketRefused };
        return Err((Fate::Dropped(kind), Some(status.as_u16())));
    }
    if head.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes)
        != Some(accept_key(&key).as_bytes())
    {
        return Err((Fate::Dropped(Kind::ProtocolError), Some(status.as_u16())));
    }
    let version = worker.version(head.headers());
    drop(head);
    if over.is_none() {
        let end = poll_fn(|context| connection.poll_without_shutdown(context)).await;
        end.map_err(|error| broken(&error))?;
    }
    let parts = connection.into_parts();
    let seed = u64::from_ne_bytes(random.first_chunk().copied().unwrap_or_default());
    Ok(Socket {
        io: parts.io.into_inner(),
        read: BytesMut::from(&parts.read_buf[..]).freeze(),
        write: BytesMut::new(),
        decoder: Decoder::new(Rules::strict(Sender::Server), LONGEST_ECHO),
        waiting: VecDeque::new(),
        late: Vec::new(),
        ticket: Some(worker.enter(shape, NO_NUMBER, opened)),
        deadline,
        patience: worker.patience(shape),
        version,
        connection: ConnectionUse { local: meter.local, remote: meter.remote, opened, before: 0 },
        keys: seed,
        goodbye: None,
        echoed_close: false,
    })
}

/// A socket is not one of the numbered messages.
const NO_NUMBER: u64 = u64::MAX;

fn upgrade(worker: &Worker, shape: usize, key: &str) -> Request<Upload> {
    let lane = &worker.lanes[shape];
    let mut request = Request::new(Upload::empty());
    *request.uri_mut() = lane.uri().clone();
    let mut headers: HeaderMap = lane.headers().clone();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Ok(key) = HeaderValue::from_str(key) {
        headers.insert(SEC_WEBSOCKET_KEY, key);
    }
    *request.headers_mut() = headers;
    request
}

/// An open WebSocket.
struct Socket {
    io: Transport,
    read: Bytes,
    write: BytesMut,
    decoder: Decoder,
    /// Sent and not echoed.
    waiting: VecDeque<(Job, Duration)>,
    /// Given up; their echoes may still come.
    late: Vec<Vec<u8>>,
    ticket: Option<Ticket>,
    deadline: Deadline,
    patience: Duration,
    version: Option<Arc<str>>,
    connection: ConnectionUse,
    keys: u64,
    /// This side has said goodbye, and waits for the answer until then.
    goodbye: Option<Duration>,
    /// The other side has said goodbye, and has been answered once `write` is empty.
    echoed_close: bool,
}

impl Socket {
    /// Ready with the socket's own fate when it has ended.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        worker: &Worker,
        mailbox: &Mailbox,
        once: bool,
    ) -> Poll<Fate> {
        loop {
            if let Some(fate) = self.receive(worker) {
                return Poll::Ready(fate);
            }
            // What came is read before anything is sent: no message goes to a server that has said goodbye already.
            if !mailbox.jobs.borrow().is_empty() && self.io.has_unread() {
                match self.fill(context) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(self.lost()),
                    Poll::Ready(Ok(_)) => continue,
                    // The runtime has not seen it yet, and will wake this task once it has.
                    Poll::Pending if self.io.has_unread() => return Poll::Pending,
                    Poll::Pending => {}
                }
            }
            self.take_messages(worker, mailbox);
            self.give_up(worker);
            self.say_goodbye(worker, mailbox, once || worker.finishing());
            match self.flush(context) {
                Poll::Ready(Err(_)) => return Poll::Ready(self.lost()),
                Poll::Ready(Ok(())) if self.echoed_close => return Poll::Ready(Fate::Ok),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            match self.fill(context) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(self.lost()),
                Poll::Ready(Ok(_)) => continue,
                Poll::Pending => {}
            }
            mailbox.waker.set(Some(context.waker().clone()));
            if let Some(goodbye) = self.goodbye {
                self.deadline.postpone(goodbye);
            } else if let Some((_, until)) = self.waiting.front() {
                self.deadline.postpone(*until);
            } else {
                return Poll::Pending;
            }
            ready!(self.deadline.poll(context));
            if self.goodbye.is_some() {
                return Poll::Ready(Fate::Ok);
            }
        }
    }

    /// Takes what came; the socket's fate, if it says goodbye or makes no sense.
    fn receive(&mut self, worker: &Worker) -> Option<Fate> {
        let bytes = std::mem::take(&mut self.read);
        let mut left = &bytes[..];
        loop {
            match self.decoder.decode(&mut left) {
                Ok(None) => return None,
                Err(error) => {
                    tracing::debug!(%error, "a WebSocket is not understood");
                    return Some(Fate::Dropped(Kind::ProtocolError));
                }
                Ok(Some(Message::Text(text))) => self.echo(worker, text.as_bytes()),
                Ok(Some(Message::Binary(bytes))) => self.echo(worker, &bytes),
                Ok(Some(Message::Ping(payload))) => self.frame(Opcode::Pong, &payload),
                Ok(Some(Message::Pong(_))) => {}
                Ok(Some(Message::Close(close))) => {
                    if self.goodbye.is_some() {
                        return Some(Fate::Ok);
                    }
                    if close.as_ref().is_some_and(|close| is_failure(close.code)) {
                        return Some(Fate::Dropped(Kind::ProtocolError));
                    }
                    let payload = close.map(|close| close.code.to_be_bytes());
                    self.frame(Opcode::Close, payload.as_ref().map_or(&[], |code| &code[..]));
                    self.echoed_close = true;
                    return None;
                }
            }
        }
    }

    /// An echo belongs to the message that it carries the number of.
    fn echo(&mut self, worker: &Worker, bytes: &[u8]) {
        let number = &bytes[..bytes.len().min(SHORTEST)];
        let sent = |job: &Job| job.payload.bytes();
        let found = self.waiting.iter().position(|(job, _)| sent(job).starts_with(number));
        if found.is_none() && self.late.iter().any(|late| late == number) {
            self.late.retain(|late| late != number);
            return;
        }
        // One that nobody waits for is the wrong answer to the one that was to come next.
        let Some((job, _)) = self.waiting.remove(found.unwrap_or(0)) else { return };
        let right = found.is_some() && sent(&job) == bytes;
        let fate = if right { Fate::Ok } else { Fate::Dropped(Kind::WrongBody) };
        self.close(worker, job.ticket, fate);
    }

    fn take_messages(&mut self, worker: &Worker, mailbox: &Mailbox) {
        if self.goodbye.is_some() || self.echoed_close {
            return;
        }
        while let Some(job) = { mailbox.jobs.borrow_mut().pop_front() } {
            self.frame(Opcode::Binary, &job.payload.bytes());
            self.waiting.push_back((job, worker.clock.now() + self.patience));
        }
    }

    /// Messages that were not echoed in time.
    fn give_up(&mut self, worker: &Worker) {
        let now = worker.clock.now();
        while self.waiting.front().is_some_and(|(_, until)| *until <= now) {
            let Some((job, _)) = self.waiting.pop_front() else { return };
            let mut number = job.payload.bytes();
            number.truncate(SHORTEST);
            self.late.push(number);
            self.close(worker, job.ticket, Fate::Dropped(Kind::ResponseTimeout));
        }
    }

    fn say_goodbye(&mut self, worker: &Worker, mailbox: &Mailbox, wanted: bool) {
        let idle = self.waiting.is_empty() && mailbox.jobs.borrow().is_empty();
        if wanted && idle && self.goodbye.is_none() && !self.echoed_close {
            self.goodbye = Some(worker.clock.now() + GOODBYE);
            self.frame(Opcode::Close, &code::NORMAL.to_be_bytes());
        }
    }

    /// The connection ended. After this side's goodbye that is in order.
    fn lost(&self) -> Fate {
        if self.goodbye.is_some() || self.echoed_close {
            Fate::Ok
        } else {
            Fate::Dropped(Kind::WebSocketNoClose)
        }
    }

    /// Writes down the socket's end, and the loss of what was on its way.
    fn end(&mut self, worker: &Worker, fate: Fate) {
        while let Some((job, _)) = self.waiting.pop_front() {
            self.close(worker, job.ticket, Fate::Dropped(Kind::WebSocketLost));
        }
        if let Some(ticket) = self.ticket.take() {
            // The first on its connection, whatever went over it since.
            self.connection.before = 0;
            worker.close_lasting(ticket, fate, self.answer(Some(StatusCode::SWITCHING_PROTOCOLS.as_u16())));
        }
    }

    fn close(&mut self, worker: &Worker, ticket: Ticket, fate: Fate) {
        worker.close(ticket, fate, self.answer(None));
        self.connection.before += 1;
    }

    fn answer(&self, status: Option<u16>) -> Answer {
        Answer { status, version: self.version.clone(), connection: Some(self.connection) }
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        // A step of a linear congruence: the mask must differ from frame to frame, nothing here is secret.
        self.keys = self.keys.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = (self.keys >> 32) as u32;
        let mut frame = Vec::new();
        encode(opcode, payload, Some(key.to_ne_bytes()), &mut frame);
        self.write.extend_from_slice(&frame);
    }

    fn flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.write.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(context, &self.write))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let _ = self.write.split_to(written);
        }
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [0; 16 * 1024];
        let mut buffer = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(context, &mut buffer))?;
        self.read = Bytes::copy_from_slice(buffer.filled());
        Poll::Ready(Ok(self.read.len()))
    }
}

/// Codes by which a server says that something went wrong, not that it leaves.
fn is_failure(code: u16) -> bool {
    matches!(code, 1002 | 1003 | 1007..=1011 | 1014)
}
