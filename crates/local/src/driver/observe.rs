//! Observing: the full picture that the rules are shown, from the processes, their readiness and the proxy's counts.

use std::collections::{BTreeMap, HashMap};

use segue_core::judge::Readiness;
use segue_core::path::PathSeen;
use segue_core::rollout::{InstanceSeen, Seen};
use segue_core::{InstanceId, drain};
use segue_proxy::{InstanceView, Pool};

use super::fleet::{Fleet, Life, Member};
use crate::readiness;
use crate::state::PROXY;

/// To the rules an instance without a keeper is of another version than any that is asked for: so it is replaced, and
/// drained once its replacement serves. No spec has this label.
const UNKEPT: &str = "(without a keeper)";

/// What the pool knows of every instance.
pub(super) type Counts = HashMap<String, InstanceView>;

/// The pool's picture, by instance.
pub(super) fn counts(pool: &Pool) -> Counts {
    pool.instances().into_iter().map(|view| (view.id.clone(), view)).collect()
}

/// The rules' picture.
pub(super) fn observe(fleet: &Fleet, counts: &Counts, abort: bool) -> Seen {
    let see = |(id, member): (&InstanceId, &Member)| (id.clone(), one(member, counts.get(id.as_str())));
    Seen { instances: fleet.iter().map(see).collect(), abort }
}

fn one(member: &Member, counted: Option<&InstanceView>) -> InstanceSeen {
    let path = PathSeen::without_evidence(counted.is_some_and(|view| view.admitted));
    InstanceSeen {
        version: if member.unkept { UNKEPT.into() } else { member.revision.clone() },
        readiness: match &member.life {
            Life::Running(running) => match running.readiness() {
                readiness::Readiness::Unknown => Readiness::NotReady(None),
                readiness::Readiness::Ready => Readiness::Ready,
                readiness::Readiness::NotReady { why } => Readiness::NotReady(Some(why)),
            },
            Life::Ended { how } => Readiness::NotReady(Some(how.clone())),
        },
        drain: drain::Seen {
            told: std::collections::BTreeMap::new(),
            alive: member.running().is_some(),
            paths: BTreeMap::from([(PROXY.to_owned(), path)]),
            in_flight: drain::InFlight::Counted(counted.map_or(0, |view| view.in_flight)),
            kept: drain::Kept::default(),
            // The withdrawal is atomic, so nobody needs to know when the last request came.
            last_request: None,
        },
        signalled: member.signalled,
    }
}
