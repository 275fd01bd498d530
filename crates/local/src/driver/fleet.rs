//! The instances that the driver knows, and the news of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use segue_core::stop::Signal;
use segue_core::{InstanceId, Version};
use segue_supervisor::instance::{Exit, Instance};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::readiness::{Probe, Readiness};
use crate::spec::Ready;

/// What wakes the driver.
#[derive(Debug)]
pub(super) enum News {
    /// Something else is believed of an instance's readiness.
    Readiness,
    /// An instance runs on, but its keeper has ended.
    Unkept(InstanceId),
    /// An instance has ended.
    Ended(InstanceId, Exit),
    /// The proxy has let its last client go, after it cut so many requests.
    FrontDrained(u64),
}

/// All instances that have not been forgotten.
pub(super) type Fleet = BTreeMap<InstanceId, Member>;

/// One of them.
#[derive(Debug)]
pub(super) struct Member {
    /// What it runs.
    pub(super) revision: Version,
    /// The label of that.
    pub(super) label: String,
    /// Where it listens.
    pub(super) port: u16,
    /// The strongest signal that it was sent by this driver.
    pub(super) signalled: Option<Signal>,
    /// Whether it ever took requests.
    pub(super) served: bool,
    /// Whether its keeper has ended: it is replaced as one of another version would be.
    pub(super) unkept: bool,
    /// Whether it runs.
    pub(super) life: Life,
}

/// Whether an instance runs.
#[derive(Debug)]
pub(super) enum Life {
    /// It does, and is watched.
    Running(Running),
    /// It does not.
    Ended {
        /// How it ended, or why it could not be started.
        how: String,
    },
}

/// A running instance and those who watch it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) instance: Arc<Instance>,
    probe: Probe,
    watcher: JoinHandle<()>,
}

// === impl Running ===

impl Running {
    /// Begins to watch an instance: its readiness and its end become news.
    pub(super) fn watch(instance: Instance, ready: &Ready, news: UnboundedSender<News>) -> Self {
        let instance = Arc::new(instance);
        let probe = Probe::start(ready, instance.address());
        let mut readiness = probe.subscribe();
        let id = InstanceId::from(instance.id());
        let process = Arc::clone(&instance);
        let watcher = tokio::spawn(async move {
            let exited = process.exited();
            let unkept = process.unkept();
            tokio::pin!(exited, unkept);
            let mut kept = true;
            // A send fails only when the driver itself has ended.
            loop {
                tokio::select! {
                    exit = &mut exited => {
                        let _ = news.send(News::Ended(id, exit));
                        return;
                    }
                    () = &mut unkept, if kept => {
                        kept = false;
                        let _ = news.send(News::Unkept(id.clone()));
                    }
                    Ok(()) = readiness.changed() => {
                        readiness.mark_unchanged();
                        let _ = news.send(News::Readiness);
                    }
                }
            }
        });
        Self { instance, probe, watcher }
    }

    /// What is believed of its readiness.
    pub(super) fn readiness(&self) -> Readiness {
        self.probe.now()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

// === impl Member ===

impl Member {
    /// One that nothing was done to yet.
    pub(super) fn new(revision: Version, label: String, port: u16, life: Life) -> Self {
        Self { revision, label, port, signalled: None, served: false, unkept: false, life }
    }

    /// The instance, while it runs.
    pub(super) fn running(&self) -> Option<&Running> {
        match &self.life {
            Life::Running(running) => Some(running),
            Life::Ended { .. } => None,
        }
    }
}
