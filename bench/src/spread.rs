//! The least, the middle and the most of several figures: what one run of a noisy machine can honestly say.

use serde::Serialize;

/// Of several figures.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    /// The least.
    pub(crate) min: f64,
    /// The middle one.
    pub(crate) median: f64,
    /// The most.
    pub(crate) max: f64,
}

impl Spread {
    /// Sorts the figures. Of none, all are NaN.
    pub(crate) fn of(figures: &mut [f64]) -> Self {
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        Self { min: at(0), median: at(figures.len() / 2), max: at(figures.len().saturating_sub(1)) }
    }
}
