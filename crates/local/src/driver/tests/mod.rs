//! A driver whose instances are processes of the test itself, as an earlier `up` would have left them; its keeper cannot
//! be started, so what it is to start fails.

mod adopted;
mod asked;
mod heard;
mod held;
mod life;

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command as Process};

use jiff::Timestamp;
use segue_proxy::Pool;
use segue_supervisor::instance::Keeper;
use segue_supervisor::keeper::{self, Status};
use segue_supervisor::process::{self, Identity};

use super::background::InBackground;
use super::fleet::{Life, Member};
use super::*;
use crate::folder::{Folder, StateDir};
use crate::notify::Manager;
use crate::spec::Spec;
use crate::state::spec_for_tests as spec;

const NOW: Time = Time::from_millis(1_000_000);
/// Nothing here takes longer, but on a machine that is very busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// A service's folder in a place of its own.
fn folder() -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = StateDir::find(Some(place.path().to_owned())).unwrap().service("web");
    (place, folder)
}

fn setup(folder: &Folder, spec: Option<Spec>) -> Setup {
    Setup {
        folder: folder.clone(),
        held: folder.lock().unwrap(),
        spec,
        replace: false,
        keeper: Keeper { program: "/no/such/keeper".into(), arguments: Vec::new(), open_files: None },
        pool: Pool::default(),
        manager: Manager::default(),
        output: None,
    }
}

async fn open(folder: &Folder, spec: Option<Spec>) -> (Driver, Public) {
    Driver::open(setup(folder, spec)).await.unwrap()
}

/// Waits for what must come true.
async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            clock::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("it comes true")
}

/// A driver of v1 that has done nothing yet.
async fn idle() -> (tempfile::TempDir, Driver, Public) {
    let (place, folder) = folder();
    let (driver, public) = open(&folder, Some(spec("v1", "/bin/v1"))).await;
    (place, driver, public)
}

/// This revision was seen to go into the background.
fn went(revision: &str) -> InBackground {
    let mut in_background = InBackground::default();
    in_background.note(revision.into(), "how", Timestamp::UNIX_EPOCH);
    in_background
}

/// An instance that runs and is ready.
struct Left {
    process: Child,
    listener: Option<TcpListener>,
}

impl Left {
    fn new(folder: &Folder, id: &str, spec: &Spec) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dir = folder.instance(id);
        spec.launch(id, listener.local_addr().unwrap().port()).write_new(&dir).unwrap();
        let process = Process::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let status = Status {
            boot_id: process::boot_id().unwrap(),
            keeper: Identity::own().unwrap(),
            process: Identity::of(i32::try_from(process.id()).unwrap()).unwrap(),
            state: keeper::State::Running,
            lost_lines: 0,
        };
        status.write(&dir).unwrap();
        Self { process, listener: Some(listener) }
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One that has ended.
fn ended(revision: &str) -> Member {
    let life = Life::Ended { how: "ended".to_owned() };
    Member::new(revision.into(), revision.to_owned(), 4000, life)
}
