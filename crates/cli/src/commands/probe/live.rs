//! The run while it goes on: one live line on a terminal, now and then a plain line elsewhere.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::bail;
use indicatif::ProgressBar;
use segue_probe::{Load, Progress, Report};
use tokio::signal::unix::{SignalKind, signal};

use super::summary::{count, list};
use crate::output;

/// How often the live line changes, and how often elsewhere a plain one is written.
const LIVE: Duration = Duration::from_millis(200);
const PLAIN: Duration = Duration::from_secs(5);

/// Runs the load and shows progress. Ctrl-C (or SIGTERM) ends the sending early, and the result is still told;
/// a second one does not wait for what is in flight.
pub(super) fn run(load: Load) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let probe = runtime.block_on(async {
        // Listened for before anything is sent: an early Ctrl-C must not lose the ledger.
        let mut interrupted = signal(SignalKind::interrupt())?;
        let mut terminated = signal(SignalKind::terminate())?;
        let probe = segue_probe::start(load)?;
        let mut line = Line::new();
        let mut stopped = false;
        while !probe.finished() {
            let stop = tokio::select! {
                _ = interrupted.recv() => true,
                _ = terminated.recv() => true,
                () = crate::clock::sleep(LIVE) => false,
            };
            if stop && stopped {
                bail!("stopped while {} requests were in flight", probe.progress().in_flight);
            }
            if stop {
                probe.stopper().stop();
                stopped = true;
            }
            line.show(&probe.progress());
        }
        anyhow::Ok(probe)
    })?;
    Ok(probe.wait()?)
}

/// Taken away when dropped.
struct Line {
    live: ProgressBar,
    before: Progress,
    told: Duration,
}

impl Line {
    fn new() -> Self {
        Self { live: output::live("{wide_msg}"), before: Progress::default(), told: Duration::ZERO }
    }

    fn show(&mut self, now: &Progress) {
        let text = text(&self.before, now);
        if !self.live.is_hidden() {
            self.live.set_message(text);
        } else if now.elapsed >= self.told + PLAIN {
            output::note(text);
            self.told = now.elapsed;
        } else {
            return;
        }
        self.before = now.clone();
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate for people"
)]
fn text(before: &Progress, now: &Progress) -> String {
    let seconds = now.elapsed.saturating_sub(before.elapsed).as_secs_f64().max(0.001);
    let rate = now.requests.saturating_sub(before.requests) as f64 / seconds;
    let mut text = format!(
        "{:.1}s  {}/s  {} ok  {} dropped  {} in flight",
        now.elapsed.as_secs_f64(),
        count(rate.round() as u64),
        count(now.ok),
        count(now.dropped),
        count(now.in_flight),
    );
    if now.unsent > 0 {
        let _ = write!(text, "  {} not sent", count(now.unsent));
    }
    if now.dropped > 0 {
        let _ = write!(text, "  ({})", list(&now.drops));
    }
    text + "  " + &list(&now.versions)
}
