//! `segue demo`: one program upgraded four ways under one load, side by side.
//!
//! ```text
//!   probe ──▶ balancer (segue-proxy + health checks) ──▶ sample × N      stop-then-start, rolling, rolling-with-sleep
//!   probe ──▶ segue up (segue-proxy + driver)        ──▶ sample × N      segue deploy
//! ```

mod balancer;
mod fleet;
mod folder;
mod marks;
mod mix;
mod picture;
mod progress;
mod real;
mod recipe;
mod row;
mod scene;
mod settings;
mod sightings;
mod tries;

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::signal::unix::{SignalKind, signal};

use crate::output::{self, outln};
use folder::Folder;
use picture::Panel;
use progress::Line;
use recipe::RECIPES;
use row::Row;
use settings::Settings;

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) json: bool,
    pub(crate) quick: bool,
    pub(crate) plot: &'a Path,
}

/// Runs all four; true if the demo showed what it is there to show.
pub(crate) fn run(request: &Request<'_>) -> anyhow::Result<bool> {
    let settings = if request.quick { Settings::quick() } else { Settings::full() };
    let plot = request.plot.display().to_string();
    // Known before a minute has been spent on it; a picture of before stays until there is a new one.
    let is_new = !request.plot.exists();
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(request.plot)
        .with_context(|| format!("cannot write {plot}"))?;

    let panels = match panels(&settings) {
        Ok(Some(panels)) => panels,
        unfinished => {
            if is_new {
                // Nothing was drawn on it.
                let _ = fs::remove_file(request.plot);
            }
            unfinished?;
            output::error(&anyhow!("interrupted"));
            return Ok(false);
        }
    };
    fs::write(request.plot, picture::draw(&panels)).with_context(|| format!("cannot write {plot}"))?;
    let rows: Vec<Row> = panels.into_iter().map(|panel| panel.row).collect();
    if request.json {
        outln!("{}", row::json(&rows, &plot))?;
    } else {
        outln!("{}", row::table(&rows).trim_fmt())?;
        for note in row::notes(&rows) {
            outln!("{note}")?;
        }
        outln!("\nplot: {plot}")?;
    }
    let complaints = row::complaints(&rows);
    for complaint in &complaints {
        output::error(&anyhow!("{complaint}"));
    }
    Ok(complaints.is_empty())
}

/// All four, one after the other; none if a signal came between. Whatever was started has ended when this returns.
fn panels(settings: &Settings) -> anyhow::Result<Option<Vec<Panel>>> {
    let folder = Folder::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let panels = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let panels = tokio::select! {
            panels = all(settings, &folder) => panels.map(Some),
            // The processes that were started here end with the future that is dropped.
            _ = interrupt.recv() => Ok(None),
            _ = terminate.recv() => Ok(None),
        };
        folder.end_instances().await;
        panels
    });
    // Children that were killed are collected before this process ends.
    runtime.shutdown_timeout(Duration::from_secs(5));
    panels
}

async fn all(settings: &Settings, folder: &Folder) -> anyhow::Result<Vec<Panel>> {
    let mut line = Line::new();
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
