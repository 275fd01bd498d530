//! What came since the last snapshot: connections that are new, data on old ones, and what only a counter saw.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use segue_core::Time;

use crate::snapshot::{Connection, Snapshot, TcpState};

/// The kernel keeps a socket in TIME_WAIT for so long.
const TIME_WAIT: Duration = Duration::from_mins(1);

/// Whom an arrival is laid to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// An address, sending to a port.
    Remote(IpAddr, u16),
    /// Connections that were never seen, only counted.
    Unseen,
}

/// Something came: a connection, or data on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) origin: Origin,
    /// The connection it came on, if one was seen.
    pub(super) ends: Option<Ends>,
    /// When, as near as can be told.
    pub(super) at: Time,
    /// By how much that may be wrong, either way.
    pub(super) give: Duration,
}

/// A connection's two ends: this side's and the other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    local: SocketAddr,
    remote: SocketAddr,
}

/// The connections of the last two snapshots.
#[derive(Debug, Default)]
pub(super) struct ArrivalTracker {
    known: HashMap<Ends, Known>,
    last: Option<Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    taken: Time,
    passive_opens: u64,
    /// Connections that were seen before they were counted: the next count has them.
    ahead: u64,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    cookie: u64,
    received: Option<u64>,
    /// Whether the counter of passive opens has it: not before its handshake is over.
    counted: bool,
    /// How many of its last arrivals in a row kept a probe period.
    periodic: u32,
    taken: Time,
}

impl Ends {
    fn of(connection: &Connection) -> Self {
        Self { local: connection.local, remote: connection.remote }
    }
}

impl ArrivalTracker {
    /// What came to the application's ports since the last snapshot that could tell, in the order in which it came.
    /// From the first snapshot: what its sockets still show.
    pub(super) fn arrivals(&mut self, snapshot: &Snapshot, ports: &[u16], opens: u64) -> Vec<Arrival> {
        let listened: HashSet<u16> = snapshot
            .listeners
            .iter()
            .map(|listener| listener.local.port())
            .chain(ports.iter().copied())
            .collect();
        let mut round =
            Round { taken: snapshot.taken, since: self.last.map(|last| last.taken), ..Round::default() };
        for connection in snapshot.connections.iter().filter(|one| listened.contains(&one.local.port())) {
            round.note(&mut self.known, connection, ports);
        }
        for connection in snapshot.connections.iter().filter(|one| !listened.contains(&one.local.port())) {
            if let Some(mirrored) = mirrored(connection, &listened) {
                round.note_mirrored(&mut self.known, &mirrored, ports);
            }
        }
        // One that is missing from one snapshot may still be there.
        let last = self.last.map(|last| last.taken);
        self.known.retain(|_, known| known.taken == snapshot.taken || Some(known.taken) == last);
        self.unseen(&mut round, opens);
        round.arrivals.sort_by_key(|arrival| arrival.at);
        round.arrivals
    }

    /// Whether an arrival kept a probe period, for [`Self::periodic`].
    pub(super) fn mark(&mut self, ends: &Ends, followed: bool) {
        if let Some(known) = self.known.get_mut(ends) {
            known.periodic = if followed { known.periodic.saturating_add(1) } else { 0 };
        }
    }

    /// How many of the last arrivals on a connection, in a row, kept a probe period.
    pub(super) fn periodic(&self, connection: &Connection) -> u32 {
        self.known.get(&Ends::of(connection)).map_or(0, |known| known.periodic)
    }

    /// Compares the counter with what was seen. The counter was read before the sockets, so one that was opened
    /// between the two is seen first and counted in the next snapshot; no later, lest a mistake hide arrivals for good.
    fn unseen(&mut self, round: &mut Round, opens: u64) {
        let mut ahead = 0;
        if let Some(last) = self.last {
            let counted = opens.saturating_sub(last.passive_opens);
            let seen = round.opened + last.ahead;
            ahead = seen.saturating_sub(counted).min(round.opened);
            let arrival = round.arrival(Origin::Unseen, None, None);
            // Many in one interval break a quiet no more than a few.
            let many = usize::try_from(counted.saturating_sub(seen)).unwrap_or(usize::MAX).min(MANY);
            round.arrivals.extend(std::iter::repeat_n(arrival, many));
        }
        self.last = Some(Last { taken: round.taken, passive_opens: opens, ahead });
    }
}

/// More unseen connections than this in one interval keep no period anyway.
const MANY: usize = 32;

/// One snapshot's bookkeeping.
#[derive(Debug, Default)]
struct Round {
    taken: Time,
    since: Option<Time>,
    arrivals: Vec<Arrival>,
    opened: u64,
}

impl Round {
    fn note(&mut self, known: &mut HashMap<Ends, Known>, connection: &Connection, ports: &[u16]) {
        let ends = Ends::of(connection);
        let received = connection.traffic.and_then(|traffic| traffic.received);
        let counted = connection.state != TcpState::SynReceived;
        let before = known.get(&ends).copied().filter(|before| before.cookie == connection.cookie);
        let grown = before.is_none_or(|before| match received {
            Some(_) => received > before.received,
            // A kernel without the counter still tells when.
            None => connection.traffic.is_some_and(|_| moment(connection, self.taken) > self.since),
        });
        if counted && before.is_none_or(|before| !before.counted) {
            self.opened += 1;
        }
        if grown && ports.contains(&connection.local.port()) {
            let origin = Origin::Remote(connection.remote.ip(), connection.local.port());
            self.arrivals.push(self.arrival(origin, Some(ends), moment(connection, self.taken)));
        }
        let periodic = before.map_or(0, |before| before.periodic);
        let received = received.or(before.and_then(|before| before.received));
        let cookie = connection.cookie;
        known.insert(ends, Known { cookie, received, counted, periodic, taken: self.taken });
    }

    /// A connection of which only the client's end is left, in this same namespace: it was open, though the server's
    /// end was perhaps never seen.
    fn note_mirrored(&mut self, known: &mut HashMap<Ends, Known>, mirrored: &Connection, ports: &[u16]) {
        match known.get_mut(&Ends::of(mirrored)) {
            Some(known) => known.taken = self.taken,
            None => self.note(known, mirrored, ports),
        }
    }

    fn arrival(&self, origin: Origin, ends: Option<Ends>, at: Option<Time>) -> Arrival {
        if let Some(at) = at {
            return Arrival { origin, ends, at, give: Duration::ZERO };
        }
        // Some time between the two snapshots.
        let gap = self.taken.since(self.since.unwrap_or(self.taken));
        let give = Duration::from_millis(u64::try_from(gap.as_millis().div_ceil(2)).unwrap_or(u64::MAX));
        Arrival { origin, ends, at: before(self.taken, give), give }
    }
}

/// When the last data came, or the connection was opened, or closed: what the socket can tell.
fn moment(connection: &Connection, taken: Time) -> Option<Time> {
    let closed = connection.time_wait_left.and_then(|left| TIME_WAIT.checked_sub(left));
    let ago = connection.traffic.map(|traffic| traffic.last_received).or(closed)?;
    Some(before(taken, ago))
}

fn before(time: Time, by: Duration) -> Time {
    Time::from_millis(time.as_millis().saturating_sub(u64::try_from(by.as_millis()).unwrap_or(u64::MAX)))
}

/// The server's end of a connection whose client's end is in TIME_WAIT or open in this namespace too.
fn mirrored(connection: &Connection, listened: &HashSet<u16>) -> Option<Connection> {
    let (local, remote) = (connection.local, connection.remote);
    let here = remote.ip().is_loopback() || remote.ip() == local.ip();
    let opened = !matches!(connection.state, TcpState::SynSent | TcpState::Closed);
    (here && opened && listened.contains(&remote.port())).then_some(Connection {
        local: remote,
        remote: local,
        // How much the client got says nothing of what it asked.
        traffic: None,
        ..*connection
    })
}

#[cfg(test)]
mod tests;
