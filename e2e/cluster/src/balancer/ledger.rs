//! Which target is how far on its way in or out. Pure: what is wanted and the time come in, what to do comes out.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddrV4;
use std::time::Duration;

/// How late a load balancer is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lags {
    pub(super) register: Duration,
    pub(super) deregister: Duration,
    pub(super) delay: Duration,
}

/// What to do with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Check its health, and send it requests once it is well.
    Admit(SocketAddrV4),
    /// Send it nothing new.
    Drain(SocketAddrV4),
    /// Close what is open.
    Remove(SocketAddrV4),
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Registering { since: Duration },
    Registered,
    Deregistering { since: Duration },
    Draining { since: Duration },
}

/// Every target that is known.
#[derive(Debug)]
pub(super) struct Ledger {
    lags: Lags,
    stages: BTreeMap<SocketAddrV4, Stage>,
}

impl Ledger {
    pub(super) fn new(lags: Lags) -> Self {
        Self { lags, stages: BTreeMap::new() }
    }

    /// What is due now, if these endpoints are wanted.
    pub(super) fn step(&mut self, wanted: &BTreeSet<SocketAddrV4>, now: Duration) -> Vec<Change> {
        for target in wanted {
            self.stages.entry(*target).or_insert(Stage::Registering { since: now });
        }
        let mut changes = Vec::new();
        let lags = self.lags;
        self.stages.retain(|target, stage| {
            let is_wanted = wanted.contains(target);
            *stage = match *stage {
                Stage::Registering { .. } if !is_wanted => return false,
                Stage::Registering { since } if now >= since + lags.register => {
                    changes.push(Change::Admit(*target));
                    Stage::Registered
                }
                Stage::Registered if !is_wanted => Stage::Deregistering { since: now },
                Stage::Deregistering { .. } if is_wanted => Stage::Registered,
                Stage::Deregistering { since } if now >= since + lags.deregister => {
                    changes.push(Change::Drain(*target));
                    Stage::Draining { since: now }
                }
                Stage::Draining { .. } if is_wanted => Stage::Registering { since: now },
                Stage::Draining { since } if now >= since + lags.delay => {
                    changes.push(Change::Remove(*target));
                    return false;
                }
                same => same,
            };
            true
        });
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: SocketAddrV4 = SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 80);

    fn ledger() -> Ledger {
        let seconds = Duration::from_secs;
        Ledger::new(Lags { register: seconds(5), deregister: seconds(20), delay: seconds(300) })
    }

    /// What was due at each of these seconds.
    fn due(ledger: &mut Ledger, steps: &[(u64, bool)]) -> Vec<(u64, Change)> {
        let mut all = Vec::new();
        for (at, wanted) in steps {
            let wanted = wanted.then_some(TARGET).into_iter().collect();
            all.extend(
                ledger.step(&wanted, Duration::from_secs(*at)).into_iter().map(|change| (*at, change)),
            );
        }
        all
    }

    #[test]
    fn a_target_comes_and_goes_with_its_lags() {
        let steps = [
            (0, true),
            (4, true),
            (5, true),
            (10, false),
            (29, false),
            (30, false),
            (329, false),
            (330, false),
        ];
        assert_eq!(
            due(&mut ledger(), &steps),
            [(5, Change::Admit(TARGET)), (30, Change::Drain(TARGET)), (330, Change::Remove(TARGET))]
        );
    }

    #[test]
    fn one_that_leaves_before_it_was_registered_never_was() {
        assert_eq!(due(&mut ledger(), &[(0, true), (4, false), (5, false), (400, false)]), []);
    }

    #[test]
    fn one_that_comes_back_in_time_stays_and_one_that_comes_back_late_registers_again() {
        let mut ledger = ledger();
        assert_eq!(due(&mut ledger, &[(0, true), (5, true), (10, false), (29, true), (31, true)]).len(), 1);
        let late = due(&mut ledger, &[(40, false), (60, false), (61, true), (65, true), (66, true)]);
        assert_eq!(late, [(60, Change::Drain(TARGET)), (66, Change::Admit(TARGET))]);
    }
}
