//! Probe periods: probes and scrapers go on for ever, at whole seconds, and must not hold a drain up.
//!
//! What is safe decides. An arrival counts as an application request unless it keeps a period that its origin (an
//! address and a port) was seen to keep before the drain:
//!
//! * A period is of whole seconds, 1 to 60, as probes and scrapers are set. It is believed after at least three
//!   repetitions without a miss, and after more where other arrivals of that origin are so dense that chance could make one.
//! * An origin whose arrivals are evenly spaced within a period (two requests a second, to the millisecond) is a client
//!   with a shorter period of its own: no probe.
//! * Each period excuses one arrival, and only near its moment. What comes beside it, or twice, is a request; so traffic
//!   behind the address of a probe (node ports, NAT) stays visible.
//! * An origin has at most three periods, all together at most sixteen: a crowd of pollers is no monitoring.
//! * A period that is missed more than four times in a row is forgotten.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use segue_core::Time;

use super::arrivals::{Arrival, Origin};

/// How far from its moment an arrival may be and still keep a period, in milliseconds: a busy node's kubelet is late by
/// so much.
const TOLERANCE: u64 = 100;
/// How far it may be while the period is learnt: the narrower, the fewer repetitions chance needs to be ruled out.
const LEARNING: u64 = 50;
const SECOND: u64 = 1000;
const LONGEST: u64 = 60;
/// How many times a period is seen before it is believed, at least.
const REPETITIONS: u32 = 3;
/// How likely chance may have made a period, at most.
const CHANCE: f64 = 1e-4;
/// How many times in a row a period may be missed; a snapshot does not show every arrival.
const MISSES: u64 = 4;
const PERIODS_PER_ORIGIN: usize = 3;
const MAX_PERIODS: usize = 16;
/// How many arrivals of an origin are kept to learn from.
const HISTORY: usize = 128;
/// How many origins are followed; beyond that, those that are silent longest are forgotten.
const ORIGINS: usize = 1024;
/// How near to even spacing on average is no accident, in milliseconds.
const EVEN: f64 = 20.0;

/// The probe periods of every origin.
#[derive(Debug, Default)]
pub(super) struct ProbePeriods {
    origins: HashMap<Origin, History>,
    /// How many periods there are, or a few more: those that are over are counted until they are forgotten.
    count: usize,
}

/// What came from one origin.
#[derive(Debug, Default)]
struct History {
    periods: Vec<ProbePeriod>,
    /// Arrivals, in milliseconds, that kept no period.
    loose: VecDeque<u64>,
    last: u64,
}

/// A learnt period: how long it is, and the moment of its last tick, all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ProbePeriod {
    length: u64,
    last: u64,
}

impl ProbePeriods {
    /// Whether an arrival keeps a probe period. If not, and if `learning`, it is remembered to learn one from.
    pub(super) fn excuses(&mut self, arrival: &Arrival, learning: bool) -> bool {
        let at = arrival.at.as_millis();
        let give = u64::try_from(arrival.give.as_millis()).unwrap_or(u64::MAX / 8);
        let tolerance = TOLERANCE + give;
        let history = self.origins.entry(arrival.origin).or_default();
        history.last = history.last.max(at);
        history.periods.retain(|period| !period.is_over(at));
        if let Some(period) = history.periods.iter_mut().find(|period| period.tick(at, tolerance).is_some()) {
            period.keep(at, tolerance);
            return true;
        }
        if !learning {
            return false;
        }
        history.loosen(at);
        let room = self.count < MAX_PERIODS && history.periods.len() < PERIODS_PER_ORIGIN;
        let learnt = room && history.learn(at, LEARNING + give);
        self.count += usize::from(learnt);
        learnt
    }

    /// Forgets periods that are over, and origins that were silent longest where there are too many.
    pub(super) fn forget(&mut self, now: Time) {
        let now = now.as_millis();
        for history in self.origins.values_mut() {
            history.periods.retain(|period| !period.is_over(now));
        }
        self.count = self.periods().count();
        self.origins
            .retain(|_, history| !history.periods.is_empty() || now.saturating_sub(history.last) < KEPT);
        if self.origins.len() > ORIGINS {
            let loose = self.origins.iter().filter(|(_, history)| history.periods.is_empty());
            let mut silent: Vec<_> = loose.map(|(origin, history)| (history.last, *origin)).collect();
            silent.sort_by_key(|(last, _)| *last);
            for (_, origin) in silent.into_iter().take(self.origins.len() - ORIGINS) {
                self.origins.remove(&origin);
            }
        }
    }

    /// Every period, with its length.
    pub(super) fn periods(&self) -> impl Iterator<Item = (Origin, Duration)> {
        self.origins.iter().flat_map(|(origin, history)| {
            history.periods.iter().map(|period| (*origin, Duration::from_millis(period.length)))
        })
    }
}

/// How long an origin that is silent is remembered: enough for the longest period to be learnt.
const KEPT: u64 = (REPETITIONS as u64 + 2) * LONGEST * SECOND;

impl ProbePeriod {
    /// The tick that an arrival keeps, if it does; each tick is kept once.
    fn tick(&self, at: u64, tolerance: u64) -> Option<u64> {
        // Wider than this, anything would keep it.
        let tolerance = tolerance.min(self.length / 4);
        let ticks = (at + self.length / 2).checked_sub(self.last)? / self.length;
        let tick = self.last + ticks * self.length;
        (ticks >= 1 && tick.abs_diff(at) <= tolerance).then_some(tick)
    }

    /// Goes on from the tick that was kept, and follows a clock that drifts.
    fn keep(&mut self, at: u64, tolerance: u64) {
        if let Some(tick) = self.tick(at, tolerance) {
            let drift = (i128::from(at) - i128::from(tick)) / 8;
            self.last = tick.saturating_add_signed(i64::try_from(drift).unwrap_or(0));
        }
    }

    fn is_over(&self, now: u64) -> bool {
        now > self.last + (MISSES + 1) * self.length + TOLERANCE
    }
}

impl History {
    fn loosen(&mut self, at: u64) {
        if self.loose.len() == HISTORY {
            self.loose.pop_front();
        }
        let place = self.loose.partition_point(|earlier| *earlier <= at);
        self.loose.insert(place, at);
    }

    /// Looks for a period that ends with this arrival, the shortest first.
    fn learn(&mut self, at: u64, tolerance: u64) -> bool {
        let seen_for = at.saturating_sub(self.loose.front().copied().unwrap_or(at));
        let periods = (1..=LONGEST).map(|seconds| seconds * SECOND);
        let possible = periods.take_while(|period| u64::from(REPETITIONS) * period <= seen_for + tolerance);
        for period in possible.filter(|period| tolerance * 4 <= *period) {
            let ticks = self.ticks(at, period, tolerance);
            if !self.believes(&ticks, period, tolerance) {
                continue;
            }
            if self.is_faster(&ticks, period, tolerance) {
                return false;
            }
            self.loose.retain(|loose| !ticks.contains(loose));
            self.periods.push(ProbePeriod { length: period, last: at });
            return true;
        }
        false
    }

    /// The arrivals at this moment, one period before, two periods before, as far as none misses.
    fn ticks(&self, at: u64, period: u64, tolerance: u64) -> Vec<u64> {
        let moments = (0..).map_while(|periods: u64| at.checked_sub(periods * period));
        moments.map_while(|moment| self.nearest(moment, tolerance)).take(HISTORY).collect()
    }

    fn nearest(&self, moment: u64, tolerance: u64) -> Option<u64> {
        let place = self.loose.partition_point(|loose| *loose < moment);
        let around = [place.checked_sub(1), Some(place)].into_iter().flatten();
        let near = around.filter_map(|place| self.loose.get(place)).copied();
        near.min_by_key(|loose| loose.abs_diff(moment)).filter(|loose| loose.abs_diff(moment) <= tolerance)
    }

    /// Whether chance is unlikely to have made these ticks, given how dense the arrivals are.
    #[expect(clippy::cast_precision_loss, reason = "a likelihood needs no more")]
    fn believes(&self, ticks: &[u64], period: u64, tolerance: u64) -> bool {
        let periods = u32::try_from(ticks.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let Some(first) = ticks.last().filter(|_| periods >= REPETITIONS) else { return false };
        let among = self.loose.iter().filter(|loose| *loose >= first).count();
        let density = among as f64 / (f64::from(periods) * period as f64);
        let by_chance = 1.0 - (-density * 2.0 * tolerance as f64).exp();
        by_chance.powf(f64::from(periods)) * LONGEST as f64 <= CHANCE
    }

    /// Whether these ticks are only some of a shorter period's: arrivals lie evenly spaced within every period.
    fn is_faster(&self, ticks: &[u64], period: u64, tolerance: u64) -> bool {
        let parts = (2..=10).filter(|parts| period / parts >= 2 * tolerance);
        parts
            .into_iter()
            .any(|parts| (1..parts).all(|part| self.is_even(ticks, period * part / parts, tolerance)))
    }

    /// Whether an arrival comes so long after each tick, on average to the point.
    #[expect(clippy::cast_precision_loss, reason = "offsets are a few hundred at most")]
    fn is_even(&self, ticks: &[u64], after: u64, tolerance: u64) -> bool {
        let offsets = ticks.iter().skip(1).map(|tick| {
            let moment = tick + after;
            self.nearest(moment, tolerance).map(|loose| loose as f64 - moment as f64)
        });
        let Some(offsets) = offsets.collect::<Option<Vec<_>>>() else { return false };
        (offsets.iter().sum::<f64>() / offsets.len() as f64).abs() <= EVEN
    }
}

#[cfg(test)]
mod tests;
