//! How everything looks from outside: the rules' own values, with the times of people's clocks.

use std::collections::BTreeMap;

use segue_core::rollout::Rollout;
use segue_core::why::Settings;
use segue_core::{InstanceId, Time, Wait, Why};

use super::failures::Failures;
use super::fleet::{Fleet, Life, Member};
use super::front::Front;
use super::observe::Counts;
use super::records::Records;
use super::session::Session;
use crate::clock;
use crate::control::protocol::{self, DeployView, InstanceView, Phase, ProxyView, State, View};
use crate::history;

/// How many entries of the history a view shows.
const HISTORY: usize = 5;

/// What shortens waits, by its key in the spec. The proxy's withdrawal is atomic and it closes kept connections by itself,
/// so neither quiet nor those are waited for.
const SETTINGS: Settings = Settings {
    readiness: Some("ready.interval, ready.threshold"),
    quiet: None,
    in_flight: Some("drainDeadline"),
    kept: None,
    exit: Some("stop.grace"),
    floor: Some("strategy.rolling.unavailable"),
};

/// All that can be seen.
pub(super) struct Picture<'d> {
    pub(super) records: &'d Records,
    pub(super) fleet: &'d Fleet,
    pub(super) failures: &'d Failures,
    pub(super) front: &'d Front,
    pub(super) session: &'d Session,
    /// Whether the service is being taken down.
    pub(super) is_ending: bool,
}

// === impl Picture ===

impl Picture<'_> {
    /// The whole picture.
    pub(super) fn view(
        &self,
        waits: &BTreeMap<InstanceId, Wait>,
        counts: &Counts,
        overall: Option<&Wait>,
        now: Time,
    ) -> View {
        let rollout = self.records.rollout();
        let instances: Vec<_> = self
            .fleet
            .iter()
            .map(|(id, member)| {
                let counted = counts.get(id.as_str());
                let wait = waits.get(id).filter(|wait| wait.why != Why::Steady && member.running().is_some());
                InstanceView {
                    id: id.to_string(),
                    version: member.label.clone(),
                    revision: member.revision.clone(),
                    state: state_of(rollout, id, member),
                    pid: member.running().map(|running| running.instance.pid()),
                    port: member.port,
                    in_flight: counted.map_or(0, |view| view.in_flight),
                    requests: counted.map_or(0, |view| view.requests),
                    failed: counted.map_or(0, |view| view.failed),
                    stages: rollout.map(|rollout| rollout.stages(id, &member.revision)).unwrap_or_default(),
                    wait: wait
                        .map(|wait| people(wait, now))
                        .or_else(|| self.failures.in_background.wait(member)),
                }
            })
            .collect();
        let serving = instances.iter().filter(|view| view.state == State::Serving).count();
        let goal = rollout.map(Rollout::goal);
        let overall = overall.filter(|wait| wait.why != Why::Steady);
        View {
            name: self.records.name().to_owned(),
            state: self.phase(serving),
            pid: Some(std::process::id()),
            since: Some(self.session.since),
            listen: self.front.listen.map(|address| address.to_string()),
            version: goal.map(|goal| self.records.state.label(&goal.version)),
            replicas: goal.map_or(0, |goal| goal.replicas),
            serving: u32::try_from(serving).unwrap_or(u32::MAX),
            restarts: self.failures.restarts,
            deploy: self.deploy_view(overall, now),
            instances: in_order(instances),
            proxy: self.front.proxy.as_ref().map(|front| proxy_view(&front.stats())).unwrap_or_default(),
            history: history::last(&self.records.folder, HISTORY).unwrap_or_default(),
        }
    }

    fn deploy_view(&self, overall: Option<&Wait>, now: Time) -> Option<DeployView> {
        let work = self.records.state.work.as_ref()?;
        let deploy = work.deploy.as_ref()?;
        Some(DeployView {
            number: deploy.number,
            what: deploy.what,
            by: deploy.by.clone(),
            began: deploy.at,
            from: Some(deploy.before.version.clone()),
            to: self.records.state.label(&deploy.to),
            failure: work.rollout.failure().map(ToString::to_string),
            wait: overall.map(|wait| people(wait, now)),
        })
    }

    pub(super) fn phase(&self, serving: usize) -> Phase {
        let Some(work) = &self.records.state.work else { return Phase::Down };
        match &work.deploy {
            _ if self.is_ending => Phase::Ending,
            Some(_) if work.rollout.failure().is_some() => Phase::GoingBack,
            Some(_) => Phase::Deploying,
            None if serving < work.rollout.goal().replicas as usize => Phase::Starting,
            None => Phase::Steady,
        }
    }
}

/// Where in its life an instance is.
pub(super) fn state_of(rollout: Option<&Rollout>, id: &InstanceId, member: &Member) -> State {
    let Some(rollout) = rollout else { return State::Ended };
    if let Life::Ended { .. } = member.life {
        return State::Ended;
    }
    match rollout.leaving(id) {
        Some(leaving) if leaving.stopping() => State::Stopping,
        Some(_) => State::Draining,
        None if rollout.serves(id) => State::Serving,
        None if member.served => State::Unready,
        None => State::Starting,
    }
}

/// By number, as they were started.
fn in_order(mut instances: Vec<InstanceView>) -> Vec<InstanceView> {
    instances.sort_by_key(|view| crate::folder::instance_number(&view.id));
    instances
}

fn proxy_view(stats: &segue_proxy::Stats) -> ProxyView {
    ProxyView {
        connections: stats.connections as u64,
        in_flight: stats.in_flight,
        requests: stats.requests,
        own_answers: stats.own_answers.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
    }
}

/// A wait as people see it.
fn people(wait: &Wait, now: Time) -> protocol::Wait {
    protocol::Wait {
        why: wait.why.to_string(),
        since: clock::wall_at(wait.since, now),
        until: wait.until.map(|until| clock::wall_at(until, now)),
        setting: wait.why.setting(&SETTINGS).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_proxy_counts_is_shown() {
        let stats = segue_proxy::Stats {
            connections: 1,
            in_flight: 2,
            requests: 3,
            own_answers: [("no-instance", 4)].into(),
            ..segue_proxy::Stats::default()
        };
        let own_answers = [("no-instance".to_owned(), 4)].into();
        assert_eq!(proxy_view(&stats), ProxyView { connections: 1, in_flight: 2, requests: 3, own_answers });
    }
}
