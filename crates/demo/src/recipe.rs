//! One way to upgrade, from starting version 1 to the report of the load.

use std::net::SocketAddr;
use std::time::Duration;

use segue_probe::{Probe, Report};

use crate::clock;
use crate::folder::Folder;
use crate::marks::Marks;
use crate::mix;
use crate::picture::Panel;
use crate::progress::Progress;
use crate::real::Real;
use crate::row::{self, Row};
use crate::scene::{Before, Scene};
use crate::settings::Settings;

/// How often the progress line is written anew.
const REFRESH: Duration = Duration::from_millis(200);

/// The four ways, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recipe {
    StopThenStart,
    Rolling,
    RollingWithSleep,
    Segue,
}

pub(crate) const RECIPES: [Recipe; 4] =
    [Recipe::StopThenStart, Recipe::Rolling, Recipe::RollingWithSleep, Recipe::Segue];

// === impl Recipe ===

impl Recipe {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::StopThenStart => "stop-then-start",
            Self::Rolling => "rolling",
            Self::RollingWithSleep => "rolling-with-sleep",
            Self::Segue => row::SEGUE,
        }
    }

    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::StopThenStart => "stop, then start",
            Self::Rolling => "rolling, nothing else",
            Self::RollingWithSleep => "rolling with a fixed sleep",
            Self::Segue => "segue deploy",
        }
    }

    pub(crate) async fn perform(
        self,
        settings: &Settings,
        folder: &Folder,
        line: &mut dyn Progress,
    ) -> anyhow::Result<Panel> {
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
        line: &mut dyn Progress,
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
        line: &mut dyn Progress,
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
            rate: settings.rate,
            tries: 1,
            unsent: report.ledger.unsent().values().sum(),
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
