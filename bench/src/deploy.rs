//! A deploy of many instances under load: drops, and its time beside the bound that the rules promise.
//!
//! The bound is ⌈N/surge⌉ × (start + ready + longest in flight). Start + ready is measured in the same run, without
//! Segue: the sample program is started alone, beside the load, and asked as often as the spec asks. The longest in
//! flight is the slowest answer that the probe saw.

use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::ensure;
use segue_e2e::client::Client;
use segue_e2e::place::free_address;
use segue_e2e::pressure::{Pressure, get};
use segue_e2e::service::{Sample, Service};
use segue_probe::Shape;
use serde::Serialize;

use crate::{clock, spread::Spread};

/// As in [`Sample`]'s spec.
const READY_INTERVAL: Duration = Duration::from_millis(100);

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many instances
    #[arg(long, default_value_t = 10)]
    instances: u32,
    /// How many of them may exist twice at a time
    #[arg(long, default_values_t = [1, 5])]
    surge: Vec<u32>,
    /// Requests per second
    #[arg(long, default_value_t = 5000.0)]
    rate: f64,
    /// How long the sample takes until it listens, in milliseconds
    #[arg(long, default_value_t = 500)]
    start: u64,
    /// How long the slow requests take (one in a hundred), in milliseconds
    #[arg(long, default_value_t = 500)]
    slow: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    instances: u32,
    surge: u32,
    rate: f64,
    requests: u64,
    dropped: u64,
    valid: bool,
    start_and_ready_ms: f64,
    longest_in_flight_ms: f64,
    bound_seconds: f64,
    seconds: f64,
    ratio: f64,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let rows = args.surge.iter().map(|surge| row(args, *surge)).collect::<anyhow::Result<Vec<_>>>()?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        println!(
            "| instances | surge | requests (at {}/s) | dropped | seconds | bound | seconds / bound |",
            args.rate
        );
        println!("| --- | --- | --- | --- | --- | --- | --- |");
        for row in &rows {
            let Row { instances, surge, requests, dropped, seconds, bound_seconds, ratio, .. } = row;
            println!(
                "| {instances} | {surge} | {requests} | {dropped} | {seconds:.2} | {bound_seconds:.2} | {ratio:.2} |"
            );
        }
    }
    let bad = rows.iter().any(|row| row.dropped > 0 || !row.valid);
    ensure!(!bad, "a deploy dropped requests, or the probe was late");
    Ok(())
}

fn row(args: &Args, surge: u32) -> anyhow::Result<Row> {
    let delay = format!("{}ms", args.start);
    let flags = ["--polite", "--start-delay", delay.as_str()];
    let sample =
        |version| Sample { version, flags: &flags, replicas: args.instances, surge, ..Sample::default() };
    let service = Service::start(&sample("v1"));
    let load = Pressure::start(service.listen, shapes(args));
    load.more(1000);
    let mut ready = (0..5).map(|_| alone(&flags)).collect::<anyhow::Result<Vec<_>>>()?;
    let start_and_ready = Spread::of(&mut ready).median;
    let began = clock::now();
    let ended = service.deploy(&sample("v2"));
    let seconds = (clock::now() - began).as_secs_f64();
    ensure!(ended.status.success(), "the deploy failed: {ended:?}");
    load.more(1000);
    let report = load.end()?;
    let slowest = Duration::from_micros(report.ledger.latency().max());
    let longest_in_flight_ms = slowest.as_secs_f64() * 1000.0;
    let waves = f64::from(args.instances.div_ceil(surge));
    let bound_seconds = waves * (start_and_ready + longest_in_flight_ms) / 1000.0;
    Ok(Row {
        instances: args.instances,
        surge,
        rate: args.rate,
        requests: report.ledger.requests(),
        dropped: report.ledger.dropped(),
        valid: report.invalid().is_none(),
        start_and_ready_ms: start_and_ready,
        longest_in_flight_ms,
        bound_seconds,
        seconds,
        ratio: seconds / bound_seconds,
    })
}

fn shapes(args: &Args) -> Vec<Shape> {
    let slow = format!("/sleep?ms={}", args.slow);
    vec![Shape::new("quick", args.rate * 0.99), get("slow", args.rate * 0.01, &slow)]
}

/// From the start of the program, alone, to the first good answer of its readiness check, in milliseconds.
fn alone(flags: &[&str]) -> anyhow::Result<f64> {
    let address = free_address();
    let began = clock::now();
    let mut child = Command::new(segue_e2e::segue())
        .args(["sample", "--port", &address.port().to_string()])
        .args(flags)
        .stdout(Stdio::null())
        .spawn()?;
    let ready = loop {
        let answer = Client::try_connect(address).and_then(|mut client| {
            client.try_get("/health")?;
            client.try_answer()
        });
        if answer.is_ok_and(|answer| answer.status == 200) {
            break clock::now() - began;
        }
        ensure!(child.try_wait()?.is_none(), "the sample program ended");
        clock::sleep(READY_INTERVAL);
    };
    child.kill()?;
    child.wait()?;
    Ok(ready.as_secs_f64() * 1000.0)
}
