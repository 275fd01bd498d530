//! How long it takes: kube-proxy to learn of a removal, a pod to drain, a workload to roll.

mod drains;
mod removals;
mod rollouts;
mod timed;

use std::path::Path;

use segue_cluster::Cluster;

/// All of it, as Markdown.
pub(super) fn run(cluster: &Cluster, removals: usize, folder: &Path) -> anyhow::Result<String> {
    let mut text = "\n## Times\n\n".to_owned();
    text += &removals::run(cluster, removals)?;
    text += "\n";
    text += &drains::run(cluster)?;
    text += "\n";
    text += &rollouts::run(cluster, folder)?;
    Ok(text)
}
