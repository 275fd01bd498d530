//! What can be known of the application's requests: counted by the guard, estimated from sockets, or not at all.
//!
//! Where a guard stands, sockets still show the connections that go past it: those that were opened before a Service
//! pointed to the guard, and those to ports that it does not cover.

use crate::clock;
use segue_core::Time;
use segue_core::drain::InFlight;
use segue_core::pod::PodPlan;
use segue_guard::Snapshot as GuardSnapshot;
use segue_sockets::{Collector, Connection, Estimator, Settings, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A snapshot may miss a socket: nothing listens when so many in a row say so.
const SILENT: u32 = 2;

/// Looks at the pod.
pub(crate) struct Look {
    collector: Option<Collector>,
    estimator: Estimator,
    /// The application's ports that the guard stands in front of.
    guarded: BTreeSet<u16>,
    not_covered: u64,
    /// Where the application listens behind the guard, beside loopback.
    listeners: BTreeMap<u16, Vec<IpAddr>>,
    learning: bool,
    /// How many snapshots in a row showed no listener.
    silent: u32,
    /// Whether any port is known on which to look for the application.
    ports: bool,
}

/// What was seen.
pub(crate) struct Looked {
    /// Whether anything listens on the application's ports; taken as true where nobody can tell (law 4).
    pub(crate) listens: bool,
    pub(crate) in_flight: InFlight,
    pub(crate) last_request: Option<Time>,
}

impl Look {
    pub(crate) fn new(plan: &PodPlan, guarded: bool) -> Self {
        let settings = Settings {
            ports: plan.ports.iter().map(|port| port.application).collect(),
            idle_after: plan.idle_after.0,
            longest_request: plan.drain.longest_request.map(|longest| longest.0),
        };
        let guarded = plan.ports.iter().filter(|port| guarded && port.is_guarded());
        Self {
            collector: Collector::open().ok(),
            estimator: Estimator::new(settings),
            guarded: guarded.map(|port| port.application).collect(),
            not_covered: 0,
            listeners: BTreeMap::new(),
            learning: true,
            silent: 0,
            ports: !plan.ports.is_empty(),
        }
    }

    /// Connections that no guard carries.
    pub(crate) fn not_covered(&self) -> u64 {
        self.not_covered
    }

    /// The addresses on which the guarded ports were found listening.
    pub(crate) fn listeners(&self) -> &BTreeMap<u16, Vec<IpAddr>> {
        &self.listeners
    }

    /// Probe periods are learnt while the pod serves, and not from what a drain changes.
    pub(crate) fn learn(&mut self, learn: bool) {
        if learn != self.learning {
            self.learning = learn;
            if learn { self.estimator.learn() } else { self.estimator.stop_learning() }
        }
    }

    pub(crate) fn look(&mut self, guard: Option<&GuardSnapshot>) -> Looked {
        let Some(snapshot) =
            self.collector.as_mut().and_then(|collector| collector.snapshot(clock::now).ok())
        else {
            return Looked {
                listens: true,
                in_flight: guard.map_or(InFlight::Unknown, |guard| InFlight::Counted(guard.in_flight)),
                last_request: guard.and_then(|guard| guard.last_request),
            };
        };
        self.find_listeners(&snapshot);
        let past_the_guard = self.past_the_guard(snapshot);
        let estimate = self.estimator.observe(&past_the_guard);
        self.not_covered = estimate.connections;
        self.silent = if estimate.listening { 0 } else { self.silent.saturating_add(1) };
        // What goes past the guard holds a drain up by being in flight; when it last came is no question of quiet, since
        // probes go past it too.
        let last_request = guard.map_or(estimate.last_request, |guard| guard.last_request);
        Looked {
            // Where the plan knows no port, nobody can tell (law 4).
            listens: self.silent < SILENT || !self.ports,
            in_flight: both(guard.map(|guard| guard.in_flight), estimate.in_flight),
            last_request,
        }
    }

    /// An application that listens on the pod's address alone is not to be found on loopback.
    fn find_listeners(&mut self, snapshot: &Snapshot) {
        self.listeners.clear();
        for listener in &snapshot.listeners {
            let (ip, port) = (listener.local.ip(), listener.local.port());
            if self.guarded.contains(&port) && !ip.is_unspecified() && !ip.is_loopback() {
                self.listeners.entry(port).or_default().push(ip);
            }
        }
    }

    /// The snapshot without the guard's own connections to the application: those that come from the pod itself.
    fn past_the_guard(&self, mut snapshot: Snapshot) -> Snapshot {
        let own = |ip: IpAddr, local: IpAddr| ip.is_loopback() || ip == local;
        let guards = |connection: &Connection| {
            self.guarded.contains(&connection.local.port())
                && own(connection.remote.ip(), connection.local.ip())
        };
        snapshot.connections.retain(|connection| !guards(connection));
        // Whom the application has not accepted yet is the guard, as good as always: it counts those itself.
        for listener in &mut snapshot.listeners {
            if self.guarded.contains(&listener.local.port()) {
                listener.waiting = 0;
            }
        }
        if !self.guarded.is_empty() {
            // It counts what clients opened on any port, the guard's own among them.
            snapshot.passive_opens = None;
        }
        snapshot
    }
}

/// What the guard counts is known, and it is waited for as such. Only when that is over do connections past the guard
/// decide, which are estimated: else a kubelet's probe on its way to the application would make an estimate of everything.
fn both(guarded: Option<u64>, estimate: InFlight) -> InFlight {
    match (guarded, estimate) {
        (None, estimate) => estimate,
        (Some(0), InFlight::Counted(more) | InFlight::Estimated(more)) if more > 0 => {
            InFlight::Estimated(more)
        }
        (Some(counted), _) => InFlight::Counted(counted),
    }
}

#[cfg(test)]
mod tests;
