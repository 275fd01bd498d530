//! `struct tcp_info`, as much of it as the kernel has: it only ever grows at its end.

use std::time::Duration;

use super::message::number;
use crate::snapshot::Traffic;

/// Reads it; `None` if it is shorter than what every kernel since 2.6 gives.
pub(super) fn parse(info: &[u8]) -> Option<Traffic> {
    let milliseconds = |at| Some(Duration::from_millis(number(info, at)?.into()));
    let long = |at| Some(u64::from_ne_bytes(*info.get(at..)?.first_chunk()?));
    Some(Traffic {
        unacknowledged_segments: number(info, 24)?,
        last_sent: milliseconds(44)?,
        last_received: milliseconds(52)?,
        acknowledged: long(120),
        received: long(128),
        unsent: number(info, 144),
        sent: long(200),
    })
}
