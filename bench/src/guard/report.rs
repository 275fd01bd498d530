//! The tables, the targets, and the same as JSON.

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde::Serialize;

use super::args::{Args, Request};
use super::front::Front;
use super::load::Ran;
use super::rest::Memory;
use crate::spread::Spread;

const MEBIBYTE: u64 = 1 << 20;

/// What the guard may take of what Envoy takes: of added latency and of CPU time.
const SHARE: f64 = 0.5;

/// What the agent may have resident: so much, and so much more for each pair of connections at rest.
const RESIDENT: (u64, u64) = (10 * MEBIBYTE, 16 * 1024);

/// How large the agent may be.
const BINARY: u64 = 5 * MEBIBYTE;

/// How long it may take to be ready, in milliseconds.
const READY: f64 = 10.0;

/// One turn of one round.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) front: Front,
    pub(super) request: Request,
    pub(super) round: usize,
    pub(super) cpu_us: f64,
    #[serde(flatten)]
    pub(super) ran: Ran,
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    schema: u32,
    rounds: usize,
    seconds: u64,
    rate: f64,
    connections: usize,
    /// The machine's load before the first round.
    load_average: f64,
    requests: Vec<Request>,
    fronts: Vec<Front>,
    pub(super) rows: Vec<Row>,
    pub(super) memory: Vec<Memory>,
    binaries: Vec<(Front, u64)>,
    pub(super) ready_ms: Option<Spread>,
}

/// What one in front adds to one kind of request.
#[derive(Clone, Copy)]
struct Added {
    p50: Spread,
    p99: Spread,
    window_p99: Spread,
    cpu: Spread,
}

impl Report {
    pub(super) fn new(args: &Args, load_average: f64, binaries: Vec<(Front, u64)>) -> Self {
        Self {
            schema: 1,
            rounds: args.rounds,
            seconds: args.seconds,
            rate: args.rate,
            connections: args.connections,
            load_average,
            requests: args.requests.clone(),
            fronts: args.only.clone(),
            rows: Vec::new(),
            memory: Vec::new(),
            binaries,
            ready_ms: None,
        }
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "{} rounds of {} s, {} requests/s in an open loop over {} kept connections, answers of 1 KiB; medians (least–most). \
             `p99 of 0.1 s` is the median of the 99th percentiles of each tenth of a second: what stops a processor once a second \
             does not show in it. What is in front has processor 0, the application (nginx) and the load have processor 1. \
             The load average was {:.1} before.\n\n\
             | request | in front | p50 µs | p99 µs | added p50 µs | beside Envoy | added p99 µs | beside Envoy | \
             added p99 of 0.1 s µs | beside Envoy | CPU µs/request | beside Envoy |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|\n",
            self.rounds, self.seconds, self.rate, self.connections, self.load_average
        );
        for request in &self.requests {
            for front in &self.fronts {
                self.row(&mut text, *request, *front);
            }
        }
        self.soundness(&mut text);
        self.rest(&mut text);
        let targets = self.targets();
        let _ = writeln!(text, "\n| target | measured | at most | held |\n|---|---|---|---|");
        for (name, measured, most) in targets {
            let held = match measured.partial_cmp(&most) {
                Some(Ordering::Greater) => "**no**",
                Some(_) => "yes",
                None => "not to be told",
            };
            let _ = writeln!(text, "| {name} | {measured:.2} | {most:.2} | {held} |");
        }
        text
    }

    /// How much of what was measured counts, and what was dropped.
    fn soundness(&self, text: &mut String) {
        let rounds = self.requests.len() * self.rounds;
        let sound: usize = self.requests.iter().map(|request| self.sound_rounds(*request)).sum();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "\n{sound} of {rounds} rounds count: in the others the load itself was late, or requests were dropped."
        );
        for front in &self.fronts {
            let rows = self.rows.iter().filter(|row| row.front == *front);
            let dropped: u64 = rows.map(|row| row.ran.dropped).sum();
            if dropped > 0 {
                let _ = writeln!(text, "Dropped with {} in front: {dropped}.", front.name());
            }
        }
    }

    fn row(&self, text: &mut String, request: Request, front: Front) {
        let median = |value: fn(&Ran) -> f64| {
            let mut values: Vec<f64> = self.of(request, front).map(|row| value(&row.ran)).collect();
            Spread::of(&mut values).median
        };
        let _ = write!(
            text,
            "| {request:?} | {} | {:.0} | {:.0} |",
            front.name(),
            median(|ran| ran.p50_us),
            median(|ran| ran.p99_us)
        );
        let Some(added) = self.added(request, front) else {
            let _ = writeln!(text, " – | – | – | – | – | – | – | – |");
            return;
        };
        let envoy = self.added(request, Front::Envoy);
        let mut figure = |of: Spread, beside: Option<Spread>, digits: usize| {
            let Spread { min, median, max } = of;
            let beside =
                beside.map_or("–".to_owned(), |beside| format!("{:.3}", share(median, beside.median)));
            let _ = write!(text, " {median:.digits$} ({min:.digits$}–{max:.digits$}) | {beside} |");
        };
        figure(added.p50, envoy.map(|envoy| envoy.p50), 0);
        figure(added.p99, envoy.map(|envoy| envoy.p99), 0);
        figure(added.window_p99, envoy.map(|envoy| envoy.window_p99), 0);
        figure(added.cpu, envoy.map(|envoy| envoy.cpu), 2);
        text.push('\n');
    }

    fn rest(&self, text: &mut String) {
        if !self.memory.is_empty() {
            let _ = writeln!(
                text,
                "\n| in front | resident MiB, alone | client connections at rest | to the application | resident MiB | \
                 bytes per client connection |\n|---|---|---|---|---|---|"
            );
        }
        for memory in &self.memory {
            let Memory { front, alone, with_connections, connections, upstream } = memory;
            let _ = writeln!(
                text,
                "| {} | {:.1} | {connections} | {upstream} | {:.1} | {} |",
                front.name(),
                mebibytes(*alone),
                mebibytes(*with_connections),
                with_connections.saturating_sub(*alone) / (*connections).max(1) as u64
            );
        }
        let _ = writeln!(text, "\n| in front | binary MiB |\n|---|---|");
        for (front, bytes) in &self.binaries {
            let _ = writeln!(text, "| {} | {:.2} |", front.name(), mebibytes(*bytes));
        }
        if let Some(Spread { min, median, max }) = self.ready_ms {
            let _ = writeln!(
                text,
                "\nThe agent, from the start of its process to the first 200 on /ready: {median:.1} ms ({min:.1}–{max:.1})."
            );
        }
    }

    /// What is held to: its name, what was measured, and what it may be at most.
    fn targets(&self) -> Vec<(String, f64, f64)> {
        let mut targets = Vec::new();
        for request in &self.requests {
            let (guard, envoy) = (self.added(*request, Front::Guard), self.added(*request, Front::Envoy));
            let Some((guard, envoy)) = guard.zip(envoy) else { continue };
            let is_told = 2 * self.sound_rounds(*request) > self.rounds;
            let mut target = |name: &str, guard: Spread, envoy: Spread| {
                let name = format!("{request:?}: {name} beside Envoy");
                let share = if is_told { share(guard.median, envoy.median) } else { f64::NAN };
                targets.push((name, share, SHARE));
            };
            target("added p50", guard.p50, envoy.p50);
            target("added p99", guard.p99, envoy.p99);
            target("added p99 of 0.1 s", guard.window_p99, envoy.window_p99);
            target("CPU per request", guard.cpu, envoy.cpu);
        }
        if let Some(memory) = self.memory.iter().find(|memory| memory.front == Front::Guard) {
            let (fixed, pair) = RESIDENT;
            let most = mebibytes(fixed + pair * memory.connections as u64);
            let name = format!("agent: resident MiB with {} pairs at rest", memory.connections);
            targets.push((name, mebibytes(memory.with_connections), most));
            targets.push(("agent: resident MiB alone".to_owned(), mebibytes(memory.alone), mebibytes(fixed)));
        }
        if let Some((_, bytes)) = self.binaries.iter().find(|(front, _)| *front == Front::Guard) {
            targets.push(("agent: binary MiB".to_owned(), mebibytes(*bytes), mebibytes(BINARY)));
        }
        if let Some(ready) = self.ready_ms {
            targets.push(("agent: ready ms".to_owned(), ready.median, READY));
        }
        targets
    }

    /// What it adds to the same rounds without anything in front; nothing adds nothing.
    fn added(&self, request: Request, front: Front) -> Option<Added> {
        if front == Front::Nothing || !self.fronts.contains(&front) {
            return None;
        }
        let more = |value: fn(&Ran) -> f64| {
            let direct = |round| self.of(request, Front::Nothing).find(|row| row.round == round);
            let rows = self.of(request, front);
            let mut values: Vec<f64> =
                rows.filter_map(|row| Some(value(&row.ran) - value(&direct(row.round)?.ran))).collect();
            Spread::of(&mut values)
        };
        let mut cpu: Vec<f64> = self.of(request, front).map(|row| row.cpu_us).collect();
        Some(Added {
            p50: more(|ran| ran.p50_us),
            p99: more(|ran| ran.p99_us),
            window_p99: more(|ran| ran.window_p99_us),
            cpu: Spread::of(&mut cpu),
        })
    }

    /// The turns that count: a round does with all its turns or with none.
    fn of(&self, request: Request, front: Front) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(move |row| row.request == request && row.front == front)
            .filter(move |row| self.is_sound(request, row.round))
    }

    fn is_sound(&self, request: Request, round: usize) -> bool {
        self.rows
            .iter()
            .filter(|row| row.request == request && row.round == round)
            .all(|row| row.ran.is_sound())
    }

    fn sound_rounds(&self, request: Request) -> usize {
        self.of(request, Front::Nothing).count()
    }
}

/// NaN, of which nothing can be told, where Envoy added nothing: then the machine's noise was measured.
fn share(of: f64, beside: f64) -> f64 {
    if beside > 0.0 { of / beside } else { f64::NAN }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE as f64
}

#[cfg(test)]
mod tests;
