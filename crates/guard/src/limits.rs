//! How many connections are carried: above the limit the longest idle is closed first, then the new one is refused.

use std::sync::atomic::Ordering;

use crate::picture::add;
use crate::shared::Shared;
use crate::table::Order;

/// Whether there is room for one more connection; makes it, if an idle one can go.
pub(crate) fn admit(shared: &Shared) -> bool {
    let tally = &shared.tally;
    let limit = u64::from(shared.settings.max_connections);
    let open = tally.connections.load(Ordering::Relaxed);
    // Those that close hold no buffer and no connection to the application: a few more of them do no harm.
    let closing = tally.closing.load(Ordering::Relaxed).min(limit / 4 + 1);
    if open.saturating_sub(closing) < limit {
        return true;
    }
    if let Some(idle) = shared.table.longest_idle() {
        idle.give(Order::MakeRoom);
        return true;
    }
    add(&tally.counting.over_limit_refused);
    false
}
