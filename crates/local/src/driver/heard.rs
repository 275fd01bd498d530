//! What is heard of instances, and what is made of it.

use std::sync::Arc;

use segue_core::{InstanceId, Version};
use segue_supervisor::instance::Exit;
use segue_supervisor::strays;

use super::background;
use super::failures::Failures;
use super::fleet::{Fleet, Life};
use super::public::Public;
use super::records::Records;
use crate::clock;
use crate::control::protocol::Event;

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
    fleet: &mut Fleet,
    records: &mut Records,
    failures: &mut Failures,
    public: &Public,
) {
    let Some(member) = fleet.get_mut(id) else { return };
    let told = records.rollout().is_some_and(|rollout| rollout.leaving(id).is_some());
    // One that served ended as any other ends: what it leaves may be of use to somebody.
    let in_background = exit.background && !member.served;
    let how = if in_background { background::how(exit) } else { exit.to_string() };
    if let (true, Some(running)) = (in_background, member.running()) {
        let instance = Arc::clone(&running.instance);
        tokio::spawn(async move { strays::end(&instance).await });
    }
    member.life = Life::Ended { how: how.clone() };
    if told {
        return;
    }
    if in_background {
        went_into_background(id, &member.revision, &how, records, failures, public);
    }
    failures.crashed(id, &member.revision, &how);
}

pub(super) fn went_into_background(
    id: &InstanceId,
    revision: &Version,
    how: &str,
    records: &mut Records,
    failures: &mut Failures,
    public: &Public,
) {
    let now = clock::now();
    let text = format!("{id} {how}; it is not started again until the next deploy");
    tracing::error!("{text}");
    public.tell(Event::Note { at: clock::wall_at(now, now), text });
    failures.in_background.note(revision.clone(), how, clock::wall());
    if let Some(deploy) = records.deploy_mut().filter(|deploy| deploy.to == *revision) {
        deploy.abort = true;
        failures.failing = Some((id.clone(), how.to_owned()));
    }
}
