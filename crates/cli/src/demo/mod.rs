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
mod recipes;
mod row;
mod settings;
mod sightings;

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use segue_probe::{Probe, Report};
use tokio::signal::unix::{SignalKind, signal};

use crate::clock;
use crate::output::{self, outln};
use folder::Folder;
use marks::Marks;
use picture::Panel;
use progress::Line;
use real::Real;
use recipes::{Before, Scene};
use row::Row;
use settings::Settings;

/// How often the progress line is written anew.
const REFRESH: Duration = Duration::from_millis(200);

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) json: bool,
    pub(crate) quick: bool,
    pub(crate) plot: &'a Path,
}

/// The four ways, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recipe {
    StopThenStart,
    Rolling,
    RollingWithSleep,
    Segue,
}

const RECIPES: [Recipe; 4] =
    [Recipe::StopThenStart, Recipe::Rolling, Recipe::RollingWithSleep, Recipe::Segue];

/// Runs all four; true if the demo showed what it is there to show.
pub(crate) fn run(request: &Request<'_>) -> anyhow::Result<bool> {
    let settings = if request.quick { Settings::quick() } else { Settings::full() };
    // Known before a minute has been spent on it.
    std::fs::write(request.plot, "").with_context(|| format!("cannot write {}", request.plot.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = Folder::new()?;
    let panels = runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let panels = tokio::select! {
            panels = all(&settings, &folder) => panels,
            // Processes that were started here end with the future that is dropped.
            _ = interrupt.recv() => Err(anyhow::anyhow!("interrupted")),
            _ = terminate.recv() => Err(anyhow::anyhow!("told to end")),
        };
        folder.end_instances().await;
        panels
    });
    // Children that were killed are to be collected before this process ends.
    runtime.shutdown_timeout(Duration::from_secs(5));
    let panels = panels?;

    let plot = request.plot.display().to_string();
    std::fs::write(request.plot, picture::draw(&panels)).with_context(|| format!("cannot write {plot}"))?;
    let rows: Vec<Row> = panels.into_iter().map(|panel| panel.row).collect();
    if request.json {
        outln!("{}", row::json(&rows, &plot))?;
    } else {
        outln!("{}", row::table(&rows).trim_fmt())?;
        outln!("\nplot: {plot}")?;
    }
    let complaints = row::complaints(&rows);
    for complaint in &complaints {
        output::error(&anyhow::anyhow!("{complaint}"));
    }
    Ok(complaints.is_empty())
}

async fn all(settings: &Settings, folder: &Folder) -> anyhow::Result<Vec<Panel>> {
    let mut line = Line::new();
    line.say(&format!(
        "upgrading {} instances of a rude program from v1 to v2 four ways, under {:.0} requests/s",
        settings.replicas, settings.rate
    ));
    let mut panels = Vec::new();
    for recipe in RECIPES {
        let panel =
            recipe.perform(settings, folder, &mut line).await.with_context(|| recipe.name().to_owned())?;
        line.say(&format!("{}: {}", recipe.what(), panel.row));
        panels.push(panel);
    }
    Ok(panels)
}

// === impl Recipe ===

impl Recipe {
    fn name(self) -> &'static str {
        match self {
            Self::StopThenStart => "stop-then-start",
            Self::Rolling => "rolling",
            Self::RollingWithSleep => "rolling-with-sleep",
            Self::Segue => row::SEGUE,
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::StopThenStart => "stop, then start",
            Self::Rolling => "rolling, nothing else",
            Self::RollingWithSleep => "rolling with a fixed sleep",
            Self::Segue => "segue deploy",
        }
    }

    async fn perform(self, settings: &Settings, folder: &Folder, line: &mut Line) -> anyhow::Result<Panel> {
        line.now(&format!("{}: starting v1", self.what()));
        let marks = Marks::default();
        if self == Self::Segue {
            let mut real = Real::open(settings, folder, marks.clone()).await?;
            let panel = self.measure(settings, line, &marks, real.address(), real.deploy()).await?;
            real.close().await?;
            return Ok(panel);
        }
        let mut scene = Scene::open(settings, marks.clone()).await?;
        let address = scene.address();
        let upgrade = async {
            match self {
                Self::StopThenStart => scene.stop_then_start().await,
                Self::Rolling => scene.roll(Before::Nothing).await,
                Self::RollingWithSleep | Self::Segue => scene.roll(Before::Sleep).await,
            }
        };
        self.measure(settings, line, &marks, address, upgrade).await
    }

    /// The upgrade under load, with some load before it and after it.
    async fn measure(
        self,
        settings: &Settings,
        line: &mut Line,
        marks: &Marks,
        address: SocketAddr,
        upgrade: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<Panel> {
        let probe = segue_probe::start(mix::mix(address, settings)?)?;
        let _stop = StopOnDrop(probe.stopper());
        marks.follow(probe.marker());
        let took = self
            .beside(line, &probe, async {
                clock::sleep(settings.before).await;
                let began = clock::now();
                upgrade.await?;
                let took = began.elapsed();
                clock::sleep(settings.after).await;
                anyhow::Ok(took)
            })
            .await?;
        probe.stopper().stop();
        self.beside(line, &probe, async {
            while !probe.finished() {
                clock::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        })
        .await?;
        let report = tokio::task::spawn_blocking(|| probe.wait()).await??;
        Ok(self.panel(settings, took, report))
    }

    /// Does the work, and tells of the load meanwhile.
    async fn beside<T>(
        self,
        line: &mut Line,
        probe: &Probe,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let mut ticks = tokio::time::interval(REFRESH);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                _ = ticks.tick() => {
                    let progress = probe.progress();
                    let versions: Vec<String> =
                        progress.versions.iter().map(|(version, count)| format!("{version} {count}")).collect();
                    line.now(&format!(
                        "{}: {:.1} s, {} requests ({}), {} in flight, {} dropped",
                        self.what(),
                        progress.elapsed.as_secs_f64(),
                        progress.requests,
                        versions.join(", "),
                        progress.in_flight,
                        progress.dropped
                    ));
                }
            }
        }
    }

    fn panel(self, settings: &Settings, took: Duration, report: Report) -> Panel {
        let (seconds, seconds_per_instance) = Row::times(took, settings.replicas);
        let row = Row {
            name: self.name(),
            requests: report.ledger.requests(),
            dropped: report.ledger.dropped(),
            drops: report.drops(),
            seconds_per_instance,
            seconds,
            valid: report.invalid().is_none(),
            invalid_because: report.invalid(),
        };
        Panel { title: self.what(), row, report }
    }
}

/// A load must not outlive the recipe that it was for, however that ends.
struct StopOnDrop(segue_probe::Stopper);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
