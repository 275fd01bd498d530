//! Outside a drain an application that closes its connection between two messages of HTTP/1 loses no client.
//!
//! The client is kept, and its next request goes to a new connection. So a request that crosses the close is not lost: it
//! is looked for the application's end just before a request's first byte is written. What was written is sent again
//! only where the kernel shows that nothing of it was taken (`docs/decisions/0015-*`); what shows nothing is lost, as
//! without a guard.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use segue_core::pod::Protocol;

use super::protocol::ProtocolState;
use super::renewal::Upstream;
use super::state::{Connection, Reset};
use super::unread::{End, end_of, has_bytes};
use crate::clock;
use crate::snapshot::add;
use crate::table::ConnectionState;

/// The longest beginning of a request that is held to be sent again. It fits into the ten segments that a connection may
/// send at once after any pause, so the kernel sends it as one piece: taken whole or not at all.
const HELD: usize = 8 * 1024;

/// How often in a row an application may close a request's connection before it is left to have its way.
const ATTEMPTS: u8 = 3;

/// How long it is waited for the reset behind an end, and how often it is looked for. On one machine it is there at once.
const PROOF: (Duration, u8) = (Duration::from_millis(2), 25);

impl Connection {
    /// Lets `look` look at what the client said, and notes whether that begins a request.
    pub(super) fn said_between_exchanges(&mut self, look: impl FnOnce(&mut Self)) {
        let begins = match &self.protocol {
            ProtocolState::Http1(http) => http.is_between_exchanges(),
            ProtocolState::Unknown { .. } => true,
            _ => false,
        };
        look(self);
        if begins && self.up.has_output() && matches!(self.protocol, ProtocolState::Http1(_)) {
            self.renewal.is_untouched = true;
            self.renewal.written = Vec::new();
        }
    }

    /// Whether the application's end, seen now, need not be the client's.
    pub(super) fn may_rest(&self) -> bool {
        let is_between = match &self.protocol {
            ProtocolState::Http1(http) => {
                http.is_between_exchanges() || (self.renewal.is_untouched && http.is_before_an_answer())
            }
            ProtocolState::Unknown { .. } => self.configured == Protocol::Http || self.renewal.to.is_http1(),
            _ => false,
        };
        is_between
            && self.may_renew()
            && self.closing.is_none()
            && !self.registration.shared.is_announcing()
            && (!self.up.ended || self.up.has_output())
    }

    fn may_renew(&self) -> bool {
        // What the application has said unasked goes to the client first.
        !self.renewal.is_last && self.renewal.attempts < ATTEMPTS && !self.down.has_input()
    }

    /// The application closed between two messages. If it does not listen any more, the client is closed too.
    pub(super) fn rest(&mut self) {
        if self.registration.state() == ConnectionState::Kept
            && let Some(idle) = self.renewal.idle()
        {
            self.renewal.to.closed_after(idle);
        }
        self.connect();
    }

    fn connect(&mut self) {
        let to = self.renewal.to.clone();
        self.application = Upstream::Connecting(Box::pin(async move { to.connect().await }));
        self.renewal.answered = None;
        self.down.ended = false;
        self.down.release(&self.registration.shared.pool);
        self.again = true;
    }

    /// Goes on with a new connection once it is there.
    pub(super) fn poll_connect(&mut self, context: &mut Context<'_>) -> Result<(), Reset> {
        let Upstream::Connecting(connecting) = &mut self.application else { return Ok(()) };
        let Poll::Ready(connected) = connecting.as_mut().poll(context) else { return Ok(()) };
        let is_needed = self.up.has_output() || self.up.has_input() || has_bytes(&self.client);
        match connected {
            Ok(application) if is_needed => {
                add(&self.registration.shared.metrics.counters.reconnected);
                self.application = Upstream::Open(application);
                self.renewal.attempts += 1;
            }
            Ok(_) => self.application = Upstream::Resting,
            Err(_) => {
                add(&self.registration.shared.metrics.counters.upstream_refused);
                self.application = Upstream::Closed;
                if is_needed {
                    return Err(Reset);
                }
                self.finish_down();
                self.mirror_end();
            }
        }
        Ok(())
    }

    /// Writes what the client said to the application.
    pub(super) fn write_up(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let may_renew = self.may_renew();
        let requests = if let ProtocolState::Http1(http) = &self.protocol { http.outstanding() } else { 0 };
        let Upstream::Open(application) = &mut self.application else {
            if matches!(self.application, Upstream::Closed) {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if matches!(self.application, Upstream::Resting) {
                self.connect();
            }
            return Poll::Pending;
        };
        let renewal = &mut self.renewal;
        if !renewal.is_untouched {
            match if renewal.written.is_empty() { None } else { end_of(application) } {
                // What is written behind an end proves nothing of what was written before it.
                Some(End::Clean) => return Poll::Pending,
                Some(End::Reset) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                None => renewal.written = Vec::new(),
            }
            return self.up.poll_flush(context, application);
        }
        let is_about_to_close = renewal.idle().is_some_and(|idle| renewal.to.is_about_to_close(idle));
        if may_renew && (is_about_to_close || end_of(application).is_some()) {
            self.connect();
            return Poll::Pending;
        }
        let held = self.up.output(HELD).map(<[u8]>::to_vec);
        match ready!(self.up.poll_write(context, application)) {
            Err(_) if may_renew => {
                self.connect();
                return Poll::Pending;
            }
            written => written?,
        };
        renewal.is_untouched = false;
        renewal.requests = requests;
        renewal.written = held.filter(|_| !self.up.has_output()).unwrap_or_default();
        self.up.poll_flush(context, application)
    }

    /// The application ended with a request under way: whether the kernel shows that nothing of it was taken.
    ///
    /// An end, then a reset: the application had closed when the one piece came. A reset alone may as well come from one
    /// that has read a part, and an end alone from one that has read all.
    pub(super) fn poll_untaken(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        let may_renew = self.may_renew();
        let renewal = &mut self.renewal;
        let (between, times) = PROOF;
        if renewal.written.is_empty() || !may_renew || self.closing.is_some() {
            return Poll::Ready(false);
        }
        let Upstream::Open(application) = &self.application else { return Poll::Ready(false) };
        while renewal.looked < times {
            match application.take_error() {
                Ok(None) => {}
                Ok(Some(error)) => return Poll::Ready(error.kind() == io::ErrorKind::BrokenPipe),
                Err(_) => return Poll::Ready(false),
            }
            let wait = renewal.timer.get_or_insert_with(|| Box::pin(clock::sleep(between)));
            ready!(wait.as_mut().poll(context));
            renewal.timer = None;
            renewal.looked += 1;
        }
        Poll::Ready(false)
    }

    /// Sends on a new connection what the application has not taken.
    pub(super) fn send_again(&mut self) {
        let counter = &self.registration.shared.metrics.counters.resent;
        counter.fetch_add(self.renewal.requests, std::sync::atomic::Ordering::Relaxed);
        let written = std::mem::take(&mut self.renewal.written);
        self.up.put_back(written);
        // The end that the client may have said meanwhile is said again too.
        self.up.finished = false;
        self.renewal.is_untouched = true;
        (self.renewal.looked, self.renewal.timer) = (0, None);
        self.connect();
    }
}

#[cfg(test)]
mod tests;
