//! What is heard of instances, and what is made of it.

use std::sync::Arc;

use segue_core::{InstanceId, Version};
use segue_supervisor::instance::Exit;
use segue_supervisor::strays;

use super::act::Instances;
use super::background;
use super::failures::Failures;
use super::fleet::{Fleet, Life};
use super::records::Records;
use crate::clock;

/// An instance runs on, but its keeper has ended.
pub(super) fn unkept(id: &InstanceId, fleet: &mut Fleet) {
    let Some(member) = fleet.get_mut(id).filter(|member| member.running().is_some()) else { return };
    member.unkept = true;
    tracing::error!("{id}: its keeper was killed, so what it says is lost: it is replaced");
}

/// An instance has ended. Whether it was told to is in the rollout.
pub(super) fn ended(
    id: &InstanceId,
    exit: &Exit,
    instances: &mut Instances,
    records: &mut Records,
    failures: &mut Failures,
) {
    let Some(member) = instances.fleet.get_mut(id) else { return };
    let told = records.rollout().is_some_and(|rollout| rollout.leaving(id).is_some());
    // One that served ended as any other ends: what it leaves may be of use to somebody.
    let in_background = exit.background && !member.served;
    let how = if in_background { background::how(exit) } else { exit.to_string() };
    if let (true, Some(running)) = (in_background, member.running()) {
        let instance = Arc::clone(&running.instance);
        tokio::spawn(async move { strays::end(&instance).await });
    }
    member.life = Life::Ended { how: how.clone() };
    let revision = member.revision.clone();
    if told {
        return;
    }
    if in_background {
        went_into_background(id, &revision, &how, instances, records, failures);
    }
    failures.crashed(id, &revision, &how);
}

pub(super) fn went_into_background(
    id: &InstanceId,
    revision: &Version,
    how: &str,
    instances: &Instances,
    records: &mut Records,
    failures: &mut Failures,
) {
    let text = format!("{id} {how}; it is not started again until the next deploy");
    tracing::error!("{text}");
    instances.public.note(text, clock::now());
    failures.in_background.note(revision.clone(), how, clock::wall());
    if let Some(deploy) = records.deploy_mut().filter(|deploy| deploy.to == *revision) {
        deploy.abort = true;
        failures.failing = Some((id.clone(), how.to_owned()));
    }
}
