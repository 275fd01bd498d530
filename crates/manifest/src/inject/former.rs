//! Pods of an earlier injection, which live on until a rollout is over: what was let through to their guard must be so for as long.

use super::draft::Decisions;
use super::left::Share;
use crate::notes::{Note, Rule};
use crate::ports::Ports;
use crate::rules::{Change, Finding, environment};
use crate::workload::Workload;

/// What let policies through to the guard of a workload's pods from before.
pub(super) fn of_policies(workload: &Workload, before: &Ports, now: &Ports) -> Vec<Finding> {
    environment::policies(workload, &Ports { passed_by: now.passed_by.clone(), ..before.clone() }, false)
}

/// Tells of each policy in which that is not there any more for anybody.
pub(super) fn tell(decisions: &mut Decisions, shares: &[Share], former: Vec<Finding>) {
    let stays = |Change { address, edit }: &Change| {
        shares.iter().any(|share| share.decisions.edits.get(address).is_some_and(|own| own.contains(edit)))
    };
    for finding in former.into_iter().filter(|finding| !finding.edits.iter().all(stays)) {
        let words = "it does not let requests through any more to where the guard was: pods from before take them there, so apply it once they are gone";
        decisions.say(Note::at(Rule::FormerPolicy, finding.object, finding.origin, words));
    }
}
