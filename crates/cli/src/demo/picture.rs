//! The picture of all four runs, one below the other.

use segue_probe::Report;

use super::row::Row;

/// One recipe's run.
pub(super) struct Panel {
    pub(super) title: &'static str,
    pub(super) row: Row,
    pub(super) report: Report,
}

pub(super) fn draw(_panels: &[Panel]) -> String {
    String::new()
}
