//! How long the head of a request may take: the guard holds it back until it is whole, so the application can't time it
//! out.
//!
//! A head may take as long as the longest request, and 5 s at least. In a drain, one of which nothing comes holds nobody
//! up for longer than an idle connection does.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use segue_core::Time;
use tokio::time::Sleep;

use super::Connection;
use super::speech::Speech;
use crate::Settings;
use crate::clock;
use crate::picture::add;

/// How long a head may take at least, and how long nothing may come of it in a drain: two packets in a row that are lost
/// on the way are sent again within 3 s, and one within 1 s.
const AT_LEAST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));

/// A head that has begun.
#[derive(Debug)]
pub(super) struct Head {
    began: Time,
    /// How much of it there is, and since when.
    length: usize,
    grew: Time,
    /// Until when the timer runs.
    until: Time,
    timer: Pin<Box<Sleep>>,
}

impl Head {
    /// When it is waited for no longer.
    fn deadline(&self, settings: &Settings, announced: Option<Time>) -> Time {
        let (whole, silent) = AT_LEAST;
        let whole = self.began + settings.longest_request.max(whole);
        let silent = settings.linger.max(silent);
        announced.map_or(whole, |announced| whole.min(self.grew.max(announced) + silent))
    }
}

impl Connection {
    /// Whether a head has begun that did not become whole in time.
    pub(super) fn is_head_overdue(&mut self, context: &mut Context<'_>) -> bool {
        if !self.is_in_first_head() {
            self.head = None;
            return false;
        }
        let (now, length) = (clock::now(), self.up.input().len());
        let shared = &self.held.shared;
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
        let is_unfinished = match &self.speech {
            Speech::Unknown { .. } => self.up.has_input(),
            Speech::Http1(http) => http.is_in_first_head(),
            _ => false,
        };
        is_unfinished && self.closing.is_none() && !self.up.finished
    }

    /// Closes it as if it were idle: what has come of a request is for nobody.
    pub(super) fn close_unfinished(&mut self) {
        self.head = None;
        add(&self.held.shared.tally.counting.unfinished);
        self.up.skip_all();
        self.close_idle_now();
        if let Speech::Http1(http) = &mut self.speech {
            http.ignore();
        }
    }
}
