//! The picture of all four runs, one below the other.

use segue_probe::Report;
use segue_probe::plot::{self, Run};

use crate::row::Row;

/// One recipe's run.
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) row: Row,
    pub(crate) report: Report,
}

pub(crate) fn draw(panels: &[Panel]) -> String {
    let notes: Vec<String> = panels
        .iter()
        .map(|panel| {
            let Row { seconds, seconds_per_instance, rate, .. } = panel.row;
            format!("at {rate:.0}/s; upgraded in {seconds:.1} s, {seconds_per_instance:.1} s per instance")
        })
        .collect();
    let runs: Vec<Run<'_>> = panels
        .iter()
        .zip(&notes)
        .map(|(panel, note)| Run { title: panel.title, note, report: &panel.report })
        .collect();
    plot::compare(&runs, "One program upgraded four ways, under the same load")
}
