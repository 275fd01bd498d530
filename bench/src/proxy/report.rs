//! The table, and the same as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::contender::Contender;
use super::load::Ran;

/// One round of one contender.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Row {
    pub(crate) contender: Contender,
    pub(crate) size: usize,
    pub(crate) cpu_us: f64,
    #[serde(flatten)]
    pub(crate) ran: Ran,
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    rounds: usize,
    seconds: u64,
    connections: usize,
    idle_connections: usize,
    pub(crate) rows: Vec<Row>,
    /// Bytes per idle connection.
    pub(crate) idle: Vec<(Contender, u64)>,
}

impl Report {
    pub(crate) fn new(rounds: usize, seconds: u64, connections: usize, idle_connections: usize) -> Report {
        let (rows, idle) = (Vec::new(), Vec::new());
        Report { schema: 1, rounds, seconds, connections, idle_connections, rows, idle }
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "{} rounds of {} s, {} connections; medians.\n\n\
             | answer | proxy | CPU µs/request | beside the better rival | requests/s | p50 µs | p99 µs |\n\
             |---|---|---|---|---|---|---|\n",
            self.rounds, self.seconds, self.connections
        );
        let mut sizes: Vec<_> = self.rows.iter().map(|row| row.size).collect();
        sizes.dedup();
        sizes.sort_unstable();
        sizes.dedup();
        for size in sizes {
            for (contender, _) in &self.idle {
                let cpu = self.median(*contender, size, |row| row.cpu_us);
                let ratio = self.ratio(size, cpu).map_or("–".to_owned(), |ratio| format!("{ratio:.3}"));
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "| {size} B | {contender:?} | {cpu:.2} | {ratio} | {:.0} | {:.0} | {:.0} |",
                    self.median(*contender, size, |row| row.ran.rate),
                    self.median(*contender, size, |row| f64::from(
                        u32::try_from(row.ran.p50_us).unwrap_or(u32::MAX)
                    )),
                    self.median(*contender, size, |row| f64::from(
                        u32::try_from(row.ran.p99_us).unwrap_or(u32::MAX)
                    )),
                );
            }
        }
        let _ = writeln!(
            text,
            "\n| proxy | bytes per idle connection (of {}) |\n|---|---|",
            self.idle_connections
        );
        for (contender, bytes) in &self.idle {
            let _ = writeln!(text, "| {contender:?} | {bytes} |");
        }
        text
    }

    fn ratio(&self, size: usize, cpu: f64) -> Option<f64> {
        let rivals = self.idle.iter().filter(|(contender, _)| *contender != Contender::Segue);
        let better =
            rivals.map(|(rival, _)| self.median(*rival, size, |row| row.cpu_us)).min_by(f64::total_cmp)?;
        Some(cpu / better)
    }

    fn median(&self, contender: Contender, size: usize, value: impl Fn(&Row) -> f64) -> f64 {
        let mut values: Vec<_> = self
            .rows
            .iter()
            .filter(|row| row.contender == contender && row.size == size)
            .map(value)
            .collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}
