//! The run over time, in as many slots as a picture can show, and in fine slots for outages.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::fate::Kind;

/// When a timeline has more slots than this, two become one.
const MAX_SLOTS: usize = 800;

/// The fine slots, by which outages are told.
const FINE: Duration = Duration::from_millis(10);

/// What became of the requests that were planned for one stretch of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slot {
    /// Ok, by the index of the version that answered.
    pub ok: Vec<u64>,
    /// Dropped, by kind.
    pub drops: BTreeMap<Kind, u64>,
    /// How long the ok ones took.
    pub latency: Coarse,
}

impl Slot {
    /// Everything that was planned for it and has ended.
    pub fn requests(&self) -> u64 {
        self.ok.iter().sum::<u64>() + self.dropped()
    }

    /// Its drops of all kinds.
    pub fn dropped(&self) -> u64 {
        self.drops.values().sum()
    }

    /// Neighbours as one.
    pub(crate) fn sum(slots: &[Self]) -> Self {
        let mut sum = Self::default();
        for slot in slots {
            sum.absorb(slot);
        }
        sum
    }

    fn absorb(&mut self, other: &Self) {
        if self.ok.len() < other.ok.len() {
            self.ok.resize(other.ok.len(), 0);
        }
        self.ok.iter_mut().zip(&other.ok).for_each(|(mine, theirs)| *mine += theirs);
        for (kind, count) in &other.drops {
            *self.drops.entry(*kind).or_default() += count;
        }
        self.latency.absorb(&other.latency);
    }
}

/// Slots of equal width from the beginning of the run; by *planned* time, so that a stall is seen where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// How long each slot is.
    pub width: Duration,
    /// The slots.
    pub slots: Vec<Slot>,
    fine: Vec<Fine>,
    end: Duration,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fine {
    ok: bool,
    dropped: bool,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width: Duration::from_millis(50), slots: Vec::new(), fine: Vec::new(), end: Duration::ZERO }
    }
}

impl Timeline {
    pub(crate) fn ok(&mut self, planned: Duration, version: usize, latency: Duration) {
        let slot = self.slot(planned);
        if slot.ok.len() <= version {
            slot.ok.resize(version + 1, 0);
        }
        slot.ok[version] += 1;
        slot.latency.record(latency);
        self.fine(planned).ok = true;
    }

    pub(crate) fn dropped(&mut self, planned: Duration, kind: Kind) {
        *self.slot(planned).drops.entry(kind).or_default() += 1;
        self.fine(planned).dropped = true;
    }

    /// When the last of its requests was planned.
    pub fn end(&self) -> Duration {
        self.end
    }

    /// The longest stretch in which nothing that was planned ended ok, though something was: its beginning and length.
    pub fn longest_outage(&self) -> Option<(Duration, Duration)> {
        let mut longest: Option<(usize, usize)> = None;
        let mut open: Option<(usize, usize)> = None;
        for (i, fine) in self.fine.iter().enumerate() {
            if fine.ok {
                open = None;
            } else if fine.dropped {
                let (from, _) = *open.get_or_insert((i, i));
                open = Some((from, i));
                if longest.is_none_or(|(start, end)| i - from > end - start) {
                    longest = open;
                }
            }
        }
        let slots = |count: usize| FINE * u32::try_from(count).unwrap_or(u32::MAX);
        longest.map(|(start, end)| (slots(start), slots(end - start + 1)))
    }

    /// Adds another timeline's counts; `versions` says what its version indexes are here.
    pub(crate) fn absorb(&mut self, mut other: Self, versions: &[usize]) {
        while self.width < other.width {
            self.halve();
        }
        while other.width < self.width {
            other.halve();
        }
        if self.slots.len() < other.slots.len() {
            self.slots.resize_with(other.slots.len(), Slot::default);
        }
        for (mine, theirs) in self.slots.iter_mut().zip(&mut other.slots) {
            let mut ok = vec![0; versions.iter().max().map_or(0, |last| last + 1)];
            for (count, index) in theirs.ok.iter().zip(versions) {
                ok[*index] += count;
            }
            theirs.ok = ok;
            mine.absorb(theirs);
        }
        self.end = self.end.max(other.end);
        if self.fine.len() < other.fine.len() {
            self.fine.resize(other.fine.len(), Fine::default());
        }
        for (mine, theirs) in self.fine.iter_mut().zip(&other.fine) {
            mine.ok |= theirs.ok;
            mine.dropped |= theirs.dropped;
        }
    }

    fn slot(&mut self, at: Duration) -> &mut Slot {
        self.end = self.end.max(at);
        let mut index = index(at, self.width);
        while index >= MAX_SLOTS {
            self.halve();
            index /= 2;
        }
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, Slot::default);
        }
        &mut self.slots[index]
    }

    fn fine(&mut self, at: Duration) -> &mut Fine {
        let index = index(at, FINE);
        if self.fine.len() <= index {
            self.fine.resize(index + 1, Fine::default());
        }
        &mut self.fine[index]
    }

    /// Half as many slots, each twice as long.
    fn halve(&mut self) {
        self.width *= 2;
        self.slots = self.slots.chunks(2).map(Slot::sum).collect();
    }
}

fn index(at: Duration, width: Duration) -> usize {
    usize::try_from(at.as_nanos() / width.as_nanos()).unwrap_or(usize::MAX)
}

/// A histogram small enough to have one per slot: eight steps per doubling, so within 9 %.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coarse {
    counts: Vec<u32>,
    longest: Duration,
}

impl Coarse {
    fn record(&mut self, latency: Duration) {
        let index = Self::index(latency);
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] = self.counts[index].saturating_add(1);
        self.longest = self.longest.max(latency);
    }

    fn absorb(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*theirs);
        }
        self.longest = self.longest.max(other.longest);
    }

    /// The latency that `share` (0 to 1) of the requests did not exceed; `None` if there were none.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank in a count of requests"
    )]
    pub fn percentile(&self, share: f64) -> Option<Duration> {
        let total: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= rank && total > 0 {
                return Some(Self::upper(index).min(self.longest));
            }
        }
        None
    }

    /// The longest of all.
    pub fn longest(&self) -> Duration {
        self.longest
    }

    /// Microseconds as a float would store them: the exponent and the three bits behind its leading one.
    fn index(latency: Duration) -> usize {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(8);
        let exponent = micros.ilog2();
        let steps = (micros >> (exponent - 3)) & 0b111;
        (exponent - 3) as usize * 8 + usize::try_from(steps).unwrap_or(0)
    }

    fn upper(index: usize) -> Duration {
        let (exponent, steps) = (index / 8, index % 8);
        Duration::from_micros(((8 + steps as u64 + 1) << exponent).saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_coarse_percentile_is_within_a_step_of_the_true_one() {
        let mut coarse = Coarse::default();
        (1..=1000).for_each(|count| coarse.record(millis(count)));
        for (share, wanted) in [(0.5, 500.0), (0.9, 900.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = coarse.percentile(share).unwrap().as_secs_f64() * 1000.0;
            assert!(found >= wanted && found <= wanted * 1.13, "p{share}: {found} for {wanted}");
        }
        assert_eq!(Coarse::default().percentile(0.5), None);
    }

    #[test]
    fn a_long_run_keeps_every_count_in_fewer_slots() {
        let mut timeline = Timeline::default();
        for second in 0..3600 {
            timeline.ok(Duration::from_secs(second), 0, millis(1));
            timeline.dropped(Duration::from_secs(second), Kind::Refused);
        }
        assert!(timeline.slots.len() <= MAX_SLOTS);
        assert_eq!(timeline.slots.iter().map(|slot| slot.ok[0]).sum::<u64>(), 3600);
        assert_eq!(timeline.slots.iter().map(|slot| slot.drops[&Kind::Refused]).sum::<u64>(), 3600);
    }

    #[test]
    fn timelines_of_different_widths_add_up() {
        let mut long = Timeline::default();
        (0..300).for_each(|second| long.ok(Duration::from_secs(second), 0, millis(1)));
        let mut short = Timeline::default();
        (0..10).for_each(|second| short.ok(Duration::from_secs(second), 0, millis(1)));
        short.absorb(long.clone(), &[1]);
        assert_eq!(short.width, long.width);
        assert_eq!(short.slots.iter().map(|slot| slot.ok[0]).sum::<u64>(), 10);
        assert_eq!(short.slots.iter().filter_map(|slot| slot.ok.get(1)).sum::<u64>(), 300);
    }

    #[test]
    fn an_outage_lasts_from_the_first_drop_to_the_last_with_no_ok_between() {
        let mut timeline = Timeline::default();
        for at in (0..1000).step_by(20) {
            if (300..500).contains(&at) || at == 700 {
                timeline.dropped(millis(at), Kind::Refused);
            } else {
                timeline.ok(millis(at), 0, millis(1));
            }
        }
        assert_eq!(timeline.longest_outage(), Some((millis(300), millis(190))));
        assert_eq!(Timeline::default().longest_outage(), None);
    }
}
