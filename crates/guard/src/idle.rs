//! When each idle connection is closed at the end of a drain.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use segue_core::Time;

use crate::clock;
use crate::shared::Shared;
use crate::table::{Command, Entry};

/// How often it is looked for connections that became idle meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// Commands every idle connection to close in its turn, until the drain is taken back.
pub(crate) async fn close(shared: Arc<Shared>, within: Duration, epoch: u64) {
    let begin = clock::now();
    shared.table.each(|entry| entry.turn.store(0, Ordering::Relaxed));
    let mut spread = within;
    while shared.epoch() == epoch {
        let now = clock::now();
        give_turns(idle(&shared), now, spread);
        // Whoever becomes idle later has no share of the spread: its turn is at once.
        spread = Duration::ZERO;
        for entry in idle(&shared) {
            let turn = Time::from_millis(entry.turn.load(Ordering::Relaxed));
            if now >= due(turn, entry.since(), entry.usual_gap(), begin, shared.settings.linger) {
                entry.give(Command::CloseIdle);
            }
        }
        clock::sleep(LOOK).await;
    }
}

fn idle(shared: &Shared) -> Vec<Arc<Entry>> {
    let mut idle = Vec::new();
    shared.table.each(|entry| {
        if entry.is_kept() {
            idle.push(entry.clone());
        }
    });
    idle
}

/// Gives those that have none their turn: the longest idle first.
fn give_turns(mut idle: Vec<Arc<Entry>>, now: Time, spread: Duration) {
    idle.retain(|entry| entry.turn.load(Ordering::Relaxed) == 0);
    idle.sort_by_key(|entry| entry.since());
    let count = u32::try_from(idle.len()).unwrap_or(u32::MAX).max(1);
    for (place, entry) in idle.iter().enumerate() {
        let share = spread / count * u32::try_from(place).unwrap_or(u32::MAX);
        entry.turn.store((now + share).as_millis().max(1), Ordering::Relaxed);
    }
}

/// When a connection is closed whose turn it is at `turn`: not while its next request may be expected, and that is
/// expected until twice the usual gap since its last answer, but for `linger` at most: after the drain's `begin`, or after
/// it became idle if that was later.
fn due(turn: Time, since: Time, usual_gap: Option<Duration>, begin: Time, linger: Duration) -> Time {
    let expected = since + usual_gap.map_or(linger, |gap| gap.saturating_mul(2));
    turn.max(expected.min(begin.max(since) + linger))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_secs(5);

    fn at(milliseconds: u64) -> Time {
        Time::from_millis(milliseconds)
    }

    #[test]
    fn the_turns_are_spread_the_longest_idle_first_and_given_once() {
        let idle: Vec<_> = [30, 10, 20].map(|since| Arc::new(Entry::new(at(since)))).into();
        let turns = |idle: &[Arc<Entry>]| -> Vec<_> {
            idle.iter().map(|entry| entry.turn.load(Ordering::Relaxed)).collect()
        };
        give_turns(idle.clone(), at(10_000), Duration::from_millis(900));
        assert_eq!(turns(&idle), [10_600, 10_000, 10_300]);
        let late = Arc::new(Entry::new(at(5)));
        let all = [idle, vec![late]].concat();
        give_turns(all.clone(), at(11_000), Duration::ZERO);
        assert_eq!(turns(&all), [10_600, 10_000, 10_300, 11_000]);
        // A turn is never none.
        let first = vec![Arc::new(Entry::new(at(0)))];
        give_turns(first.clone(), at(0), Duration::ZERO);
        assert_eq!(turns(&first), [1]);
    }

    #[test]
    fn a_connection_is_kept_for_twice_its_usual_gap() {
        let gap = Some(Duration::from_millis(400));
        assert_eq!(due(at(10_000), at(9_900), gap, at(10_000), LINGER), at(10_700));
    }

    #[test]
    fn a_connection_whose_next_request_is_overdue_goes_in_its_turn() {
        let gap = Some(Duration::from_millis(400));
        assert_eq!(due(at(10_250), at(5_000), gap, at(10_000), LINGER), at(10_250));
    }

    #[test]
    fn nobody_is_kept_for_longer_than_the_linger_or_its_turn() {
        let gap = Some(Duration::from_mins(1));
        assert_eq!(due(at(10_000), at(9_900), gap, at(10_000), LINGER), at(15_000));
        assert_eq!(due(at(17_000), at(9_900), gap, at(10_000), LINGER), at(17_000));
        assert_eq!(due(at(10_000), at(9_900), Some(Duration::MAX), at(10_000), LINGER), at(15_000));
    }

    #[test]
    fn a_connection_that_came_late_has_its_linger_too() {
        assert_eq!(due(at(20_000), at(20_000), None, at(10_000), LINGER), at(25_000));
    }

    #[test]
    fn a_connection_of_unknown_gap_is_kept_for_the_linger() {
        assert_eq!(due(at(10_000), at(9_000), None, at(10_000), LINGER), at(14_000));
        assert_eq!(due(at(10_000), at(1_000), None, at(10_000), LINGER), at(10_000));
    }
}
