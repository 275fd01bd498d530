//! The folder that the demo's own `segue up` works in: specs, state, and what the commands say.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context;
use segue_supervisor::instance::{Adopted, Instance};
use tokio::process::Command;

use crate::fleet::own_program;

/// A private folder below the system's temporary one; gone when dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

// === impl Folder ===

impl Folder {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("segue-demo-{}", std::process::id()));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn spec(&self, version: &str) -> PathBuf {
        self.0.join(format!("{version}.yaml"))
    }

    pub(crate) fn write_spec(&self, version: &str, text: &str) -> anyhow::Result<()> {
        let path = self.spec(version);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// A command of this very program, working in this folder; killed when its handle is dropped.
    pub(crate) fn command(&self, name: &str) -> anyhow::Result<Command> {
        let said = self.said_path(name);
        let said = File::create(&said).with_context(|| format!("cannot write {}", said.display()))?;
        let mut command = Command::new(own_program()?);
        command
            .args(["--color", "never", name, "--state-dir"])
            .arg(self.state())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            // They are not systemd's, and Ctrl-C is for the demo.
            .env_remove("NOTIFY_SOCKET")
            .env_remove("JOURNAL_STREAM")
            .process_group(0)
            .kill_on_drop(true);
        Ok(command)
    }

    /// What the last command of that name wrote to stderr.
    pub(crate) fn said(&self, name: &str) -> String {
        fs::read_to_string(self.said_path(name)).unwrap_or_default()
    }

    /// Ends the instances that a killed `segue up` left; there are none after an orderly end.
    pub(crate) async fn end_instances(&self) {
        for service in folders(&self.state()) {
            for folder in folders(&service.join("instances")) {
                if let Ok(Adopted::Running(instance)) = Instance::adopt(&folder).await {
                    // One that ended just now is as good as killed.
                    let _ = instance.kill_group();
                    instance.exited().await;
                }
            }
        }
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    fn said_path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.stderr"))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays in the temporary folder, which is what that is for.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(of).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}
