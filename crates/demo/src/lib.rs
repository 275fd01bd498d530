//! `segue demo`: one program upgraded four ways under one load, side by side.
//!
//! ```text
//!   probe ──▶ balancer (segue-proxy + health checks) ──▶ sample × N      stop-then-start, rolling, rolling-with-sleep
//!   probe ──▶ segue up (segue-proxy + driver)        ──▶ sample × N      segue deploy
//! ```
//!
//! It runs the very program that it is part of, as a user would: `segue sample`, `segue up`, `segue deploy`. What it has to
//! say is handed to whoever called: the rows when it is over, and the steps on the way through [`Progress`].

mod balancer;
mod clock;
mod fleet;
mod folder;
mod marks;
mod mix;
mod picture;
mod progress;
mod real;
mod recipe;
pub mod row;
pub mod sample;
mod scene;
mod settings;
mod sightings;
mod tries;

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

pub use progress::Progress;

use folder::Folder;
use picture::Panel;
use recipe::RECIPES;
use row::Row;
use settings::Settings;

/// Upgrades all four ways and draws the picture at `plot`; a row for each way, or nothing if a signal came between.
/// `quick` is shorter, smaller and with less load.
pub fn run(quick: bool, plot: &Path, line: impl Progress) -> anyhow::Result<Option<Vec<Row>>> {
    let settings = if quick { Settings::quick() } else { Settings::full() };
    let cannot_write = || format!("cannot write {}", plot.display());
    // Known before a minute has been spent on it; a picture of before stays until there is a new one.
    let is_new = !plot.exists();
    OpenOptions::new().append(true).create(true).open(plot).with_context(cannot_write)?;

    let panels = match panels(&settings, line) {
        Ok(Some(panels)) => panels,
        unfinished => {
            if is_new {
                // Nothing was drawn on it.
                let _ = fs::remove_file(plot);
            }
            return unfinished.map(|_| None);
        }
    };
    fs::write(plot, picture::draw(&panels)).with_context(cannot_write)?;
    Ok(Some(panels.into_iter().map(|panel| panel.row).collect()))
}

/// All four, one after the other; none if a signal came between. Whatever was started has ended when this returns.
fn panels(settings: &Settings, line: impl Progress) -> anyhow::Result<Option<Vec<Panel>>> {
    let folder = Folder::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let panels = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let panels = tokio::select! {
            panels = all(settings, &folder, line) => panels.map(Some),
            // The processes that were started here end with the future that is dropped.
            _ = interrupt.recv() => Ok(None),
            _ = terminate.recv() => Ok(None),
            // The terminal was closed.
            _ = hang_up.recv() => Ok(None),
        };
        folder.end_instances().await;
        panels
    });
    // Children that were killed are collected before this process ends.
    runtime.shutdown_timeout(Duration::from_secs(5));
    panels
}

async fn all(settings: &Settings, folder: &Folder, mut line: impl Progress) -> anyhow::Result<Vec<Panel>> {
    line.say(&format!(
        "upgrading {} instances of a rude program from v1 to v2 four ways, under {:.0} requests/s",
        settings.replicas, settings.rate
    ));
    let mut panels = Vec::new();
    for recipe in RECIPES {
        let panel = tries::measured(recipe, settings, folder, &mut line)
            .await
            .with_context(|| recipe.name().to_owned())?;
        line.say(&format!("{}: {}", recipe.what(), panel.row));
        panels.push(panel);
    }
    Ok(panels)
}
