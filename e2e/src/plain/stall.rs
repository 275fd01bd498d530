//! A kube-proxy that is late: halted when a rollout begins, it goes on some time after the first new pod is ready.

use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::{Node, wait};

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
    /// Halts the kube-proxy of the node that has the fewest of the pods: a new one comes there first.
    pub(crate) fn begin<'d>(self, deployed: &'d Deployed<'_>) -> anyhow::Result<Stalled<'d>> {
        let pods = deployed.pods()?;
        let nodes = deployed.cluster.nodes().iter();
        let count = |node: &&Node| pods.iter().filter(|pod| pod.node.as_deref() == Some(node.name())).count();
        let node = nodes.min_by_key(count).context("no node")?;
        node.pause(KUBE_PROXY)?;
        Ok(Stalled { node, after_ready: self.after_ready })
    }
}

/// A kube-proxy that is halted; it goes on when this is dropped.
#[derive(Debug)]
pub(crate) struct Stalled<'d> {
    node: &'d Node,
    after_ready: Duration,
}

impl Stalled<'_> {
    /// Lets it go on when the time has come.
    pub(crate) fn end(self, watch: &Watch, old: &[String]) -> anyhow::Result<()> {
        wait::until("a new pod is ready", wait::LONG, || {
            let sights = watch.sights();
            let mut new = sights.iter().filter(|sight| !old.contains(&sight.uid));
            ensure!(new.any(|sight| sight.ready.is_some()), "none is");
            Ok(())
        })?;
        wait::pass(self.after_ready);
        self.node.resume(KUBE_PROXY)
    }
}

impl Drop for Stalled<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.node.resume(KUBE_PROXY) {
            eprintln!("kube-proxy of {} stays halted: {error:#}", self.node.name());
        }
    }
}
