//! The last row: `segue up` and `segue deploy` themselves, as a user runs them.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use segue_supervisor::duration;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Child;

use crate::clock;
use crate::fleet::{Ports, own_program};
use crate::folder::Folder;
use crate::marks::Marks;
use crate::settings::Settings;
use crate::sightings::Sightings;

/// What is upgraded, and to what.
const VERSIONS: [&str; 2] = ["v1", "v2"];

/// What the service is called.
const NAME: &str = "demo";

/// How often it is looked whether `segue up` serves.
const LOOK: Duration = Duration::from_millis(50);

/// How long after the deploy's end it is listened for what was said of it.
const LAST_LOOK: Duration = Duration::from_millis(20);

/// Far more than `segue up` takes to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `segue up` over version 1.
pub(crate) struct Real<'a> {
    folder: &'a Folder,
    up: Child,
    address: SocketAddr,
    marks: Marks,
    settings: Settings,
}

// === impl Real ===

impl<'a> Real<'a> {
    /// Version 1 serves.
    pub(crate) async fn open(settings: &Settings, folder: &'a Folder, marks: Marks) -> anyhow::Result<Self> {
        let address = Ports::new().take()?;
        for version in VERSIONS {
            folder.write_spec(version, &spec(address, version, settings)?)?;
        }
        let up = folder.command("up")?.arg("-f").arg(folder.spec(VERSIONS[0])).spawn();
        let up = up.context("cannot start segue up")?;
        let mut real = Self { folder, up, address, marks, settings: settings.clone() };
        tokio::time::timeout(PATIENCE, real.serving())
            .await
            .with_context(|| format!("segue up was not ready within {PATIENCE:?}"))??;
        Ok(real)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `segue deploy` of version 2; returns when it does.
    pub(crate) async fn deploy(&mut self) -> anyhow::Result<()> {
        let mut watch = self.folder.command("status")?;
        let watch = watch.args([NAME, "--watch", "-o", "json"]).stdout(Stdio::piped()).spawn();
        let mut watch = watch.context("cannot start segue status")?;
        let lines = watch.stdout.take().context("segue status has no output")?;
        let mut lines = BufReader::new(lines).lines();
        let mut sightings = Sightings::default();

        let deploy = self.folder.command("deploy")?.arg("-f").arg(self.folder.spec(VERSIONS[1])).spawn();
        let mut deploy = deploy.context("cannot start segue deploy")?;
        let status = loop {
            tokio::select! {
                status = deploy.wait() => break status?,
                Ok(Some(line)) = lines.next_line() => self.look(&mut sightings, &line),
            }
        };
        // What was said of the last moment is still to be read.
        let rest = async {
            while let Ok(Some(line)) = lines.next_line().await {
                self.look(&mut sightings, &line);
            }
        };
        // It never ends by itself.
        let _ = tokio::time::timeout(LAST_LOOK, rest).await;
        if !status.success() {
            bail!("segue deploy ended with {status}: {}", self.folder.said("deploy"));
        }
        Ok(())
    }

    /// SIGTERM to `segue up`, which drains and ends all.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        self.tell_up(Signal::TERM);
        let status = tokio::time::timeout(PATIENCE, self.up.wait())
            .await
            .with_context(|| format!("segue up did not end within {PATIENCE:?}"))??;
        if !status.success() {
            bail!("segue up ended with {status}: {}", self.folder.said("up"));
        }
        Ok(())
    }

    /// Resolves when all instances take requests.
    async fn serving(&mut self) -> anyhow::Result<()> {
        loop {
            if let Some(status) = self.up.try_wait()? {
                bail!("segue up ended with {status}: {}", self.folder.said("up"));
            }
            let ready = self.status().await.map_or(0, |status| Sightings::of(&status).serving());
            if ready == self.settings.replicas {
                return Ok(());
            }
            clock::sleep(LOOK).await;
        }
    }

    fn look(&self, sightings: &mut Sightings, line: &str) {
        let Ok(status) = serde_json::from_str(line) else { return };
        for step in sightings.update(&status) {
            self.marks.mark(step.kind, &step.instance, &step.version);
        }
    }

    /// What `segue status` says; nothing while it cannot say anything.
    async fn status(&self) -> Option<Value> {
        let mut status = self.folder.command("status").ok()?;
        let output = status.args([NAME, "-o", "json"]).stdout(Stdio::piped()).output().await.ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    fn tell_up(&self, signal: Signal) {
        if let Some(pid) = self.up.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            // It may have ended just now; its end is waited for in any case.
            let _ = kill_process(pid, signal);
        }
    }
}

/// What a user would write, for the rude sample.
fn spec(listen: SocketAddr, version: &str, settings: &Settings) -> anyhow::Result<String> {
    let program = own_program()?;
    let program = program.to_str().context("the own program's path is no text")?.replace('$', "$$");
    let delay = duration::format(settings.start_delay);
    let command = serde_json::to_string(&[
        &program,
        "sample",
        "--rude",
        "--port",
        "$PORT",
        "--version",
        version,
        "--start-delay",
        &delay,
    ])?;
    let replicas = settings.replicas;
    Ok(format!(
        "name: {NAME}\nlisten: {listen}\nreplicas: {replicas}\nversion: {version}\ncommand: {command}\nready: {{ http: /health }}\n"
    ))
}
