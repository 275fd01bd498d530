//! What came of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::args::Args;
use super::pod::Way;
use crate::guard::{Ran, Request};
use crate::spread::Spread;

/// What the redirect may add to latency and CPU: a tenth.
const MOST: f64 = 1.1;

/// One turn of one round.
#[derive(Debug, Serialize)]
pub(super) struct Turn {
    pub(super) way: Way,
    pub(super) request: Request,
    pub(super) round: usize,
    /// The agent's, per request.
    pub(super) cpu_us: f64,
    #[serde(flatten)]
    pub(super) ran: Ran,
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: u32,
    rate: f64,
    seconds: u64,
    connections: usize,
    idle: usize,
    load_average: f64,
    turns: Vec<Turn>,
    /// Entries of the pod's table of connections, with so many at rest.
    entries: BTreeMap<&'static str, u64>,
}

impl Report {
    pub(super) fn new(
        load_average: f64,
        args: &Args,
        turns: Vec<Turn>,
        entries: BTreeMap<&'static str, u64>,
    ) -> Self {
        let Args { rate, seconds, connections, idle, .. } = *args;
        Self { schema: 1, rate, seconds, connections, idle, load_average, turns, entries }
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "{} requests/s in an open loop over {} kept connections, answers of 1 KiB, rounds of {} s; medians of the ratios to *{}* in \
             the same round (least–most). Agents have processor 0, applications (nginx) and the load processor 1; the load average was \
             {:.1} before.\n\n\
             | request | clients are | rounds | p50 µs | ratio | p99 of 0.1 s, ratio | CPU µs/request | ratio |\n|---|---|---|---|---|---|---|---|\n",
            self.rate,
            self.connections,
            self.seconds,
            Way::Sent.name(),
            self.load_average
        );
        for request in [Request::Get, Request::Post] {
            for way in Way::ALL {
                let own = self.of(request, way);
                let median = |figure: &dyn Fn(&Turn) -> f64| {
                    Spread::of(&mut own.iter().map(|turn| figure(turn)).collect::<Vec<_>>()).median
                };
                let ratio = |figure: &dyn Fn(&Turn) -> f64| {
                    let of = self.ratio(request, way, figure);
                    format!("{:.2} ({:.2}–{:.2})", of.median, of.min, of.max)
                };
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "| {request:?} | {} | {} | {:.0} | {} | {} | {:.1} | {} |",
                    way.name(),
                    self.pairs(request, way).len(),
                    median(&|turn| turn.ran.p50_us),
                    ratio(&|turn| turn.ran.p50_us),
                    ratio(&|turn| turn.ran.window_p99_us),
                    median(&|turn| turn.cpu_us),
                    ratio(&|turn| turn.cpu_us),
                );
            }
        }
        let _ = writeln!(
            text,
            "\n| clients are | entries of connection tracking for {} connections |\n|---|---|",
            self.idle
        );
        for way in Way::ALL {
            let _ = writeln!(
                text,
                "| {} | {} |",
                way.name(),
                self.entries.get(way.word()).copied().unwrap_or_default()
            );
        }
        let _ = writeln!(
            text,
            "\nAt most {MOST} is wanted of the redirect: {}.",
            if self.holds() { "held" } else { "**not held**" }
        );
        text
    }

    fn holds(&self) -> bool {
        [Request::Get, Request::Post].into_iter().all(|request| {
            let median = |figure: &dyn Fn(&Turn) -> f64| self.ratio(request, Way::Redirect, figure).median;
            median(&|turn| turn.ran.p50_us) <= MOST && median(&|turn| turn.cpu_us) <= MOST
        })
    }

    /// A figure of a way beside the first way's, over the rounds.
    fn ratio(&self, request: Request, way: Way, figure: &dyn Fn(&Turn) -> f64) -> Spread {
        let pairs = self.pairs(request, way);
        Spread::of(&mut pairs.iter().map(|(one, sent)| figure(one) / figure(sent)).collect::<Vec<_>>())
    }

    fn of(&self, request: Request, way: Way) -> Vec<&Turn> {
        self.turns.iter().filter(|turn| turn.request == request && turn.way == way).collect()
    }

    /// Each turn of a way with the first way's in the same round, where both count.
    fn pairs(&self, request: Request, way: Way) -> Vec<(&Turn, &Turn)> {
        let sent = self.of(request, Way::Sent);
        let pair = |one: &&Turn| sent.iter().find(|sent| sent.round == one.round).copied();
        let all = self.of(request, way).into_iter().filter_map(|one| Some((one, pair(&one)?)));
        all.filter(|(one, sent)| one.ran.is_sound() && sent.ran.is_sound()).collect()
    }
}
