//! Limits that follow from a pod's plan, for this process and its guard: in the sidecar as in a hook that takes over.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use segue_core::drain;
use segue_core::pod::PodPlan;
use segue_guard::Settings;
use std::time::Duration;

/// Listeners, the agent's own clients, the runtime's own.
const OTHER_DESCRIPTORS: u64 = 400;

/// A carried connection has two descriptors; what the container is given by default may be too few.
pub(crate) fn raise_descriptor_limit(plan: &PodPlan) {
    let limit = getrlimit(Resource::Nofile);
    let needed = u64::from(plan.max_connections) * 2 + OTHER_DESCRIPTORS;
    if limit.current.is_some_and(|current| current < needed) {
        let current = limit.maximum.map_or(needed, |maximum| maximum.min(needed));
        // Refused or not enough: the guard waits where it has none left.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit });
    }
}

/// How long the guard keeps idle connections once they may be closed: a little less than the drain waits for them, so
/// that the last ones are closed by the guard, which knows what is lost, and not by the end of the application.
pub(crate) fn linger(drain: &drain::Plan) -> Duration {
    drain.linger.map_or(Duration::ZERO, |linger| linger.0 / 5 * 4)
}

/// What the guard is told of the plan.
pub(crate) fn settings(plan: &PodPlan) -> Settings {
    let drain = &plan.drain;
    Settings {
        ports: plan.ports.iter().filter(|port| port.is_guarded()).cloned().collect(),
        max_connections: plan.max_connections,
        websocket_grace: plan.websocket_grace.0,
        linger: linger(drain),
        longest_request: drain.longest_request.map_or(drain.deadline, |longest| longest.0),
        discount: plan.discount.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routers::tests::plan;
    use segue_core::path::Millis;

    #[test]
    fn the_guard_closes_idle_connections_before_the_drain_stops_waiting_for_them() {
        let mut drain = plan(Vec::new()).drain;
        assert_eq!(linger(&drain), Duration::ZERO);
        drain.linger = Some(Millis(Duration::from_secs(5)));
        assert_eq!(linger(&drain), Duration::from_secs(4));
    }
}
