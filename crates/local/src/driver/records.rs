//! What is kept on disk: the state, the history, and what instances that have ended wrote.

use std::time::Duration;

use segue_core::rollout::Rollout;
use segue_core::{InstanceId, Time};
use segue_supervisor::keeper::{Launch, lock_is_held};
use segue_supervisor::logs::{Follower, Since};

use super::fleet::Fleet;
use super::refusal::Refusal;
use crate::clock;
use crate::folder::{Folder, Held};
use crate::history::{self, Entry};
use crate::state::{Deploy, State};

/// How many ended instances keep their folders, for `segue logs`.
const KEPT_FOLDERS: usize = 10;
/// How often it is looked whether a keeper has ended.
const LOOK: Duration = Duration::from_millis(10);

/// What is written down of a service, and what shall be.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) folder: Folder,
    _held: Held,
    pub(super) state: State,
    written: Option<State>,
    /// Why the state could not be written down, while it could not.
    unwritten: Option<String>,
}

// === impl Records ===

impl Records {
    pub(super) fn new(folder: Folder, held: Held, state: State) -> Self {
        Self { folder, _held: held, state, written: None, unwritten: None }
    }

    /// The service.
    pub(super) fn name(&self) -> &str {
        self.folder.name()
    }

    /// The rollout under way, or that keeps things up; none once the service has ended.
    pub(super) fn rollout(&self) -> Option<&Rollout> {
        self.state.work.as_ref().map(|work| &work.rollout)
    }

    /// The deploy under way.
    pub(super) fn deploy(&self) -> Option<&Deploy> {
        self.state.work.as_ref()?.deploy.as_ref()
    }

    pub(super) fn deploy_mut(&mut self) -> Option<&mut Deploy> {
        self.state.work.as_mut()?.deploy.as_mut()
    }

    pub(super) fn number_under_way(&self) -> Result<u64, Refusal> {
        self.deploy().map(|deploy| deploy.number).ok_or(Refusal::NoDeploy)
    }

    /// Whether the deploy under way is to be taken back.
    pub(super) fn aborts(&self) -> bool {
        self.deploy().is_some_and(|deploy| deploy.abort)
    }

    /// Writes the state down if it is another than what is written. If that fails, serving goes on all the same.
    pub(super) fn persist(&mut self) {
        if self.written.as_ref() == Some(&self.state) {
            return;
        }
        match self.state.write(&self.folder, self.written.as_ref()) {
            Ok(()) => {
                self.written = Some(self.state.clone());
                self.unwritten = None;
            }
            Err(error) => {
                // It is tried again at every turn; it is told when it is news.
                let error = error.to_string();
                if self.unwritten.as_ref() != Some(&error) {
                    tracing::error!(%error, "the state cannot be written down");
                    self.unwritten = Some(error);
                }
            }
        }
    }

    pub(super) fn append(&self, entry: &Entry) {
        if let Err(error) = history::append(&self.folder, entry) {
            tracing::error!(%error, "the history cannot be written");
        }
    }

    /// The last lines that an instance wrote.
    pub(super) fn last_lines(&self, id: &InstanceId, count: usize) -> Vec<String> {
        let read = || -> std::io::Result<Vec<String>> {
            let mut follower = Follower::open(&self.folder.instance(id.as_str()), Since::Last(count))?;
            let mut lines = Vec::new();
            while let Some(line) = follower.read_next()? {
                lines.push(line.text);
            }
            lines.extend(follower.take_rest().map(|line| line.text));
            Ok(lines)
        };
        read().unwrap_or_default()
    }

    /// Keeps the folders of those that run and of the last few that ended.
    pub(super) fn remove_old_folders(&self, fleet: &Fleet) {
        let Ok(ids) = self.folder.instance_ids() else { return };
        let ended: Vec<_> = ids.into_iter().filter(|id| !fleet.contains_key(&id.as_str().into())).collect();
        let surplus = ended.len().saturating_sub(KEPT_FOLDERS);
        for (place, id) in ended.iter().enumerate() {
            let dir = self.folder.instance(id);
            // A held lock is a keeper that still writes there.
            if lock_is_held(&dir).unwrap_or(true) {
                continue;
            }
            if place >= surplus {
                // A keeper that was killed did not get to it.
                if let Err(error) = Launch::forget(&dir) {
                    tracing::warn!(instance = id.as_str(), %error, "what it was started with cannot be deleted");
                }
                continue;
            }
            if let Err(error) = std::fs::remove_dir_all(&dir) {
                tracing::warn!(instance = id.as_str(), %error, "its folder cannot be deleted");
            }
        }
    }

    /// Waits for the keepers, which end what instances left behind, until this time at most.
    pub(super) async fn keepers_end(&self, until: Time) {
        let Ok(ids) = self.folder.instance_ids() else { return };
        for id in ids {
            let dir = self.folder.instance(&id);
            while lock_is_held(&dir).unwrap_or(false) && clock::now() < until {
                clock::sleep(LOOK).await;
            }
        }
    }
}
