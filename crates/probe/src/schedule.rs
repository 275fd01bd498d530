//! When each request is to be sent. It depends on nothing that happens: that is what makes the loop open.

use std::time::Duration;

/// The next request of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) at: Duration,
    /// Index of its shape.
    pub(crate) shape: usize,
    /// Its number within the shape, from 0.
    pub(crate) number: u64,
}

/// One thread's share of every shape's schedule.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    series: Vec<Series>,
    until: Duration,
}

/// What a thread sends of one shape.
#[derive(Debug, Clone)]
struct Series {
    rate: f64,
    phase: f64,
    number: u64,
    step: u64,
    at: Duration,
}

impl Series {
    /// Computed from the number, never by adding intervals up: no error gathers.
    #[expect(clippy::cast_precision_loss, reason = "2^53 requests take longer than any run")]
    fn time(&self) -> Duration {
        Duration::try_from_secs_f64((self.phase + self.number as f64) / self.rate).unwrap_or(Duration::MAX)
    }
}

impl Schedule {
    /// The share of thread `thread` of `threads`: it sends every request whose number is `thread` modulo `threads`.
    /// Shapes of the same rate are put evenly between each other.
    #[expect(clippy::cast_precision_loss, reason = "a load has a handful of shapes")]
    pub(crate) fn new(rates: &[f64], until: Duration, thread: usize, threads: usize) -> Self {
        let series = rates
            .iter()
            .enumerate()
            .map(|(shape, rate)| {
                let phase = shape as f64 / rates.len() as f64;
                let mut series = Series {
                    rate: *rate,
                    phase,
                    number: thread as u64,
                    step: threads as u64,
                    at: Duration::ZERO,
                };
                series.at = series.time();
                series
            })
            .collect();
        Self { series, until }
    }

    /// The next request, if there is one before the end. It stays the next until [`Schedule::advance`].
    pub(crate) fn next(&self) -> Option<Due> {
        let (shape, series) = self.series.iter().enumerate().min_by_key(|(_, series)| series.at)?;
        (series.at < self.until).then_some(Due { at: series.at, shape, number: series.number })
    }

    /// Goes past the next request.
    pub(crate) fn advance(&mut self, due: Due) {
        let series = &mut self.series[due.shape];
        series.number += series.step;
        series.at = series.time();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rates: &[f64], seconds: u64, thread: usize, threads: usize) -> Vec<Due> {
        let mut schedule = Schedule::new(rates, Duration::from_secs(seconds), thread, threads);
        let mut all = Vec::new();
        while let Some(due) = schedule.next() {
            schedule.advance(due);
            all.push(due);
        }
        all
    }

    #[test]
    fn a_rate_times_the_duration_is_what_is_planned() {
        let due = all(&[1000.0, 3.0, 0.5], 10, 0, 1);
        let count = |shape| due.iter().filter(|due| due.shape == shape).count();
        assert_eq!((count(0), count(1), count(2)), (10_000, 30, 5));
        assert!(due.is_sorted_by_key(|due| due.at));
    }

    #[test]
    fn threads_share_the_schedule_without_gap_or_overlap() {
        let rates = [700.0, 90.0];
        let mut shared: Vec<_> = (0..3).flat_map(|thread| all(&rates, 5, thread, 3)).collect();
        let mut alone = all(&rates, 5, 0, 1);
        shared.sort_by_key(|due| (due.shape, due.number));
        alone.sort_by_key(|due| (due.shape, due.number));
        assert_eq!(shared, alone);
    }

    #[test]
    fn an_hour_at_an_odd_rate_gathers_no_error() {
        let due = all(&[333.0], 3600, 0, 1);
        assert_eq!(due.len(), 333 * 3600);
        let last = due.last().unwrap();
        assert_eq!(last.at.as_micros(), u128::from(last.number) * 1_000_000 / 333);
    }

    #[test]
    fn a_request_planned_for_the_very_end_is_not_sent() {
        assert_eq!(all(&[1.0], 1, 0, 1).len(), 1);
    }
}
