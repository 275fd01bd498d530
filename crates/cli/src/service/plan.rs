//! What a deploy would do, for people and for scripts.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use segue_local::driver::Refusal;
use segue_local::dry_run::{DryRun, Step, dry_run};
use segue_local::folder::Folder;
use segue_local::spec::Spec;
use segue_local::state::State;

use super::{Format, NO, WRONG, rows};
use crate::output::{self, outln};

/// Computes what the deploy would do to what runs now, and prints it.
pub(crate) fn print(folder: &Folder, spec: Spec, format: Format) -> anyhow::Result<ExitCode> {
    let stop = spec.stop.clone();
    let deadline = spec.drain_deadline;
    let state = State::read(folder)?.ok_or(Refusal::NothingRuns);
    let planned = match state.and_then(|state| dry_run(state, spec)) {
        Ok(planned) => planned,
        Err(Refusal::NothingRuns) => {
            eprintln!("{} is not up: there is nothing to deploy to", folder.name());
            return Ok(WRONG.into());
        }
        // As the deploy would say it.
        Err(refusal) => {
            output::error(&refusal.into());
            return Ok(NO.into());
        }
    };
    match format {
        Format::Json => {
            let mut json = serde_json::to_value(&planned)?;
            json["schema"] = 1.into();
            outln!("{json:#}")?;
        }
        Format::Text => {
            let signal = format!("{} (KILL after {})", stop.signal, rows::length(stop.grace));
            output::write(text(&planned, &signal, deadline)?.as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn text(planned: &DryRun, signal: &str, deadline: Duration) -> Result<String, std::fmt::Error> {
    let DryRun { name, from, to, replicas, floor, most, waves, .. } = planned;
    let mut text = format!("{name}: {from} to {to}, {replicas} instances\n");
    if planned.steps.is_empty() {
        text += "  nothing to do\n";
        return Ok(text);
    }
    for (index, step) in planned.steps.iter().enumerate() {
        write!(text, "{:4}  ", index + 1)?;
        match step {
            Step::Start { instance, version } => {
                writeln!(text, "start     {instance} ({version}), until it is ready")?;
            }
            Step::Admit { instance } => writeln!(text, "admit     {instance}")?,
            Step::Withdraw { instance } => {
                let most = rows::length(deadline);
                writeln!(
                    text,
                    "withdraw  {instance}, until nothing is in flight (at most {most}: drainDeadline)"
                )?;
            }
            Step::Stop { instance } => writeln!(text, "stop      {instance} by {signal}")?,
        }
    }
    writeln!(text, "never fewer than {floor} serving, never more than {most} in all; {waves} wave(s)")?;
    let of = |millis: Option<u64>| millis.map(|millis| rows::length(Duration::from_millis(millis)));
    if let Some(drain) = of(planned.drain_ms) {
        writeln!(text, "each wave takes start + ready + at most {drain} (longestRequest + stop.grace)")?;
    }
    if let Some(bound) = of(planned.bound_ms) {
        writeln!(
            text,
            "at most {bound} in all (waves × (progressDeadline + drainDeadline + stop.grace)), then it has gone back"
        )?;
    }
    Ok(text)
}
