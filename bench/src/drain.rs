//! What a drain adds to what its in-flight request needs.
//!
//! A client's request is in flight on the only instance when a deploy replaces it. Measured is the time between the
//! last byte of that answer, as the client saw it, and the end of the instance's process, as the kernel saw it.

use std::thread;
use std::time::Duration;

use anyhow::ensure;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use segue_e2e::client::Client;
use segue_e2e::service::{Sample, Service};
use serde::Serialize;

use crate::{clock, spread::Spread};

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How many drains
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// How long the request in flight takes, in milliseconds
    #[arg(long, default_value_t = 2000)]
    request: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Result {
    rounds: usize,
    request_ms: u64,
    added_ms: Spread,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let sample = |version| Sample { version, flags: &["--polite"], replicas: 1, ..Sample::default() };
    let mut service = Service::start(&sample("v1"));
    let mut added = Vec::new();
    for round in 0..args.rounds {
        let next = if round % 2 == 0 { "v2" } else { "v1" };
        added.push(one(&service, &sample(next), args.request)?);
        service.settles(next, 1);
    }
    let result = Result { rounds: args.rounds, request_ms: args.request, added_ms: Spread::of(&mut added) };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&result)?);
    } else {
        println!(
            "| drains | a request in flight of | from its answer to the process's end: min | median | max |"
        );
        println!("| --- | --- | --- | --- | --- |");
        let Spread { min, median, max } = result.added_ms;
        println!("| {} | {} ms | {min:.1} ms | {median:.1} ms | {max:.1} ms |", args.rounds, args.request);
    }
    Ok(())
}

fn one(service: &Service, next: &Sample<'_>, request_ms: u64) -> anyhow::Result<f64> {
    let status = service.status();
    let pid = status.instances().first().map_or(-1, segue_e2e::status::Instance::pid);
    let Some(pid) = Pid::from_raw(pid).filter(|pid| pid.as_raw_nonzero().get() > 1) else {
        anyhow::bail!("status shows no process: {:#}", status.0)
    };
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let mut client = Client::connect(service.listen);
    client.get(&format!("/sleep?ms={request_ms}"));
    let answered = thread::spawn(move || (client.answer(), clock::now()));
    // The request is in flight before the deploy begins.
    clock::sleep(Duration::from_millis(50));
    let deploy = service.begin_deploy(next);
    poll(&mut [PollFd::new(&process, PollFlags::IN)], None)?;
    let gone = clock::now();
    let ended = deploy.ended();
    ensure!(ended.status.success(), "the deploy failed: {ended:?}");
    let Ok((answer, answered)) = answered.join() else { anyhow::bail!("the request was dropped") };
    ensure!(answer.status == 200, "the request in flight was answered {}", answer.status);
    // The answer can't come after the end: it came from there.
    Ok((gone - answered).as_secs_f64() * 1000.0)
}
