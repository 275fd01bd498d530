//! Rollouts, case by case: what the laws leave open, and what a random world meets too seldom.

mod crashes;
mod verdicts;
mod waves;

use crate::cases::seconds;
use segue_core::drain::{self, InFlight, Kept, Plan};
use segue_core::judge::{Goal, Readiness};
use segue_core::path::{Path, PathSeen};
use segue_core::rollout::{Action, InstanceSeen, Rollout, Seen};
use segue_core::stop::Signal;
use segue_core::{InstanceId, Time, Version};

pub(super) fn goal(version: &str, replicas: u32, surge: u32, unavailable: u32) -> Goal {
    Goal {
        version: Version::from(version),
        replicas,
        surge,
        unavailable,
        progress_deadline: seconds(100),
        crash_limit: 2,
        drain: Plan {
            paths: vec![Path::atomic("proxy")],
            quiet: None,
            longest_request: None,
            linger: None,
            deadline: seconds(60),
            stop_grace: seconds(10),
        },
    }
}

pub(super) fn ready(version: &str) -> InstanceSeen {
    let paths = [("proxy".to_owned(), PathSeen::without_evidence(true))];
    let drain = drain::Seen {
        told: std::collections::BTreeMap::new(),
        alive: true,
        paths: paths.into(),
        in_flight: InFlight::Counted(0),
        kept: Kept::default(),
        last_request: None,
    };
    InstanceSeen { version: Version::from(version), readiness: Readiness::Ready, drain, signalled: None }
}

/// Ready, and no router picks it yet.
pub(super) fn fresh(version: &str) -> InstanceSeen {
    let mut instance = ready(version);
    instance.drain.paths.clear();
    instance
}

pub(super) fn broken(version: &str) -> InstanceSeen {
    InstanceSeen { readiness: Readiness::NotReady(Some("503".into())), ..ready(version) }
}

pub(super) fn unknown(version: &str) -> InstanceSeen {
    InstanceSeen { readiness: Readiness::NotReady(None), ..fresh(version) }
}

pub(super) fn dead(version: &str) -> InstanceSeen {
    let mut instance = fresh(version);
    instance.drain.alive = false;
    instance
}

pub(super) fn seen(instances: &[(&str, InstanceSeen)]) -> Seen {
    let named = |(id, instance): &(&str, InstanceSeen)| (InstanceId::from(*id), instance.clone());
    Seen { instances: instances.iter().map(named).collect(), abort: false }
}

pub(super) fn acts(rollout: &mut Rollout, seen: &Seen, now: Time) -> Vec<Action> {
    crate::cases::acts(rollout.step(seen, now))
}

pub(super) fn start(version: &str) -> Action {
    Action::Start { version: Version::from(version) }
}

pub(super) fn withdraw(id: &str) -> Action {
    let action = drain::Action::Withdraw { path: "proxy".into() };
    Action::Drain { instance: InstanceId::from(id), action }
}

pub(super) fn signal(id: &str, signal: Signal) -> Action {
    Action::Stop { instance: InstanceId::from(id), signal }
}

pub(super) fn forget(id: &str) -> Action {
    Action::Forget { instance: InstanceId::from(id) }
}

pub(super) fn admit(id: &str) -> Action {
    Action::Admit { instance: InstanceId::from(id), paths: vec!["proxy".into()] }
}
