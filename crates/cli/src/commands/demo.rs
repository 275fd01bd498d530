//! `segue demo`: the main job in one command.

mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use indicatif::ProgressBar;
use segue_demo::{Progress, row};

use crate::output::{self, outln};

/// Upgrade a sample program four ways under load, and show what each drops
///
/// A rude program (it exits at once on SIGTERM) is upgraded by stop-then-start, by rolling with nothing else, by
/// rolling with a fixed sleep, and by Segue, under the same steady mixed load. Takes about 80 seconds; longer where the
/// machine is too busy to send on time, for then that upgrade is measured again, at last under half the load, and that
/// is said. Exits 0 if Segue dropped nothing and at least two of the others were seen to drop.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to print
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Format,
    /// What is upgraded
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Where to write the picture of all four runs
    #[arg(long, value_name = "FILE", default_value = "segue-demo.svg")]
    plot: PathBuf,
    /// Shorter, smaller and with less load: for tests
    #[arg(long, hide = true)]
    quick: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Mode {
    /// Processes on this machine, behind a proxy
    #[default]
    Service,
}

pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Mode::Service = args.mode;
    let Some(rows) = segue_demo::run(args.quick, &args.plot, Line(output::live("{wide_msg}")))? else {
        output::error(&anyhow!("interrupted"));
        return Ok(ExitCode::FAILURE);
    };
    let plot = args.plot.display().to_string();
    match args.output {
        Format::Json => outln!("{}", row::json(&rows, &plot))?,
        Format::Text => {
            outln!("{}", table::table(&rows).trim_fmt())?;
            for note in row::notes(&rows) {
                outln!("{note}")?;
            }
            outln!("\nplot: {plot}")?;
        }
    }
    let complaints = row::complaints(&rows);
    for complaint in &complaints {
        output::error(&anyhow!("{complaint}"));
    }
    Ok(if complaints.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// On stderr; the state of the moment is for a terminal alone.
struct Line(ProgressBar);

impl Progress for Line {
    fn now(&mut self, text: &str) {
        self.0.set_message(text.to_owned());
    }

    fn say(&mut self, text: &str) {
        // What it speaks of is over.
        self.now("");
        self.0.suspend(|| output::note(text));
    }
}
