//! What the proxy counts about itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::Serialize;

use crate::reason::{self, Reason};

/// The counters of one proxy, shared by its workers.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicUsize,
    pub(crate) accepted: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) accept_errors: AtomicU64,
    pub(crate) cut: AtomicU64,
    answers: [AtomicU64; reason::COUNT],
}

impl Counters {
    pub(crate) fn count(&self, reason: Reason) {
        self.answers[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Together with what is in flight now, which others count.
    pub(crate) fn view(&self, in_flight: u64) -> Stats {
        let own_answers = Reason::ALL
            .into_iter()
            .zip(&self.answers)
            .map(|(reason, count)| (reason.as_str(), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect();
        Stats {
            connections: self.connections.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            in_flight,
            accept_errors: self.accept_errors.load(Ordering::Relaxed),
            cut: self.cut.load(Ordering::Relaxed),
            own_answers,
        }
    }
}

/// What a proxy has done so far and holds now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Client connections open now.
    pub connections: usize,
    /// Client connections accepted so far.
    pub accepted: u64,
    /// Requests so far.
    pub requests: u64,
    /// Requests and upgraded connections in flight now.
    pub in_flight: u64,
    /// Times that accepting failed (out of file descriptors or memory).
    pub accept_errors: u64,
    /// Requests ended by a deadline.
    pub cut: u64,
    /// The proxy's own answers by their `segue-reason`.
    pub own_answers: BTreeMap<&'static str, u64>,
}
