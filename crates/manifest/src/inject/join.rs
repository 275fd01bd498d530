//! Where a new pod need not wait for kube-proxy: a rollout that deletes an old pod only after its replacement is Ready.
//!
//! A node's kube-proxy reads a Service's endpoints in order, so none learns of the end before the start: one that is late goes
//! on sending to the old pod, which serves for the whole leave bound. That holds where a kube-proxy alone picks the pod. A
//! balancer behind whom kube-proxies stand asks several of them, and they are not late together.

use std::time::Duration;

use segue_core::path::{Bounds, Direction, Path, Stage};
use segue_yaml::Pointer;

use super::draft::Draft;
use crate::notes::Rule;
use crate::objects::Kind;
use crate::paths::KUBE_PROXY_STAGE;
use crate::rules::strategy;

/// Takes kube-proxy's join out of the paths for which it is nothing, and says why. `others`: something is in the input that is not
/// read and replaces these pods, or is a router; kube-proxy's bound stands for its way to hear of pods.
pub(super) fn decide(draft: &mut Draft, paths: &mut [Path], others: bool) {
    let bounds = &draft.options.bounds;
    let own = |way| bounds.sets(KUBE_PROXY_STAGE, way);
    if others || own(Direction::Join) || !strategy::ready_first(draft.workload, draft.options.keep_strategy) {
        return;
    }
    let kind = if draft.workload.object.kind == Kind::Rollout { "Rollout" } else { "Deployment" };
    let why = format!(
        "a {kind} deletes an old pod only after its replacement is Ready, and each kube-proxy reads changes in order"
    );
    let alone = paths.iter_mut().filter_map(|path| match path.stages.as_mut_slice() {
        [stage] if stage.name == KUBE_PROXY_STAGE => Some(stage),
        _ => None,
    });
    let mut stages: Vec<&mut Stage> = alone.collect();
    for stage in &mut stages {
        stage.join = Bounds::at_most(Duration::ZERO);
        stage.source = if own(Direction::Leave) {
            format!("leave set by --bound; join: {why}")
        } else {
            format!("join: {why}; leave {}", stage.source)
        };
    }
    if !stages.is_empty() {
        let words = format!("no minReadySeconds is needed for kube-proxy: {why}");
        draft.note_at(Rule::KubeProxyJoin, &Pointer::keys(["spec", "minReadySeconds"]), words);
    }
}
