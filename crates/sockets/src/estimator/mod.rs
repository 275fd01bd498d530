//! Judging: what snapshots say of the application's requests. No I/O and no clock; the same snapshots, the same answer.
//!
//! ```text
//!   Snapshot ─▶ activity   each connection by itself: busy, kept, over, or not to be told
//!           ─▶ arrivals   what came since the last snapshot ─▶ probe_period   what of it keeps a learnt period
//! ```

mod activity;
mod arrivals;
mod probe_period;
mod settings;

#[cfg(test)]
mod tests;

use segue_core::Time;
use segue_core::drain::InFlight;

use crate::snapshot::{Connection, Snapshot, Source, TcpState};
use activity::Activity;
use arrivals::ArrivalTracker;
use probe_period::ProbePeriods;
pub use settings::Settings;

/// So many arrivals in a row must have kept a probe period before their connection counts as a monitor's.
const MONITOR: u32 = 3;

/// What the snapshots so far say of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Connections with a request in flight: estimated, or unknown.
    pub in_flight: InFlight,
    /// When the last application request came, if one was seen. Where arrivals can't be counted, the moment of the
    /// snapshot: then only the bound ends a wait for quiet.
    pub last_request: Option<Time>,
    /// Open connections.
    pub connections: u64,
    /// Whether anything listens on any of the application's ports.
    pub listening: bool,
}

/// Judges snapshots, one after the other: the shorter between them, the more it sees. Every 200 ms they show probes that
/// are only counted well enough to learn a period of one second; every 500 ms, of two.
///
/// *Busy* is a connection on which bytes moved either way within `idle_after`; or bytes lie unread, unsent or
/// unacknowledged; or the last data came in, at most `longest_request` ago; or that waits to be accepted. What waits
/// in a queue for ever is busy for ever: the drain's own bound ends that. What was busy counts for one snapshot more.
///
/// *Probe periods* are learnt before a drain, per remote address and port, and excuse arrivals that keep them, at most one
/// each time. In doubt, an arrival is an application request: an origin that sends much besides has no period, and
/// then a drain waits for quiet to its bound. A connection that carries nothing but probes is busy only until its
/// request is answered.
#[derive(Debug)]
pub struct Estimator {
    settings: Settings,
    tracker: ArrivalTracker,
    periods: ProbePeriods,
    learning: bool,
    last_request: Option<Time>,
    /// Whether the last snapshot had something in flight.
    was_busy: bool,
}

impl Estimator {
    /// An estimator that has seen nothing and learns.
    pub fn new(settings: Settings) -> Self {
        let (tracker, periods) = (ArrivalTracker::default(), ProbePeriods::default());
        Self { settings, tracker, periods, learning: true, last_request: None, was_busy: false }
    }

    /// Takes note of a snapshot, later than the one before, and says what is known now.
    pub fn observe(&mut self, snapshot: &Snapshot) -> Estimate {
        let judged = self.judge_arrivals(snapshot);
        let last_request = if judged { self.last_request } else { Some(snapshot.taken) };
        let mut count = Count::default();
        for connection in snapshot.connections.iter().filter(|one| self.is_application(one.local.port())) {
            let monitor = self.tracker.periodic(connection) >= MONITOR;
            count.add(connection, activity::judge(connection, &self.settings, monitor));
        }
        let listeners = || snapshot.listeners.iter().filter(|one| self.is_application(one.local.port()));
        // Those that wait to be accepted are sockets too; more are in the queue than were seen if one came just then.
        let waiting: u64 = listeners().map(|listener| u64::from(listener.waiting)).sum();
        count.busy += waiting.saturating_sub(count.unaccepted);
        // A snapshot may miss a socket. So that nothing is in flight is believed when two in a row say so.
        let busy = count.busy.max(u64::from(self.was_busy));
        let can_tell = snapshot.source == Source::Netlink && count.unknown == 0;
        let listening = listeners().next().is_some();
        self.was_busy = count.busy > 0;
        Estimate {
            in_flight: if can_tell { InFlight::Estimated(busy) } else { InFlight::Unknown },
            last_request,
            connections: count.busy + count.kept + count.unknown,
            listening,
        }
    }

    /// A drain began: what keeps a probe period is still excused, but no new one is learnt.
    pub fn stop_learning(&mut self) {
        self.learning = false;
    }

    /// The pod serves again: probe periods are learnt.
    pub fn learn(&mut self) {
        self.learning = true;
    }

    /// Whether arrivals could be counted; if so, the last application request is known.
    fn judge_arrivals(&mut self, snapshot: &Snapshot) -> bool {
        let (Source::Netlink, Some(opens)) = (snapshot.source, snapshot.passive_opens) else { return false };
        for arrival in self.tracker.arrivals(snapshot, &self.settings.ports, opens) {
            let excused = self.periods.excuses(&arrival, self.learning);
            if let Some(ends) = &arrival.ends {
                self.tracker.mark(ends, excused);
            }
            if !excused {
                self.last_request = self.last_request.max(Some(arrival.at + arrival.give));
            }
        }
        self.periods.forget(snapshot.taken);
        true
    }

    fn is_application(&self, port: u16) -> bool {
        self.settings.ports.contains(&port)
    }
}

/// Connections by what they are about.
#[derive(Debug, Default)]
struct Count {
    busy: u64,
    kept: u64,
    unknown: u64,
    /// Among them, those in an accept queue.
    unaccepted: u64,
}

impl Count {
    fn add(&mut self, connection: &Connection, activity: Activity) {
        let place = match activity {
            Activity::Busy => &mut self.busy,
            Activity::Kept => &mut self.kept,
            Activity::Unknown => &mut self.unknown,
            Activity::Over => return,
        };
        *place += 1;
        let open = matches!(connection.state, TcpState::Established | TcpState::CloseWait);
        self.unaccepted += u64::from(open && connection.inode == 0);
    }
}
