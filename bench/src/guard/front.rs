//! What stands in front of the application, each as a process of its own on processor 0; and the application.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde::Serialize;

use super::{envoy, plan};
use crate::proxy::contender::{Process, free_port, pinned};

/// The length of the application's answers, in bytes.
pub(crate) const ANSWER: usize = 1024;

/// What stands in front of the application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Front {
    /// Clients reach the application itself.
    Nothing,
    /// `segue-agent run` with a guarded port.
    Guard,
    /// Envoy as a plain sidecar.
    Envoy,
    /// HAProxy in TCP mode, which does not look at the bytes: the cost of one more process on the way.
    Splice,
}

impl Front {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Guard => "Segue's guard",
            Self::Envoy => "Envoy",
            Self::Splice => "HAProxy, TCP only",
        }
    }
}

/// The programs, and where they keep their files.
pub(super) struct TestBed {
    folder: PathBuf,
    agent: PathBuf,
    envoy: Option<PathBuf>,
    /// How many connections each may carry.
    connections: u32,
}

/// Builds the agent, and installs Envoy if it takes part.
pub(super) fn prepare(fronts: &[Front]) -> anyhow::Result<(PathBuf, Option<PathBuf>)> {
    let agent = segue_cluster::agent::build()?;
    let envoy = fronts.contains(&Front::Envoy).then(envoy::find).transpose()?;
    Ok((agent, envoy))
}

impl TestBed {
    /// A bed in this folder.
    pub(super) fn new(folder: &Path, fronts: &[Front], connections: u32) -> anyhow::Result<Self> {
        let (agent, envoy) = prepare(fronts)?;
        Ok(Self { folder: folder.to_owned(), agent, envoy, connections })
    }

    /// The application: on processor 1, where the load is too.
    pub(super) fn application(&self) -> anyhow::Result<Process> {
        let port = free_port()?;
        let file = self.write("backend.conf", include_str!("../../rivals/backend.conf"), port, 0)?;
        let mut command = pinned(1);
        command.arg("nginx").arg("-c").arg(file).arg("-e").arg(self.folder.join("backend.error"));
        Process::start(command, port).context("starting the application (nginx)")
    }

    /// Starts what stands in front; nothing to start for [`Front::Nothing`].
    pub(super) fn start(&self, front: Front, application: u16) -> anyhow::Result<Option<Process>> {
        let port = free_port()?;
        let mut command = pinned(0);
        match front {
            Front::Nothing => return Ok(None),
            Front::Guard => {
                command.arg(&self.agent);
                self.as_agent(&mut command, application, port, free_port()?)?;
            }
            Front::Envoy => {
                let text = include_str!("../../rivals/envoy.yaml");
                command.arg(self.envoy.as_ref().context("Envoy was not asked for")?);
                command.arg("-c").arg(self.write("envoy.yaml", text, port, application)?);
                command.args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]);
            }
            Front::Splice => {
                let text = include_str!("../../rivals/splice.cfg");
                command.args(["haproxy", "-db", "-q", "-f"]);
                command.arg(self.write("splice.cfg", text, port, application)?);
            }
        }
        let started = Process::start(command, port).with_context(|| format!("starting {}", front.name()))?;
        Ok(Some(started))
    }

    /// The agent alone, on any processor; its control port.
    pub(super) fn agent_command(&self, application: u16) -> anyhow::Result<(Command, u16)> {
        let (port, control) = (free_port()?, free_port()?);
        let mut command = Command::new(&self.agent);
        self.as_agent(&mut command, application, port, control)?;
        Ok((command, control))
    }

    /// The sizes of the binaries, in bytes.
    pub(super) fn binaries(&self) -> anyhow::Result<Vec<(Front, u64)>> {
        let guard = Some((Front::Guard, &self.agent));
        let envoy = self.envoy.as_ref().map(|binary| (Front::Envoy, binary));
        guard.into_iter().chain(envoy).map(|(front, path)| Ok((front, fs::metadata(path)?.len()))).collect()
    }

    fn as_agent(
        &self,
        command: &mut Command,
        application: u16,
        port: u16,
        control: u16,
    ) -> anyhow::Result<()> {
        let plan = plan::plan(application, port, control, self.connections);
        command.arg("run").env("SEGUE_PLAN", serde_json::to_string(&plan)?);
        for (name, folder) in [("SEGUE_SHARED", "shared"), ("SEGUE_STATE", "state")] {
            let folder = self.folder.join(folder);
            fs::create_dir_all(&folder)?;
            command.env(name, folder);
        }
        // Its log; that it started is seen by its ports.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(())
    }

    /// Fills a template in. A few connections more are allowed, for what a server itself counts as one.
    fn write(&self, name: &str, template: &str, port: u16, application: u16) -> anyhow::Result<PathBuf> {
        let file = self.folder.join(name);
        let text = template
            .replace("{PORT}", &port.to_string())
            .replace("{APPLICATION}", &application.to_string())
            .replace("{CONNECTIONS}", &(self.connections + 50).to_string())
            .replace("{BODY}", &"x".repeat(ANSWER))
            .replace("{DIRECTORY}", &self.folder.to_string_lossy());
        fs::write(&file, text)?;
        Ok(file)
    }
}
