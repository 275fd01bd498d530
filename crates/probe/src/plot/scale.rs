//! From values to places in the picture, and the round values that axes name.

/// Equal steps are equally far apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Linear {
    pub(super) low: f64,
    pub(super) high: f64,
    from: f64,
    to: f64,
}

impl Linear {
    /// `low` is drawn at `from`, `high` at `to`.
    pub(super) fn new(low: f64, high: f64, from: f64, to: f64) -> Self {
        Self { low, high: if high > low { high } else { low + 1.0 }, from, to }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// At most `most` round values.
    pub(super) fn ticks(&self, most: u32) -> Vec<f64> {
        let step = round_step((self.high - self.low) / f64::from(most));
        let mut ticks = Vec::new();
        let mut tick = (self.low / step).ceil() * step;
        while tick <= self.high + step * 1e-6 {
            ticks.push(tick);
            tick += step;
        }
        ticks
    }
}

/// The next 1, 2 or 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let factor =
        [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * 0.999_999).unwrap_or(10.0);
    factor * power
}

/// Equal factors are equally far apart. Seconds, from one power of ten to another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    lowest: i32,
    scale: Linear,
}

impl Log {
    /// Powers of ten around `least` and `most`, drawn from `from` to `to`.
    #[expect(clippy::cast_possible_truncation, reason = "an exponent of a duration")]
    pub(super) fn new(least: f64, most: f64, from: f64, to: f64) -> Self {
        let lowest = (least.max(1e-6).log10() + 1e-9).floor() as i32;
        let highest = ((most.max(1e-6).log10() - 1e-9).ceil() as i32).max(lowest + 1);
        Self { lowest, scale: Linear::new(f64::from(lowest), f64::from(highest), from, to) }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        self.scale.at(value.max(1e-9).log10())
    }

    /// The powers of ten.
    #[expect(clippy::cast_possible_truncation, reason = "exponents of durations")]
    pub(super) fn ticks(&self) -> Vec<f64> {
        (self.lowest..=self.scale.high as i32).map(|exponent| 10_f64.powi(exponent)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_no_more_than_asked_for() {
        let close = |ticks: Vec<f64>, wanted: &[f64]| {
            assert_eq!(ticks.len(), wanted.len(), "{ticks:?}");
            assert!(ticks.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-6), "{ticks:?}");
        };
        close(Linear::new(0.0, 10.0, 0.0, 1.0).ticks(5), &[0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        close(Linear::new(0.0, 1234.0, 0.0, 1.0).ticks(4), &[0.0, 500.0, 1000.0]);
        close(Linear::new(0.0, 0.3, 0.0, 1.0).ticks(3), &[0.0, 0.1, 0.2, 0.3]);
    }

    #[test]
    fn a_value_out_of_range_stays_in_the_picture() {
        let scale = Linear::new(0.0, 10.0, 100.0, 200.0);
        assert!((scale.at(99.0) - 200.0).abs() < 1e-9 && (scale.at(-1.0) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn a_logarithmic_axis_reaches_around_its_values() {
        let scale = Log::new(0.000_3, 0.02, 0.0, 100.0);
        let ticks = scale.ticks();
        assert_eq!(ticks.len(), 4, "{ticks:?}");
        assert!(scale.at(0.000_1).abs() < 1e-6 && (scale.at(0.1) - 100.0).abs() < 1e-6);
    }
}
