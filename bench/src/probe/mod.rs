//! `segue probe` beside vegeta (and oha, where it is installed): CPU per request at the same rate.
//!
//! The origin is one process on processor 1; a generator may use both processors. Rounds are interleaved, and the median
//! counts.
//! Vegeta is built from its Go module where it is not there yet.

mod generator;

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::bail;
use serde::Serialize;

use crate::proxy::contender::Process;
use generator::{Generator, Ran, Tools};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds of each generator and rate; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load in each round.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Requests per second.
    #[arg(long, value_delimiter = ',', default_value = "2000,10000")]
    rates: Vec<u32>,
    /// Bytes of the answers.
    #[arg(long, default_value_t = 1024)]
    size: usize,
    /// Machine-readable result on stdout.
    #[arg(short, value_parser = ["text", "json"], default_value = "text")]
    output: String,
}

/// What `segue probe` would be given.
#[derive(clap::Args)]
pub(crate) struct LoadArgs {
    url: segue_probe::Target,
    rate: f64,
    seconds: u64,
}

/// One run of the probe, as the command makes it; its JSON is the result.
pub(crate) fn load(args: LoadArgs) -> anyhow::Result<()> {
    let mut load = segue_probe::Load::new(args.url, Duration::from_secs(args.seconds));
    load.shapes = vec![segue_probe::Shape::new("GET", args.rate)];
    let report = segue_probe::run(load, |_| ())?;
    println!("{}", serde_json::to_string(&report.json())?);
    Ok(())
}

#[derive(Debug, Serialize)]
struct Row {
    generator: Generator,
    rate: u32,
    #[serde(flatten)]
    ran: Ran,
}

#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    rounds: usize,
    seconds: u64,
    size: usize,
    rows: Vec<Row>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if std::thread::available_parallelism()?.get() < 2 {
        bail!("two processors are needed: one for the generator, one for the origin");
    }
    let tools = Tools::find()?;
    let origin = Process::origin()?;
    let url = format!("http://127.0.0.1:{}/{}", origin.port, args.size);
    let mut rows = Vec::new();
    for rate in &args.rates {
        for round in 0..=args.rounds {
            for generator in tools.generators() {
                // Round 0 warms the origin and the files' cache up.
                let seconds = if round == 0 { 1 } else { args.seconds };
                let ran = tools.run(generator, &url, *rate, seconds)?;
                if round > 0 {
                    eprintln!("{generator:?} at {rate}/s: {:.2} µs of CPU per request", ran.cpu_us);
                    rows.push(Row { generator, rate: *rate, ran });
                }
            }
        }
    }
    let report = Report { schema: 1, rounds: args.rounds, seconds: args.seconds, size: args.size, rows };
    if args.output == "json" {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.markdown(&tools.generators()));
    }
    Ok(())
}

impl Report {
    fn markdown(&self, generators: &[Generator]) -> String {
        let mut text = format!(
            "GET over kept-alive HTTP/1.1, answers of {} bytes; {} rounds of {} s, medians; the origin on one of two \
             processors.\n\n\
             | rate | generator | CPU µs/request | beside vegeta | sent of planned | left late p99 µs | left late max µs |\n\
             |---|---|---|---|---|---|---|\n",
            self.size, self.rounds, self.seconds
        );
        let mut rates: Vec<u32> = self.rows.iter().map(|row| row.rate).collect();
        rates.dedup();
        for rate in rates {
            let vegeta = self.median(Generator::Vegeta, rate, |ran| Some(ran.cpu_us));
            for generator in generators {
                let median = |value: fn(&Ran) -> Option<f64>| self.median(*generator, rate, value);
                let number = |value: Option<f64>, digits| {
                    value.map_or("–".to_owned(), |value| format!("{value:.digits$}"))
                };
                let cpu = median(|ran| Some(ran.cpu_us));
                let ratio = cpu.zip(vegeta).map(|(cpu, vegeta)| cpu / vegeta);
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "| {rate}/s | {generator:?} | {} | {} | {} | {} | {} |",
                    number(cpu, 2),
                    number(ratio, 3),
                    number(median(|ran| Some(ran.sent)), 3),
                    number(median(|ran| ran.lag_p99_us), 0),
                    number(median(|ran| ran.lag_max_us), 0),
                );
            }
        }
        text
    }

    fn median(&self, generator: Generator, rate: u32, value: impl Fn(&Ran) -> Option<f64>) -> Option<f64> {
        let rows = self.rows.iter().filter(|row| row.generator == generator && row.rate == rate);
        let mut values: Vec<f64> = rows.filter_map(|row| value(&row.ran)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}
