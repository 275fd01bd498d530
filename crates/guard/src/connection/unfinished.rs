//! A connection whose head does not become whole in time is closed.

use std::task::Context;
use std::time::Duration;

use super::head::Head;
use super::protocol::ProtocolState;
use super::state::Connection;
use crate::clock;
use crate::snapshot::add;

impl Connection {
    /// Whether a head has begun that did not become whole in time.
    pub(super) fn is_head_overdue(&mut self, context: &mut Context<'_>) -> bool {
        if !self.is_in_first_head() {
            self.head = None;
            return false;
        }
        let (now, length) = (clock::now(), self.up.input().len());
        let shared = &self.registration.shared;
        let head = self.head.get_or_insert_with(|| {
            let timer = Box::pin(clock::sleep(Duration::ZERO));
            Head { began: now, length, grew: now, until: now, timer }
        });
        if head.length != length {
            (head.length, head.grew) = (length, now);
        }
        let deadline = head.deadline(&shared.settings, shared.announced());
        if now >= deadline {
            return true;
        }
        if head.until != deadline {
            (head.until, head.timer) = (deadline, Box::pin(clock::sleep(deadline.since(now))));
        }
        // It runs in finer steps than the time that is compared: never early.
        head.timer.as_mut().poll(context).is_ready()
    }

    fn is_in_first_head(&self) -> bool {
        let is_unfinished = match &self.protocol {
            ProtocolState::Unknown { .. } => self.up.has_input(),
            ProtocolState::Http1(http) => http.is_in_first_head(),
            _ => false,
        };
        is_unfinished && self.closing.is_none() && !self.up.finished
    }

    /// Closes it as if it were idle: what has come of a request is for nobody.
    pub(super) fn close_unfinished(&mut self) {
        self.head = None;
        add(&self.registration.shared.metrics.counters.unfinished);
        self.up.skip_all();
        self.close_idle_now();
        if let ProtocolState::Http1(http) = &mut self.protocol {
            http.ignore();
        }
    }
}
