//! Acting: what the rules ask for is done to processes and to the proxy. Everything here may be asked for twice.

use std::collections::BTreeSet;

use segue_core::rollout::Action;
use segue_core::stop::Signal;
use segue_core::{InstanceId, Version, drain};
use segue_proxy::Pool;
use segue_supervisor::instance::{Instance, Keeper, SpawnError};
use segue_supervisor::keeper::Launch;
use segue_supervisor::logs::Since;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use super::failures::Failures;
use super::fleet::{Fleet, Life, Member, News, Running};
use super::ports;
use super::public::Public;
use super::records::Records;
use crate::history::Cut;
use crate::spec::Spec;

/// The instances, and the means to start, admit, withdraw and end one.
#[derive(Debug)]
pub(super) struct Instances {
    pub(super) fleet: Fleet,
    pub(super) pool: Pool,
    pub(super) keeper: Keeper,
    /// For those who watch an instance.
    pub(super) news: UnboundedSender<News>,
    /// Hears of every one that is started.
    pub(super) public: Public,
}

/// A start that is written down and not done yet.
struct Start {
    id: InstanceId,
    revision: Version,
    spec: Spec,
    launch: Launch,
}

// === impl Instances ===

impl Instances {
    pub(super) async fn act(&mut self, actions: Vec<Action>, records: &mut Records, failures: &mut Failures) {
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
                Action::Stop { instance, signal } => self.stop(&instance, signal, records),
                Action::Forget { instance } => self.forget(&instance, records),
            }
        }
        if !starts.is_empty() {
            self.start(starts, records, failures).await;
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

    fn stop(&mut self, id: &InstanceId, signal: Signal, records: &Records) {
        if let Err(error) = self.signal(id, signal, records) {
            tracing::error!(instance = id.as_str(), %error, "cannot be signalled");
        }
    }

    fn signal(&mut self, id: &InstanceId, signal: Signal, records: &Records) -> std::io::Result<()> {
        let Some(member) = self.fleet.get_mut(id) else { return Ok(()) };
        member.signalled = member.signalled.max(Some(signal));
        let stop = records.state.revision(&member.revision).map(|revision| revision.spec.stop.signal);
        let Some(running) = member.running() else { return Ok(()) };
        match signal {
            Signal::Stop => running.instance.signal(stop.unwrap_or(segue_supervisor::signal::Signal::Term)),
            Signal::Kill => running.instance.kill_group(),
        }
    }

    /// Cuts what is in flight everywhere, and answers what that was; with `kill` nothing waits for the instances any longer
    /// either.
    pub(super) fn force(&mut self, kill: bool, records: &Records) -> Vec<Cut> {
        let ids: Vec<_> = self.fleet.keys().cloned().collect();
        let mut all = Vec::new();
        for id in ids {
            let cut = self.pool.cut(id.as_str());
            if cut > 0 {
                tracing::warn!(cut, "{id}: what was in flight is cut");
                all.push(Cut { instance: id.to_string(), requests: cut });
            }
            if kill && let Err(error) = self.signal(&id, Signal::Kill, records) {
                tracing::error!(%error, "{id} cannot be killed");
            }
        }
        all
    }

    fn forget(&mut self, id: &InstanceId, records: &mut Records) {
        self.pool.remove(id.as_str());
        self.fleet.remove(id);
        records.state.instances.remove(id);
        records.remove_old_folders(&self.fleet);
    }

    async fn start(&mut self, versions: Vec<Version>, records: &mut Records, failures: &mut Failures) {
        let mut taken: BTreeSet<u16> = self.fleet.values().map(|member| member.port).collect();
        let mut starts = Vec::new();
        let state = &mut records.state;
        for version in versions {
            let Some(spec) = state.revision(&version).map(|revision| revision.spec.clone()) else {
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
            let id = InstanceId::from(format!("{}-{}", spec.name, state.next_instance));
            state.next_instance += 1;
            state.instances.insert(id.clone(), version.clone());
            let launch = spec.launch(id.as_str(), port);
            starts.push(Start { id, revision: version, spec, launch });
        }
        // Before any of them runs: a successor must know what they are, and must not give their numbers again.
        records.persist();
        let mut spawned = JoinSet::new();
        for start in starts {
            let (dir, keeper) = (records.folder.instance(start.id.as_str()), self.keeper.clone());
            spawned.spawn(async move {
                let result = Instance::spawn(&dir, &start.launch, &keeper).await;
                (start, result)
            });
        }
        while let Some(done) = spawned.join_next().await {
            match done {
                Ok((start, result)) => self.started(start, result, records, failures),
                Err(error) => tracing::error!(%error, "a start was lost"),
            }
        }
    }

    fn started(
        &mut self,
        start: Start,
        result: Result<Instance, SpawnError>,
        records: &Records,
        failures: &mut Failures,
    ) {
        let Start { id, revision, spec, launch } = start;
        let life = match result {
            Ok(instance) => {
                self.pool.add(id.as_str(), instance.address(), &spec.version);
                self.public.started(&records.folder, id.as_str(), Since::Start);
                Life::Running(Running::watch(instance, &spec.ready, self.news.clone()))
            }
            Err(error) => {
                let how = format!("could not be started: {error}");
                failures.crashed(&id, &revision, &how);
                Life::Ended { how }
            }
        };
        self.fleet.insert(id, Member::new(revision, spec.version, launch.port, life));
    }

    /// One that an earlier driver left running becomes one of these.
    pub(super) fn take_in(&mut self, instance: Instance, revision: Version, records: &Records) {
        let state = &records.state;
        let id = InstanceId::from(instance.id());
        let (port, pid) = (instance.port(), instance.pid());
        let known = state.revision(&revision).map(|known| &known.spec);
        let label = known.map_or_else(|| instance.version().to_owned(), |spec| spec.version.clone());
        tracing::info!(pid, port, version = label, "{id} still runs and is adopted");
        self.pool.add(id.as_str(), instance.address(), &label);
        self.public.started(&records.folder, id.as_str(), Since::Now);
        let ready = known.or_else(|| state.revisions.last().map(|known| &known.spec));
        let ready = ready.map(|spec| spec.ready.clone()).unwrap_or_default();
        let life = Life::Running(Running::watch(instance, &ready, self.news.clone()));
        self.fleet.insert(id, Member::new(revision, label, port, life));
    }
}
