//! One connection, judged by itself: is a request in flight on it?

use std::time::Duration;

use super::settings::Settings;
use crate::snapshot::{Connection, TcpState, Traffic};

/// What a connection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    /// A request is in flight, as far as can be told.
    Busy,
    /// Open, with nothing in flight.
    Kept,
    /// Open; what is in flight can't be told.
    Unknown,
    /// Nothing can come of it any more.
    Over,
}

/// Judges a connection. `monitor`: all that came on it lately kept a probe period, so that an answered request needs
/// no `idle_after` to pass.
pub(super) fn judge(connection: &Connection, settings: &Settings, monitor: bool) -> Activity {
    match connection.state {
        TcpState::SynReceived => Activity::Busy,
        TcpState::Established | TcpState::CloseWait => open(connection, settings, monitor),
        // Nothing new can come; but an answer that is on its way dies with the pod.
        TcpState::FinWait1 | TcpState::Closing | TcpState::LastAck if connection.unacknowledged > 0 => {
            Activity::Busy
        }
        TcpState::FinWait1
        | TcpState::Closing
        | TcpState::LastAck
        | TcpState::FinWait2
        | TcpState::TimeWait
        | TcpState::Closed
        | TcpState::SynSent => Activity::Over,
    }
}

fn open(connection: &Connection, settings: &Settings, monitor: bool) -> Activity {
    if connection.unread > 0 || connection.unacknowledged > 0 {
        return Activity::Busy;
    }
    let Some(traffic) = connection.traffic else { return Activity::Unknown };
    // A socket without an inode belongs to no process: open as it is, it waits to be accepted.
    let unaccepted = connection.inode == 0;
    let on_its_way = traffic.unacknowledged_segments > 0 || traffic.unsent.is_some_and(|bytes| bytes > 0);
    let silent = traffic.last_received.min(traffic.last_sent);
    let in_use = silent < settings.idle_after && !monitor;
    if unaccepted || on_its_way || in_use || waits_for_answer(&traffic, settings.longest_request) {
        Activity::Busy
    } else {
        Activity::Kept
    }
}

/// Whether the last data came in, and not longer ago than a request takes.
fn waits_for_answer(traffic: &Traffic, longest: Option<Duration>) -> bool {
    if traffic.received == Some(0) {
        return false;
    }
    // Both in one tick of the kernel: an answer to what just came, unless nothing was ever sent. (Acknowledged bytes
    // may count the handshake's SYN.)
    let acknowledged = || traffic.acknowledged.map(|bytes| bytes.saturating_sub(1));
    let never_sent = traffic.sent.or_else(acknowledged).is_none_or(|bytes| bytes == 0);
    let unanswered = traffic.last_received < traffic.last_sent
        || (traffic.last_received == traffic.last_sent && never_sent);
    unanswered && longest.is_none_or(|longest| traffic.last_received < longest)
}

#[cfg(test)]
mod tests;
