//! Judging: what pictures say of the application's requests. No I/O and no clock; the same pictures, the same answer.
//!
//! ```text
//!   Picture ─▶ activity   each connection by itself: busy, kept, over, or not to be told
//!           ─▶ ledger     what came since the last picture ─▶ rhythm   what of it keeps a learnt beat
//! ```

mod activity;
mod ledger;
mod rhythm;
mod settings;

#[cfg(test)]
mod tests;

use segue_core::Time;
use segue_core::drain::InFlight;

use crate::picture::{Connection, Picture, Source, State};
use activity::Activity;
use ledger::Ledger;
use rhythm::Rhythms;
pub use settings::Settings;

/// So many arrivals in a row must have kept a beat before their connection counts as a monitor's.
const MONITOR: u32 = 3;

/// What the pictures so far say of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Connections with a request in flight: estimated, or unknown.
    pub in_flight: InFlight,
    /// When the last application request came, if one was seen. Where arrivals can't be counted, the moment of the
    /// picture: then only the bound ends a wait for quiet.
    pub last_request: Option<Time>,
    /// Open connections.
    pub connections: u64,
    /// Whether anything listens on any of the application's ports.
    pub listening: bool,
}

/// Judges pictures, one after the other: the shorter between them, the more it sees. Looks every 200 ms show probes that
/// are only counted well enough to learn a beat of one second; at 500 ms, of two.
///
/// *Busy* is a connection on which bytes moved either way within `idle_after`; or bytes lie unread, unsent or
/// unacknowledged; or the last data came in, at most `longest_request` ago; or that waits to be accepted. What waits
/// in a queue for ever is busy for ever: the drain's own bound ends that. What was busy counts for one picture more.
///
/// *Rhythms* are learnt before a drain, per remote address and port, and excuse arrivals that keep them, at most one
/// per period. In doubt, an arrival is an application request: an origin that sends much besides has no rhythm, and
/// then a drain waits for quiet to its bound. A connection that carries nothing but a rhythm is busy only until its
/// request is answered.
#[derive(Debug)]
pub struct Watch {
    settings: Settings,
    ledger: Ledger,
    rhythms: Rhythms,
    learning: bool,
    last_request: Option<Time>,
    /// Whether the last picture had something in flight.
    was_busy: bool,
}

impl Watch {
    /// A watch that has seen nothing and learns.
    pub fn new(settings: Settings) -> Self {
        let (ledger, rhythms) = (Ledger::default(), Rhythms::default());
        Self { settings, ledger, rhythms, learning: true, last_request: None, was_busy: false }
    }

    /// Takes note of a picture, later than the one before, and says what is known now.
    pub fn observe(&mut self, picture: &Picture) -> Estimate {
        let judged = self.judge_arrivals(picture);
        let last_request = if judged { self.last_request } else { Some(picture.taken) };
        let mut count = Count::default();
        for connection in picture.connections.iter().filter(|one| self.is_application(one.local.port())) {
            let monitor = self.ledger.in_rhythm(connection) >= MONITOR;
            count.add(connection, activity::judge(connection, &self.settings, monitor));
        }
        let listeners = || picture.listeners.iter().filter(|one| self.is_application(one.local.port()));
        // Those that wait to be accepted are sockets too; more are in the queue than were seen if one came just then.
        let waiting: u64 = listeners().map(|listener| u64::from(listener.waiting)).sum();
        count.busy += waiting.saturating_sub(count.unaccepted);
        // A picture may miss a socket. So that nothing is in flight is believed when two in a row say so.
        let busy = count.busy.max(u64::from(self.was_busy));
        let can_tell = picture.source == Source::Netlink && count.unknown == 0;
        let listening = listeners().next().is_some();
        self.was_busy = count.busy > 0;
        Estimate {
            in_flight: if can_tell { InFlight::Estimated(busy) } else { InFlight::Unknown },
            last_request,
            connections: count.busy + count.kept + count.unknown,
            listening,
        }
    }

    /// A drain began: what keeps a rhythm is still excused, but no new one is learnt.
    pub fn stop_learning(&mut self) {
        self.learning = false;
    }

    /// The pod serves again: rhythms are learnt.
    pub fn learn(&mut self) {
        self.learning = true;
    }

    /// Whether arrivals could be counted; if so, the last application request is known.
    fn judge_arrivals(&mut self, picture: &Picture) -> bool {
        let (Source::Netlink, Some(opens)) = (picture.source, picture.passive_opens) else { return false };
        for arrival in self.ledger.arrivals(picture, &self.settings.ports, opens) {
            let excused = self.rhythms.excuses(&arrival, self.learning);
            if let Some(ends) = &arrival.ends {
                self.ledger.mark(ends, excused);
            }
            if !excused {
                self.last_request = self.last_request.max(Some(arrival.at + arrival.give));
            }
        }
        self.rhythms.forget(picture.taken);
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
        let open = matches!(connection.state, State::Established | State::CloseWait);
        self.unaccepted += u64::from(open && connection.inode == 0);
    }
}
