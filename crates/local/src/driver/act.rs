//! Acting: what the rules ask for is done to processes and to the proxy. Everything here may be asked for twice.

use std::collections::BTreeSet;

use segue_core::rollout::Action;
use segue_core::stop::Signal;
use segue_core::{InstanceId, Version, drain};
use segue_supervisor::instance::{Instance, SpawnError};
use segue_supervisor::keeper::{Launch, lock_is_held};
use segue_supervisor::logs::{Follower, Since};
use tokio::task::JoinSet;

use super::Driver;
use super::fleet::{Life, Member, Running};
use super::ports;
use crate::spec::Spec;

/// How many ended instances keep their folders, for `segue logs`.
const KEPT_FOLDERS: usize = 10;

/// A start that is written down and not done yet.
struct Start {
    id: InstanceId,
    revision: Version,
    spec: Spec,
    launch: Launch,
}

impl Driver {
    pub(super) async fn act(&mut self, actions: Vec<Action>) {
        let mut starts = Vec::new();
        for action in actions {
            match action {
                Action::Start { version } => starts.push(version),
                Action::Admit { instance, .. } => {
                    self.pool.admit(instance.as_str());
                }
                Action::Suspend { instance } => {
                    self.pool.withdraw(instance.as_str());
                }
                Action::Drain { instance, action } => self.drain(&instance, &action),
                Action::Stop { instance, signal } => self.stop(&instance, signal),
                Action::Forget { instance } => self.forget(&instance),
            }
        }
        if !starts.is_empty() {
            self.start(starts).await;
        }
    }

    fn drain(&mut self, id: &InstanceId, action: &drain::Action) {
        match action {
            drain::Action::Withdraw { .. } => {
                self.pool.withdraw(id.as_str());
            }
            // The proxy closes kept connections by itself.
            drain::Action::CloseIdle => {}
            drain::Action::Cut => {
                let cut = self.pool.cut(id.as_str());
                tracing::warn!(instance = id.as_str(), cut, "drainDeadline: what was in flight is cut");
            }
        }
    }

    fn stop(&mut self, id: &InstanceId, signal: Signal) {
        if let Err(error) = self.signal(id, signal) {
            tracing::error!(instance = id.as_str(), %error, "cannot be signalled");
        }
    }

    pub(super) fn signal(&mut self, id: &InstanceId, signal: Signal) -> std::io::Result<()> {
        let Some(member) = self.fleet.get_mut(id) else { return Ok(()) };
        member.signalled = member.signalled.max(Some(signal));
        let stop = self.state.revision(&member.revision).map(|revision| revision.spec.stop.signal);
        let Some(running) = member.running() else { return Ok(()) };
        match signal {
            Signal::Stop => running.instance.signal(stop.unwrap_or(segue_supervisor::signal::Signal::Term)),
            Signal::Kill => running.instance.kill_group(),
        }
    }

    fn forget(&mut self, id: &InstanceId) {
        self.pool.remove(id.as_str());
        self.fleet.remove(id);
        self.state.instances.remove(id);
        self.remove_old_folders();
    }

    async fn start(&mut self, versions: Vec<Version>) {
        let mut taken: BTreeSet<u16> = self.fleet.values().map(|member| member.port).collect();
        let mut starts = Vec::new();
        for version in versions {
            let Some(spec) = self.state.revision(&version).map(|revision| revision.spec.clone()) else {
                tracing::error!(version = version.as_str(), "its spec is not known any more");
                continue;
            };
            let port = match ports::free(&taken) {
                Ok(port) => port,
                Err(error) => {
                    tracing::error!(%error, "no free port");
                    continue;
                }
            };
            taken.insert(port);
            let id = InstanceId::from(format!("{}-{}", spec.name, self.state.next_instance));
            self.state.next_instance += 1;
            self.state.instances.insert(id.clone(), version.clone());
            let launch = spec.launch(id.as_str(), port);
            starts.push(Start { id, revision: version, spec, launch });
        }
        // Before any of them runs: a successor must know what they are, and must not give their numbers again.
        self.persist();
        let mut spawned = JoinSet::new();
        for start in starts {
            let (dir, keeper) = (self.folder.instance(start.id.as_str()), self.keeper.clone());
            spawned.spawn(async move {
                let result = Instance::spawn(&dir, &start.launch, &keeper).await;
                (start, result)
            });
        }
        while let Some(done) = spawned.join_next().await {
            match done {
                Ok((start, result)) => self.started(start, result),
                Err(error) => tracing::error!(%error, "a start was lost"),
            }
        }
    }

    fn started(&mut self, start: Start, result: Result<Instance, SpawnError>) {
        let Start { id, revision, spec, launch } = start;
        let life = match result {
            Ok(instance) => {
                self.pool.add(id.as_str(), instance.address(), &spec.version);
                self.public.started(&self.folder, id.as_str(), Since::Start);
                Life::Running(Running::watch(instance, &spec.ready, self.news_sender.clone()))
            }
            Err(error) => {
                let how = format!("could not be started: {error}");
                self.crashed(&id, &revision, &how);
                Life::Ended { how }
            }
        };
        let (label, port) = (spec.version, launch.port);
        let (signalled, served, unkept) = (None, false, false);
        let member = Member { revision, label, port, signalled, served, unkept, life };
        self.fleet.insert(id, member);
    }

    /// An instance ended that was not told to.
    pub(super) fn crashed(&mut self, id: &InstanceId, revision: &Version, how: &str) {
        self.restarts += 1;
        tracing::warn!(instance = id.as_str(), "{how}");
        self.last_crash = Some((id.clone(), revision.clone(), how.to_owned()));
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
    pub(super) fn remove_old_folders(&self) {
        let Ok(ids) = self.folder.instance_ids() else { return };
        let ended: Vec<_> =
            ids.into_iter().filter(|id| !self.fleet.contains_key(&id.as_str().into())).collect();
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
}
