//! How a connection is closed without losing what is still on its way.
//!
//! The client's side is half-closed and read on: a client that has all of its answer closes too, and the end that it
//! sends is the proof. What it sends instead is a request that crossed the close, and is counted as lost. A close with
//! unread bytes would reset the connection, and take from the client what it has not read yet.

use std::task::{Context, Poll};
use std::time::Duration;

use rustix::net::sockopt;

use super::closing::Closing;
use super::half_connection::HalfConnection;
use super::protocol::ProtocolState;
use super::renewal::Upstream;
use super::state::Connection;
use super::unread::has_unread;
use crate::snapshot::add;
use crate::table::{Command, ConnectionState};

/// When an application that said its last word is asked whether it still listens to its client, in a protocol that is not
/// understood: one that has closed altogether would otherwise not be noticed while the client is silent.
const STILL_THERE: Duration = Duration::from_mins(1);

impl Connection {
    /// Nothing is in flight and nothing half said, and it may be closed.
    pub(super) fn is_idle(&self) -> bool {
        self.registration.state() == ConnectionState::Kept
            && ![&self.up, &self.down]
                .iter()
                .any(|half: &&HalfConnection| half.has_input() || half.has_output())
            && !has_unread(&self.client)
    }

    /// Closes an idle connection.
    pub(super) fn close_idle(&mut self, context: &mut Context<'_>, command: Command) {
        let counters = &self.registration.shared.metrics.counters;
        add(if command == Command::MakeRoom { &counters.over_limit_closed } else { &counters.closed_idle });
        if let ProtocolState::Http2(http) = &mut self.protocol {
            http.say_goodbye(&mut self.down);
            // An idle connection has room for it; if not, the end that follows says the same.
            let _ = self.down.poll_flush(context, &mut self.client);
        }
        self.close_idle_now();
    }

    /// Closes a connection that owes nobody anything.
    pub(super) fn close_idle_now(&mut self) {
        self.close_client(self.registration.shared.settings.linger);
        self.close_application();
    }

    /// The client was told that it has its last answer, and has it.
    pub(super) fn close_told(&mut self) {
        let settings = &self.registration.shared.settings;
        // The rest of its request may still be on its way.
        let within =
            if self.is_whole() { settings.linger } else { settings.longest_request.max(settings.linger) };
        self.close_client(within);
        self.forget_application();
    }

    /// Closes the application's connection once the client was told, and the last of what it asked has been written.
    pub(super) fn forget_application(&mut self) {
        if self.closing.as_ref().is_some_and(|closing| !closing.is_mirrored)
            && self.is_whole()
            && !matches!(self.application, Upstream::Closed)
        {
            self.close_application();
            self.closing = Some(Closing::new(false, self.registration.shared.settings.linger));
        }
    }

    /// Whether all that belongs to the client's requests has come and was written.
    fn is_whole(&self) -> bool {
        let is_between = match &self.protocol {
            ProtocolState::Http1(http) => http.is_between_requests(),
            ProtocolState::Http2(_) => true,
            _ => false,
        };
        is_between && !self.up.has_output()
    }

    /// The application ended the connection: the client was told by an end.
    pub(super) fn mirror_end(&mut self) {
        if self.closing.is_some() {
            return;
        }
        if matches!(self.protocol, ProtocolState::Bytes | ProtocolState::Tunnel(_)) {
            if let Upstream::Open(application) = &self.application {
                // Without it the connection is still carried, for longer than needed at worst.
                let _ = sockopt::set_socket_keepalive(application, true)
                    .and_then(|()| sockopt::set_tcp_keepidle(application, STILL_THERE));
            }
            return;
        }
        self.registration.update(ConnectionState::Closing, 0);
        self.closing = Some(Closing::new(true, self.registration.shared.settings.linger));
    }

    /// Whether what the client says passes without a look, because the application has said its last word.
    pub(super) fn passes_blindly(&self) -> bool {
        self.closing.as_ref().is_some_and(|closing| closing.is_mirrored)
    }

    /// Whether the client had its time.
    pub(super) fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        self.closing.as_mut().is_some_and(|closing| closing.timer.as_mut().poll(context) == Poll::Ready(()))
    }

    fn close_client(&mut self, within: Duration) {
        self.finish_down();
        self.registration.update(ConnectionState::Closing, 0);
        self.closing = Some(Closing::new(false, within));
    }

    fn close_application(&mut self) {
        self.application = Upstream::Closed;
        match &mut self.protocol {
            ProtocolState::Http1(http) => http.lose(),
            ProtocolState::Http2(http) => http.lose(),
            // It was about to say its first words.
            ProtocolState::Unknown { .. } => self.protocol = ProtocolState::of_lost(),
            ProtocolState::Bytes | ProtocolState::Tunnel(_) => {}
        }
    }
}
