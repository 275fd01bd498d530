//! A kube-proxy that is late: halted when a rollout begins, it goes on some time after the first new pod is ready.

use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::{Api, Node, wait};

use super::deployed::Deployed;
use super::watch::Watch;

const KUBE_PROXY: &str = "kube-proxy";

/// How late a kube-proxy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// From the first new pod's readiness until the kube-proxy goes on.
    pub after_ready: Duration,
}

impl Stall {
    /// Halts the kube-proxy of the node that has the fewest of the pods. Until one is ready there, no other node takes a new pod: what
    /// came elsewhere would be known to its kube-proxy at once, and the run would show nothing.
    pub(crate) fn begin<'d>(self, deployed: &'d Deployed<'_>) -> anyhow::Result<Stalled<'d>> {
        let pods = deployed.pods()?;
        let nodes = deployed.cluster.nodes();
        let count = |node: &&Node| pods.iter().filter(|pod| pod.node.as_deref() == Some(node.name())).count();
        let node = nodes.iter().min_by_key(count).context("no node")?;
        let closed = nodes.iter().filter(|other| other.name() != node.name());
        let mut stalled =
            Stalled { node, closed: Vec::new(), api: &deployed.api, after_ready: self.after_ready };
        for other in closed {
            stalled.api.run(["cordon", other.name()])?;
            stalled.closed.push(other.name());
        }
        node.pause(KUBE_PROXY)?;
        Ok(stalled)
    }
}

/// A kube-proxy that is halted; it goes on when this is dropped.
#[derive(Debug)]
pub(crate) struct Stalled<'d> {
    node: &'d Node,
    /// The nodes that take no new pod.
    closed: Vec<&'d str>,
    api: &'d Api,
    after_ready: Duration,
}

impl Stalled<'_> {
    /// Lets it go on when the time has come.
    pub(crate) fn end(mut self, watch: &Watch, old: &[String]) -> anyhow::Result<()> {
        let first = wait::until("a new pod is ready", wait::LONG, || {
            let new = watch.sights().into_iter().filter(|sight| !old.contains(&sight.uid));
            new.filter(|sight| sight.ready.is_some()).min_by_key(|sight| sight.created.at).context("none is")
        })?;
        ensure!(first.node.as_deref() == Some(self.node.name()), "the first new pod is on {:?}", first.node);
        self.open()?;
        wait::pass(self.after_ready);
        self.node.resume(KUBE_PROXY)
    }

    /// Lets the other nodes take new pods again.
    fn open(&mut self) -> anyhow::Result<()> {
        while let Some(name) = self.closed.last() {
            self.api.run(["uncordon", name])?;
            self.closed.pop();
        }
        Ok(())
    }
}

impl Drop for Stalled<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.open() {
            eprintln!("nodes stay closed to new pods: {error:#}");
        }
        if let Err(error) = self.node.resume(KUBE_PROXY) {
            eprintln!("kube-proxy of {} stays halted: {error:#}", self.node.name());
        }
    }
}
