//! The run while it goes on: one live line on a terminal, now and then a plain line elsewhere.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use segue_probe::{Probe, Progress, Report};

use super::summary::{count, list};

/// How often the live line changes, and how often elsewhere a plain one is written.
const LIVE: Duration = Duration::from_millis(200);
const PLAIN: Duration = Duration::from_secs(5);

/// Shows progress until the end; Ctrl-C (or SIGTERM) ends the sending early, and the result is still told.
pub(super) fn watch(probe: Probe) -> anyhow::Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stopper = probe.stopper();
        let mut interrupted = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let mut line = Line::new();
        loop {
            tokio::select! {
                _ = interrupted.recv() => stopper.stop(),
                _ = terminated.recv() => stopper.stop(),
                () = crate::clock::sleep(LIVE) => {}
            }
            if probe.finished() {
                line.clear();
                return io::Result::Ok(());
            }
            line.show(&probe.progress());
        }
    })?;
    Ok(probe.wait()?)
}

struct Line {
    terminal: bool,
    before: Progress,
    told: Duration,
}

impl Line {
    fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), before: Progress::default(), told: Duration::ZERO }
    }

    fn show(&mut self, now: &Progress) {
        let text = text(&self.before, now);
        if self.terminal {
            say(&format!("\r\x1b[2K{text}"));
            self.before = now.clone();
        } else if now.elapsed >= self.told + PLAIN {
            say(&format!("{text}\n"));
            self.told = now.elapsed;
            self.before = now.clone();
        }
    }

    fn clear(&self) {
        if self.terminal {
            say("\r\x1b[2K");
        }
    }
}

/// Nobody is left to be told if stderr is closed.
fn say(text: &str) {
    let mut stderr = io::stderr();
    let _ = io::Write::write_all(&mut stderr, text.as_bytes());
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
