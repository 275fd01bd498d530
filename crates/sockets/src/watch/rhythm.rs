//! Rhythms: probes and scrapers go on for ever, at whole seconds, and must not hold a drain up.
//!
//! What is safe decides. An arrival counts as an application request unless it keeps a beat that its origin (an
//! address and a port) was heard to keep before the drain:
//!
//! * A beat has a period of whole seconds, 1 to 60, as probes and scrapers are set. It is believed after at least three
//!   periods without a miss, and after more where other arrivals of that origin are so dense that chance could make one.
//! * An origin whose arrivals are evenly spaced within a beat (two requests a second, to the millisecond) is a client
//!   with a faster beat of its own: no probe.
//! * Each beat excuses one arrival, and only near its moment. What comes beside it, or twice, is a request; so traffic
//!   behind the address of a probe (node ports, NAT) stays visible.
//! * An origin has at most three beats, all together at most sixteen: a crowd of pollers is no monitoring.
//! * A beat that misses more than four times in a row is forgotten.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use segue_core::Time;

use super::ledger::{Arrival, Origin};

/// How far from its moment an arrival may be and still keep a beat, in milliseconds: a busy node's kubelet is late by
/// so much.
const TOLERANCE: u64 = 100;
/// How far it may be while the beat is learnt: the narrower, the fewer periods chance needs to be ruled out.
const LEARNING: u64 = 50;
const SECOND: u64 = 1000;
const LONGEST: u64 = 60;
/// How many periods a beat is heard before it is believed, at least.
const PERIODS: u32 = 3;
/// How likely chance may have made a beat, at most.
const CHANCE: f64 = 1e-4;
/// How many beats in a row may be missed; a look does not see every arrival.
const MISSES: u64 = 4;
const BEATS_PER_ORIGIN: usize = 3;
const BEATS: usize = 16;
/// How many arrivals of an origin are kept to learn from.
const HEARD: usize = 128;
/// How many origins are listened to; beyond that, those that are silent longest are forgotten.
const ORIGINS: usize = 1024;
/// How near to even spacing on average is no accident, in milliseconds.
const EVEN: f64 = 20.0;

/// The rhythms of every origin.
#[derive(Debug, Default)]
pub(super) struct Rhythms {
    origins: HashMap<Origin, Heard>,
    /// How many beats there are, or a few more: those that are over are counted until they are forgotten.
    beats: usize,
}

#[derive(Debug, Default)]
struct Heard {
    beats: Vec<Beat>,
    /// Arrivals, in milliseconds, that kept no beat.
    loose: VecDeque<u64>,
    last: u64,
}

/// A beat: its period, and the moment of its last tick, all in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beat {
    period: u64,
    last: u64,
}

impl Rhythms {
    /// Whether an arrival keeps a beat. If not, and if `learning`, it is remembered to learn one from.
    pub(super) fn excuses(&mut self, arrival: &Arrival, learning: bool) -> bool {
        let at = arrival.at.as_millis();
        let give = u64::try_from(arrival.give.as_millis()).unwrap_or(u64::MAX / 8);
        let tolerance = TOLERANCE + give;
        let heard = self.origins.entry(arrival.origin).or_default();
        heard.last = heard.last.max(at);
        heard.beats.retain(|beat| !beat.is_over(at));
        if let Some(beat) = heard.beats.iter_mut().find(|beat| beat.tick(at, tolerance).is_some()) {
            beat.keep(at, tolerance);
            return true;
        }
        if !learning {
            return false;
        }
        heard.loosen(at);
        let room = self.beats < BEATS && heard.beats.len() < BEATS_PER_ORIGIN;
        let learnt = room && heard.learn(at, LEARNING + give);
        self.beats += usize::from(learnt);
        learnt
    }

    /// Forgets beats that are over, and origins that were silent longest where there are too many.
    pub(super) fn forget(&mut self, now: Time) {
        let now = now.as_millis();
        for heard in self.origins.values_mut() {
            heard.beats.retain(|beat| !beat.is_over(now));
        }
        self.beats = self.beats().count();
        self.origins.retain(|_, heard| !heard.beats.is_empty() || now.saturating_sub(heard.last) < KEPT);
        if self.origins.len() > ORIGINS {
            let loose = self.origins.iter().filter(|(_, heard)| heard.beats.is_empty());
            let mut silent: Vec<_> = loose.map(|(origin, heard)| (heard.last, *origin)).collect();
            silent.sort_by_key(|(last, _)| *last);
            for (_, origin) in silent.into_iter().take(self.origins.len() - ORIGINS) {
                self.origins.remove(&origin);
            }
        }
    }

    /// Every beat, with its period.
    pub(super) fn beats(&self) -> impl Iterator<Item = (Origin, Duration)> {
        self.origins.iter().flat_map(|(origin, heard)| {
            heard.beats.iter().map(|beat| (*origin, Duration::from_millis(beat.period)))
        })
    }
}

/// How long an origin that is silent is remembered: enough for the longest beat to be learnt.
const KEPT: u64 = (PERIODS as u64 + 2) * LONGEST * SECOND;

impl Beat {
    /// The tick that an arrival keeps, if it does; each tick is kept once.
    fn tick(&self, at: u64, tolerance: u64) -> Option<u64> {
        // Wider than this, anything would keep it.
        let tolerance = tolerance.min(self.period / 4);
        let ticks = (at + self.period / 2).checked_sub(self.last)? / self.period;
        let tick = self.last + ticks * self.period;
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
        now > self.last + (MISSES + 1) * self.period + TOLERANCE
    }
}

impl Heard {
    fn loosen(&mut self, at: u64) {
        if self.loose.len() == HEARD {
            self.loose.pop_front();
        }
        let place = self.loose.partition_point(|earlier| *earlier <= at);
        self.loose.insert(place, at);
    }

    /// Looks for a beat that ends with this arrival, the fastest first.
    fn learn(&mut self, at: u64, tolerance: u64) -> bool {
        let heard_for = at.saturating_sub(self.loose.front().copied().unwrap_or(at));
        let periods = (1..=LONGEST).map(|seconds| seconds * SECOND);
        let heard = periods.take_while(|period| u64::from(PERIODS) * period <= heard_for + tolerance);
        for period in heard.filter(|period| tolerance * 4 <= *period) {
            let ticks = self.ticks(at, period, tolerance);
            if !self.believes(&ticks, period, tolerance) {
                continue;
            }
            if self.is_faster(&ticks, period, tolerance) {
                return false;
            }
            self.loose.retain(|loose| !ticks.contains(loose));
            self.beats.push(Beat { period, last: at });
            return true;
        }
        false
    }

    /// The arrivals at this moment, one period before, two periods before, as far as none misses.
    fn ticks(&self, at: u64, period: u64, tolerance: u64) -> Vec<u64> {
        let moments = (0..).map_while(|periods: u64| at.checked_sub(periods * period));
        moments.map_while(|moment| self.nearest(moment, tolerance)).take(HEARD).collect()
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
        let Some(first) = ticks.last().filter(|_| periods >= PERIODS) else { return false };
        let among = self.loose.iter().filter(|loose| *loose >= first).count();
        let density = among as f64 / (f64::from(periods) * period as f64);
        let by_chance = 1.0 - (-density * 2.0 * tolerance as f64).exp();
        by_chance.powf(f64::from(periods)) * LONGEST as f64 <= CHANCE
    }

    /// Whether these ticks are only some of a faster beat: arrivals lie evenly spaced within every period.
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
