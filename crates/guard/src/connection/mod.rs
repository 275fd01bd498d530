//! One client's connection and its counterpart to the application, carried by one task.
//!
//! ```text
//!   client ── up: read, look, write ──▶ application
//!          ◀── down: read, look, write ──
//! ```
//! Each direction reads no more than one buffer ahead of what it could write. How one side ends, the other is ended: an
//! end by an end, a reset by a reset; only an HTTP/1 client between two messages is kept when the application closes
//! (see [`renew`]).

mod close;
mod closing;
mod detect;
mod half_connection;
mod head;
mod http1;
mod http2;
mod protocol;
mod renew;
mod renewal;
mod said;
mod state;
mod tunnel;
mod unfinished;
mod unread;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::net::{Shutdown, shutdown};
use segue_core::pod::Protocol;
use tokio::net::TcpStream;

use crate::registration::Registration;
use crate::snapshot::add;
use crate::table::{Command, ConnectionState};
use crate::upstream::Application;
use renewal::Upstream;
use state::{Connection, Reset};

/// Ends a connection so that its peer sees a reset.
pub(crate) fn reset(stream: TcpStream) {
    // If it has ended already there is nothing to reset.
    let _ = stream.set_zero_linger();
    drop(stream);
}

/// Carries a connection from its accept to its end.
pub(crate) async fn carry(
    registration: Registration,
    client: TcpStream,
    to: Arc<Application>,
    protocol: Protocol,
) {
    let connected = Box::pin(to.connect()).await;
    let Ok(application) = connected else {
        add(&registration.shared.metrics.counters.upstream_refused);
        reset(client);
        return;
    };
    let mut connection = Connection::new(registration, client, application, to, protocol);
    poll_fn(|context| connection.poll(context)).await;
}

impl Connection {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.registration.entry.register(context.waker());
        self.step(context).unwrap_or_else(|Reset| {
            // A socket that refuses has ended already.
            let _ = self.client.set_zero_linger();
            if let Upstream::Open(application) = &self.application {
                let _ = application.set_zero_linger();
            }
            Poll::Ready(())
        })
    }

    fn step(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, Reset> {
        let command = self.registration.entry.take_command();
        if command == Command::Cut {
            let is_idle =
                matches!(self.registration.state(), ConnectionState::Kept | ConnectionState::Closing);
            return if is_idle { Ok(Poll::Ready(())) } else { Err(Reset) };
        }
        self.pass(context)?;
        // What had arrived before the command was looked at first.
        if command != Command::None && self.is_idle() {
            self.close_idle(context, command);
            self.pass(context)?;
        }
        if self.is_head_overdue(context) {
            self.close_unfinished();
            self.pass(context)?;
        }
        if self.is_overdue(context) {
            self.protocol.client_ended(&mut self.registration);
            return Ok(Poll::Ready(()));
        }
        let is_over = self.up.finished && self.down.finished;
        Ok(if is_over { Poll::Ready(()) } else { Poll::Pending })
    }

    fn pass(&mut self, context: &mut Context<'_>) -> Result<(), Reset> {
        loop {
            self.again = false;
            self.poll_connect(context)?;
            self.pass_up(context)?;
            self.pass_down(context)?;
            if !self.again {
                return Ok(());
            }
        }
    }

    /// From the client to the application.
    fn pass_up(&mut self, context: &mut Context<'_>) -> Result<(), Reset> {
        while !self.up.finished {
            if self.up.has_output() {
                match self.write_up(context) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => self.stop_writing_up(),
                    Poll::Pending => return Ok(()),
                }
            }
            if self.up.has_input() {
                self.said_between_exchanges(Self::client_said);
                if self.up.has_output() {
                    continue;
                }
            }
            if self.up.ended {
                self.client_ended();
                continue;
            }
            self.forget_application();
            let limit = self.protocol.limit();
            match self.up.poll_fill(context, &mut self.client, &self.registration.shared.pool, limit) {
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(_)) => return Err(Reset),
                Poll::Pending => return Ok(()),
            }
        }
        Ok(())
    }

    /// From the application to the client.
    fn pass_down(&mut self, context: &mut Context<'_>) -> Result<(), Reset> {
        while !self.down.finished {
            if self.down.has_output() {
                match self.down.poll_flush(context, &mut self.client) {
                    Poll::Ready(Ok(())) => {}
                    // The client is gone.
                    Poll::Ready(Err(_)) => return Err(Reset),
                    Poll::Pending => return Ok(()),
                }
            }
            self.flushed();
            if self.down.finished {
                return Ok(());
            }
            if self.down.has_input() {
                self.application_said();
                if self.down.has_output() {
                    continue;
                }
            }
            if self.down.ended {
                match self.application_ended(context)? {
                    Poll::Ready(()) => continue,
                    Poll::Pending => return Ok(()),
                }
            }
            if self.put_down(context) {
                continue;
            }
            let limit = self.protocol.limit();
            let Upstream::Open(application) = &mut self.application else { return Ok(()) };
            match self.down.poll_fill(context, application, &self.registration.shared.pool, limit) {
                Poll::Ready(Ok(0)) => {}
                Poll::Ready(Ok(_)) => self.renewal.is_answered(),
                Poll::Ready(Err(_)) if self.may_rest() => self.rest(),
                Poll::Ready(Err(_)) => {
                    self.count_broken_off();
                    return Err(Reset);
                }
                Poll::Pending => return Ok(()),
            }
        }
        Ok(())
    }

    /// The application takes nothing any more; what it has said already may still come.
    fn stop_writing_up(&mut self) {
        self.write_failed = true;
        self.renewal.give_up();
        self.up.finished = true;
        self.up.release(&self.registration.shared.pool);
    }

    /// The client has ended and everything that is understood has been written.
    fn client_ended(&mut self) {
        if !self.passes_blindly() {
            self.protocol.client_ended(&mut self.registration);
        }
        if self.up.has_input() {
            // The beginning of something that will never be whole: the application may have a word for that.
            if matches!(self.application, Upstream::Closed) {
                self.up.skip_all();
            } else {
                self.up.pass_all();
            }
            return;
        }
        if self.protocol.say_end(&mut self.up) {
            return;
        }
        self.up.finished = true;
        self.up.release(&self.registration.shared.pool);
        match &self.application {
            Upstream::Open(application) => {
                let _ = shutdown(application, Shutdown::Write);
            }
            Upstream::Resting | Upstream::Connecting(_) => {
                self.application = Upstream::Closed;
                self.finish_down();
            }
            Upstream::Closed => {}
        }
    }

    /// The application has ended and everything that it said has been written.
    fn application_ended(&mut self, context: &mut Context<'_>) -> Result<Poll<()>, Reset> {
        if self.down.has_input() {
            self.down.pass_all();
            return Ok(Poll::Ready(()));
        }
        if self.may_rest() {
            self.rest();
            return Ok(Poll::Ready(()));
        }
        match self.poll_untaken(context) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(true) => {
                self.send_again();
                return Ok(Poll::Ready(()));
            }
            Poll::Ready(false) => self.renewal.give_up(),
        }
        self.count_broken_off();
        // It reset the connection in the middle of an answer: a clean end would make the client take that for a whole one.
        if self.write_failed && self.protocol.is_waiting() {
            return Err(Reset);
        }
        self.finish_down();
        self.mirror_end();
        Ok(Poll::Ready(()))
    }

    /// Counts the answers that the application still owed when it ended; none where the client ended first.
    fn count_broken_off(&self) {
        if !self.up.ended {
            let count = u64::from(self.protocol.without_answer(self.registration.in_flight()));
            let counter = &self.registration.shared.metrics.counters.broken_off;
            counter.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
        }
    }

    fn finish_down(&mut self) {
        let _ = shutdown(&self.client, Shutdown::Write);
        self.down.finished = true;
        self.down.release(&self.registration.shared.pool);
        self.again = true;
    }
}

#[cfg(test)]
mod tests;
