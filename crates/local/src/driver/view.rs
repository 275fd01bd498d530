//! How everything looks from outside: the rules' own values, with the times of people's clocks.

use std::collections::BTreeMap;

use segue_core::why::Settings;
use segue_core::{InstanceId, Time, Wait, Why};

use super::Driver;
use super::fleet::{Life, Member};
use super::observe::Counts;
use crate::clock;
use crate::control::protocol::{
    self, Changed, DeployView, Event, InstanceView, Phase, ProxyView, State, View,
};
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

impl Driver {
    /// Where in its life an instance is.
    fn state_of(&self, id: &InstanceId, member: &Member) -> State {
        let Some(work) = &self.state.work else { return State::Ended };
        if let Life::Ended { .. } = member.life {
            return State::Ended;
        }
        match work.rollout.leaving(id) {
            Some(leaving) if leaving.stopping() => State::Stopping,
            Some(_) => State::Draining,
            None if work.rollout.serves(id) => State::Serving,
            None if member.served => State::Unready,
            None => State::Starting,
        }
    }

    /// Tells every instance whose state is another than it was, once.
    pub(super) fn tell_changes(&mut self, waits: &BTreeMap<InstanceId, Wait>, now: Time) {
        let at = clock::wall_at(now, now);
        let states: BTreeMap<_, _> =
            self.fleet.iter().map(|(id, member)| (id.clone(), self.state_of(id, member))).collect();
        // Who serves comes first: it is why another may leave.
        let mut changed: Vec<_> =
            states.iter().filter(|(id, state)| self.shown.get(id) != Some(state)).collect();
        changed.sort_by_key(|(_, state)| **state != State::Serving);
        for (id, state) in changed {
            let Some(member) = self.fleet.get_mut(id) else { continue };
            member.served |= *state == State::Serving;
            let why = match &member.life {
                Life::Ended { how } => Some(how.clone()),
                Life::Running(_) => waits.get(id).filter(|wait| is_worth_a_line(wait)).map(said),
            };
            let (instance, version) = (id.as_str(), member.label.as_str());
            let waits_for = why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            tracing::info!(version, "{instance} is {}{waits_for}", state.name());
            let (id, version) = (instance.to_owned(), version.to_owned());
            self.public.tell(Event::Changed(Changed { at, id, version, state: *state, why }));
        }
        self.shown = states;
    }

    /// The whole picture.
    pub(super) fn view(
        &self,
        waits: &BTreeMap<InstanceId, Wait>,
        counts: &Counts,
        overall: Option<&Wait>,
        now: Time,
    ) -> View {
        let work = self.state.work.as_ref();
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
                    state: self.state_of(id, member),
                    pid: member.running().map(|running| running.instance.pid()),
                    port: member.port,
                    in_flight: counted.map_or(0, |view| view.in_flight),
                    requests: counted.map_or(0, |view| view.requests),
                    failed: counted.map_or(0, |view| view.failed),
                    stages: work.map(|work| work.rollout.stages(id, &member.revision)).unwrap_or_default(),
                    wait: wait.map(|wait| people(wait, now)).or_else(|| self.in_background.wait(member)),
                }
            })
            .collect();
        let serving = instances.iter().filter(|view| view.state == State::Serving).count();
        let goal = work.map(|work| work.rollout.goal());
        let overall = overall.filter(|wait| wait.why != Why::Steady);
        View {
            name: self.folder.name().to_owned(),
            state: self.phase(serving),
            pid: Some(std::process::id()),
            since: Some(self.since),
            listen: self.listen.map(|address| address.to_string()),
            version: goal.map(|goal| self.state.label(&goal.version)),
            replicas: goal.map_or(0, |goal| goal.replicas),
            serving: u32::try_from(serving).unwrap_or(u32::MAX),
            restarts: self.restarts,
            deploy: self.deploy_view(overall, now),
            instances: in_order(instances),
            proxy: self.front.as_ref().map(|front| proxy_view(&front.stats())).unwrap_or_default(),
            history: history::last(&self.folder, HISTORY).unwrap_or_default(),
        }
    }

    fn deploy_view(&self, overall: Option<&Wait>, now: Time) -> Option<DeployView> {
        let work = self.state.work.as_ref()?;
        let deploy = work.deploy.as_ref()?;
        Some(DeployView {
            number: deploy.number,
            what: deploy.what,
            by: deploy.by.clone(),
            began: deploy.at,
            from: Some(deploy.before.version.clone()),
            to: self.state.label(&deploy.to),
            failure: work.rollout.failure().map(ToString::to_string),
            wait: overall.map(|wait| people(wait, now)),
        })
    }

    pub(super) fn phase(&self, serving: usize) -> Phase {
        let Some(work) = &self.state.work else { return Phase::Down };
        match &work.deploy {
            _ if self.ending.is_some() => Phase::Ending,
            Some(_) if work.rollout.failure().is_some() => Phase::GoingBack,
            Some(_) => Phase::Deploying,
            None if serving < work.rollout.goal().replicas as usize => Phase::Starting,
            None => Phase::Steady,
        }
    }

    pub(super) fn manager_status(&self, view: &View) {
        let version = view.version.as_deref().unwrap_or("nothing");
        let (name, serving, replicas) = (view.state.name(), view.serving, view.replicas);
        self.manager.status(&format!("{version}: {serving} of {replicas} serving, {name}"));
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

/// What the proxy is told it has taken by the next look.
fn is_worth_a_line(wait: &Wait) -> bool {
    !matches!(wait.why, Why::Steady | Why::Router { .. })
}

fn said(wait: &Wait) -> String {
    format!("waits for {}", wait.why)
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
    fn a_change_is_told_with_what_it_waits_for_if_that_takes_a_while() {
        let why = [Why::Steady, Why::Router { path: "proxy".to_owned() }, Why::Exit];
        let worth = why.map(|why| is_worth_a_line(&Wait { why, since: Time::from_millis(0), until: None }));
        assert_eq!(worth, [false, false, true]);
    }

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

    #[test]
    fn what_is_said_of_a_wait_is_what_it_is_for() {
        let wait = Wait { why: Why::Kept { connections: 2 }, since: Time::from_millis(0), until: None };
        assert_eq!(said(&wait), "waits for 2 kept connections to close");
    }
}
