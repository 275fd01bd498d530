//! Who is told how everything is, and what they were told last: clients of the control socket, and the service manager.

use std::collections::BTreeMap;

use segue_core::rollout::Rollout;
use segue_core::{InstanceId, Time, Wait, Why};

use super::ended;
use super::fleet::{Fleet, Life};
use super::public::Public;
use super::records::Records;
use super::session::Session;
use super::view::state_of;
use crate::clock;
use crate::control::protocol::{Changed, Event, State, View};
use crate::history::{Ended, Entry, What};
use crate::notify::Manager;

/// Those who listen.
#[derive(Debug)]
pub(super) struct Audience {
    pub(super) public: Public,
    pub(super) manager: Manager,
    /// The states of the instances that were told last.
    pub(super) shown: BTreeMap<InstanceId, State>,
    /// Whether it was told that all is up.
    announced: bool,
}

// === impl Audience ===

impl Audience {
    pub(super) fn new(public: Public, manager: Manager) -> Self {
        Self { public, manager, shown: BTreeMap::new(), announced: false }
    }

    /// Whether anybody wants to know how everything is.
    pub(super) fn listens(&self) -> bool {
        self.public.is_watched() || !self.announced
    }

    /// Tells every instance whose state is another than it was, once.
    pub(super) fn tell_changes(
        &mut self,
        rollout: Option<&Rollout>,
        fleet: &mut Fleet,
        waits: &BTreeMap<InstanceId, Wait>,
        now: Time,
    ) {
        let at = clock::wall_at(now, now);
        let states: BTreeMap<_, _> =
            fleet.iter().map(|(id, member)| (id.clone(), state_of(rollout, id, member))).collect();
        // Who serves comes first: it is why another may leave.
        let mut changed: Vec<_> =
            states.iter().filter(|(id, state)| self.shown.get(id) != Some(state)).collect();
        changed.sort_by_key(|(_, state)| **state != State::Serving);
        for (id, state) in changed {
            let Some(member) = fleet.get_mut(id) else { continue };
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

    /// Shows how everything is.
    pub(super) fn show(&self, view: View) {
        let version = view.version.as_deref().unwrap_or("nothing");
        let (name, serving, replicas) = (view.state.name(), view.serving, view.replicas);
        self.manager.status(&format!("{version}: {serving} of {replicas} serving, {name}"));
        self.public.show(view);
    }

    /// Every instance of the current version serves: told and noted once.
    pub(super) fn all_is_up(&mut self, records: &mut Records, session: &Session, now: Time) {
        if self.announced {
            return;
        }
        self.announced = true;
        self.manager.ready();
        let state = &mut records.state;
        let Some(work) = &state.work else { return };
        let current = work.current.clone();
        state.worked(&current);
        let to = state.label(&current);
        tracing::info!("{} is up with {to}", records.name());
        records.append(&Entry {
            at: session.since,
            what: What::Up,
            by: session.who.clone(),
            from: None,
            to: Some(to),
            revision: Some(current),
            ended: Ended::Reached,
            why: None,
            cut: 0,
            cut_on: Vec::new(),
            took_ms: ended::millis(now.since(session.began)),
        });
    }
}

/// What the proxy is told it has taken by the next look.
fn is_worth_a_line(wait: &Wait) -> bool {
    !matches!(wait.why, Why::Steady | Why::Router { .. })
}

fn said(wait: &Wait) -> String {
    format!("waits for {}", wait.why)
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
    fn what_is_said_of_a_wait_is_what_it_is_for() {
        let wait = Wait { why: Why::Kept { connections: 2 }, since: Time::from_millis(0), until: None };
        assert_eq!(said(&wait), "waits for 2 kept connections to close");
    }
}
