//! An open WebSocket: what goes out, what comes back, and how it ends.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use segue_wire::websocket::{Decoder, Message, Opcode, Rules, Sender, code, encode};
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::pool::{Mailbox, SHORTEST};
use crate::deadline::Deadline;
use crate::fate::{Fate, Kind, Outcome};
use crate::job::{Answer, Job};
use crate::ledger::{ConnectionUse, Ticket};
use crate::transport::Transport;
use crate::worker::Worker;

/// How long a server may take to answer a close frame at the end of the run.
const GOODBYE: Duration = Duration::from_secs(5);

/// A socket is not one of the numbered messages.
const NO_NUMBER: u64 = u64::MAX;

/// An open WebSocket.
pub(super) struct Socket {
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

/// What a handshake leaves.
pub(super) struct Open {
    pub(super) io: Transport,
    /// What came right behind the answer.
    pub(super) read: Bytes,
    pub(super) version: Option<Arc<str>>,
    pub(super) connection: ConnectionUse,
    pub(super) seed: u64,
}

impl Socket {
    pub(super) fn new(worker: &Worker, shape: usize, open: Open, deadline: Deadline) -> Self {
        let Open { io, read, version, connection, seed } = open;
        // One that is longer than what was sent is wrong, and need not be held whole.
        let longest_echo = (worker.sources[shape].pattern.len() as u64 * 2).max(1 << 20);
        Self {
            io,
            read,
            write: BytesMut::new(),
            decoder: Decoder::new(Rules::strict(Sender::Server), longest_echo),
            waiting: VecDeque::new(),
            late: Vec::new(),
            ticket: Some(worker.enter(shape, NO_NUMBER, connection.opened)),
            deadline,
            patience: worker.patience(shape),
            version,
            connection,
            keys: seed,
            goodbye: None,
            echoed_close: false,
        }
    }

    /// Ready with what became of the socket itself when it has ended.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        worker: &Worker,
        mailbox: &Mailbox,
        once: bool,
    ) -> Poll<Outcome> {
        loop {
            if let Some(outcome) = self.receive(worker) {
                return Poll::Ready(outcome);
            }
            // What came is read before anything is sent: no message goes to a server that has said goodbye already.
            if !mailbox.jobs.borrow().is_empty() && self.io.has_unread() {
                match self.fill(context) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(self.lost().into()),
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
                Poll::Ready(Err(_)) => return Poll::Ready(self.lost().into()),
                Poll::Ready(Ok(())) if self.echoed_close => return Poll::Ready(Fate::Ok.into()),
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
            match self.fill(context) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(self.lost().into()),
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
                return Poll::Ready(Fate::Ok.into());
            }
        }
    }

    /// Takes what came; what became of the socket, if it says goodbye or makes no sense.
    fn receive(&mut self, worker: &Worker) -> Option<Outcome> {
        let bytes = std::mem::take(&mut self.read);
        let mut left = &bytes[..];
        loop {
            match self.decoder.decode(&mut left) {
                Ok(None) => return None,
                Err(error) => return Some(Outcome::of(Kind::ProtocolError, &error)),
                Ok(Some(Message::Text(text))) => self.echo(worker, text.as_bytes()),
                Ok(Some(Message::Binary(bytes))) => self.echo(worker, &bytes),
                Ok(Some(Message::Ping(payload))) => self.frame(Opcode::Pong, &payload),
                Ok(Some(Message::Pong(_))) => {}
                Ok(Some(Message::Close(close))) => {
                    if self.goodbye.is_some() {
                        return Some(Fate::Ok.into());
                    }
                    if let Some(close) = close.as_ref().filter(|close| is_failure(close.code)) {
                        let cause = format!("closed with {}", close.code);
                        return Some(Outcome::because(Kind::ProtocolError, &cause));
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
    pub(super) fn end(&mut self, worker: &Worker, outcome: Outcome) {
        while let Some((job, _)) = self.waiting.pop_front() {
            self.close(worker, job.ticket, Fate::Dropped(Kind::WebSocketLost));
        }
        if let Some(ticket) = self.ticket.take() {
            // The first on its connection, whatever went over it since.
            self.connection.before = 0;
            worker.close_lasting(
                ticket,
                outcome,
                self.answer(Some(StatusCode::SWITCHING_PROTOCOLS.as_u16())),
            );
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
