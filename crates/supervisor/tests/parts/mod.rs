//! The parts that know one process and one file, with real processes.

mod adopt;
mod disk_full;
mod keeper;
mod kill;
mod logs;
mod user;

use std::path::{Path, PathBuf};
use std::time::Duration;

use segue_supervisor::clock;
use segue_supervisor::instance::{Adopted, Instance, Keeper, SpawnError};
use segue_supervisor::keeper::Launch;
use segue_supervisor::keeper::LogLimits;
use segue_supervisor::logs::{Follower, Since};
use segue_supervisor::process::Identity;
use segue_supervisor::signal::Signal;
use tempfile::TempDir;

const HELPER: &str = env!("CARGO_BIN_EXE_segue-supervisor-test-helper");
/// Nothing here takes longer, but on a machine that is very busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A state folder; what still runs in it when the test is over is ended.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("temp dir"))
    }

    fn dir(&self, id: &str) -> PathBuf {
        self.0.path().join("instances").join(id)
    }

    /// Runs a shell script as an instance.
    async fn spawn(&self, id: &str, script: &str) -> Instance {
        self.try_spawn(&shell(id, script)).await.expect("spawns")
    }

    async fn try_spawn(&self, launch: &Launch) -> Result<Instance, SpawnError> {
        Instance::spawn(&self.dir(&launch.id), launch, &keeper()).await
    }

    async fn adopt(&self, id: &str) -> Adopted {
        Instance::adopt(&self.dir(id)).await.expect("adopts")
    }
}

fn keeper() -> Keeper {
    Keeper { program: HELPER.into(), arguments: vec!["keeper".into()], open_files: None }
}

/// A launch of a shell script.
fn shell(id: &str, script: &str) -> Launch {
    program(id, &["/bin/sh", "-c", script])
}

fn program(id: &str, words: &[&str]) -> Launch {
    Launch {
        id: id.to_owned(),
        version: "v1".to_owned(),
        program: words[0].into(),
        arguments: words.iter().map(|word| (*word).to_owned()).collect(),
        env: [("SEGUE_INSTANCE", id), ("PORT", "4000")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        cwd: "/".into(),
        user: None,
        port: 4000,
        log: LogLimits::default(),
        group_grace: Duration::from_millis(300),
        open_files: None,
    }
}

/// All that the instance said, once its keeper is gone.
async fn said(instance: &Instance) -> Vec<String> {
    instance.closed().await;
    read(instance.dir()).await
}

/// All lines in a log, up to the keeper's end.
async fn read(dir: &Path) -> Vec<String> {
    let mut follower = Follower::open(dir, Since::Start).expect("opens");
    let mut lines = Vec::new();
    while let Some(line) = follower.next().await.expect("reads") {
        lines.push(line.text);
    }
    lines
}

/// Waits for a line of the log, and gives it.
async fn line(instance: &Instance, wanted: impl Fn(&str) -> bool) -> String {
    let mut follower = Follower::open(instance.dir(), Since::Start).expect("opens");
    let found = async {
        while let Some(line) = follower.next().await.expect("reads") {
            if wanted(&line.text) {
                return line.text;
            }
        }
        panic!("the log ended without that line");
    };
    tokio::time::timeout(PATIENCE, found).await.expect("says it in time")
}

/// Waits until something holds.
async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let holds = async {
        while !holds() {
            clock::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Whether a process runs (one that ended and was not collected does not).
fn runs(process: Identity) -> bool {
    process.stat().expect("looks").is_some_and(|stat| !stat.ended())
}

/// Ends an instance whatever it does, and waits for its keeper.
async fn end(instance: &Instance) {
    instance.signal(Signal::Kill).expect("signals");
    instance.exited().await;
    instance.closed().await;
}
