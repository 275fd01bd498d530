//! All clients at once: each kind from each place, as a `segue probe` process of its own.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::client::{Client, Place};
use super::ledger::Ledger;

/// One `segue probe` that runs.
#[derive(Debug)]
struct Probe {
    client: Client,
    place: Place,
    child: Child,
    folder: PathBuf,
}

/// Clients that run.
#[derive(Debug)]
pub struct Clients {
    probes: Vec<Probe>,
}

impl Clients {
    /// Starts these clients at these places. `command` makes a command at a place, and the URL's beginning that stands
    /// for the application there; what the probes say is kept in `folder`.
    pub fn start(
        clients: &[Client],
        places: &[Place],
        folder: &Path,
        mut command: impl FnMut(Place) -> anyhow::Result<(Command, String)>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let mut running = Self { probes: Vec::new() };
        for place in places {
            for client in clients {
                let (mut command, url) = command(*place)?;
                let (path, words) = client.words();
                let name = |kind: &str| folder.join(format!("{place}.{client:?}.{kind}").to_lowercase());
                command
                    .args(["probe", &format!("{url}{path}"), "--rate", &client.rate().to_string()])
                    // Ended by whoever started it.
                    .args(["--duration", "1h", "--output", "json"])
                    .args(words)
                    .stdin(Stdio::null())
                    .stdout(File::create(name("json"))?)
                    .stderr(File::create(name("log"))?);
                let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
                running.probes.push(Probe {
                    client: *client,
                    place: *place,
                    child,
                    folder: folder.to_owned(),
                });
            }
        }
        Ok(running)
    }

    /// An error if a probe has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        for probe in &mut self.probes {
            if let Some(status) = probe.child.try_wait()? {
                anyhow::bail!("{} ended by itself with {status}: {}", probe.name(), probe.said("log"));
            }
        }
        Ok(())
    }

    /// Sends no more, waits for what is in flight, and reads every ledger.
    pub fn end(mut self) -> anyhow::Result<Vec<Ledger>> {
        self.check()?;
        for probe in &self.probes {
            probe.signal(Signal::TERM);
        }
        std::mem::take(&mut self.probes).into_iter().map(Probe::ledger).collect()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for probe in &mut self.probes {
            let _ = probe.child.kill();
            let _ = probe.child.wait();
        }
    }
}

impl Probe {
    fn name(&self) -> String {
        format!("{} from {}", self.client.name(), self.place)
    }

    fn said(&self, kind: &str) -> String {
        let mut text = String::new();
        let path = self.folder.join(format!("{}.{:?}.{kind}", self.place, self.client).to_lowercase());
        let _ = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
        text
    }

    /// The child was not waited for yet, so the number is still its own.
    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
    }

    fn ledger(mut self) -> anyhow::Result<Ledger> {
        let status = self.child.wait()?;
        // 1 says that the answer is no: a drop, or an invalid run; the ledger says which.
        ensure!(
            matches!(status.code(), Some(0 | 1)),
            "{} ended with {status}: {}",
            self.name(),
            self.said("log")
        );
        let json = self.said("json");
        Ledger::read(self.client, self.place, &json)
            .with_context(|| format!("what {} printed: {json:?}; {}", self.name(), self.said("log")))
    }
}
