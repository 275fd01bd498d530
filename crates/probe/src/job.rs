//! One request on its way through a thread, and what is known at its end.

use std::sync::Arc;

use crate::body::Payload;
use crate::ledger::{ConnectionUse, Ticket};

/// A request on its way.
pub(crate) struct Job {
    pub(crate) shape: usize,
    pub(crate) ticket: Ticket,
    pub(crate) payload: Payload,
    pub(crate) fresh: bool,
}

/// What is known when a job is over; its time is taken where it is written down.
#[derive(Default)]
pub(crate) struct Answer {
    pub(crate) status: Option<u16>,
    pub(crate) version: Option<Arc<str>>,
    pub(crate) connection: Option<ConnectionUse>,
}
