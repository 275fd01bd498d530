//! The stages that are known, with their default bounds and where those come from.

use std::time::Duration;

use segue_core::path::{Bounds, Stage};

/// A stage's defaults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) name: &'static str,
    /// The bound for joining, in seconds.
    pub(super) join: u64,
    /// The bound for leaving, in seconds.
    pub(super) leave: u64,
    /// Where the bounds come from.
    pub(super) source: &'static str,
}

pub(super) const KUBE_PROXY: Known = Known {
    name: "kube-proxy",
    join: 15,
    leave: 15,
    source: "default: it syncs every second, but no pod can see it, and on large clusters it takes longer",
};

pub(super) const DNS: Known = Known {
    name: "dns",
    join: 30,
    leave: 30,
    source: "default: CoreDNS as it is shipped answers with a TTL of at most 30 s",
};

pub(super) const DNS_CLIENT: Known = Known {
    name: "dns-client",
    join: 30,
    leave: 30,
    source: "default: a JVM keeps a resolved name for 30 s",
};

pub(super) const NODE_HEALTH: Known = Known {
    name: "node-health",
    join: 20,
    leave: 20,
    source: "default: with externalTrafficPolicy Local a load balancer asks each node every 10 s, twice",
};

pub(super) const INGRESS: Known = Known {
    name: "ingress",
    join: 30,
    leave: 30,
    source: "default: ingress controllers are reported to take 1 to 30 s",
};

pub(super) const GATEWAY: Known = Known {
    name: "gateway",
    join: 30,
    leave: 30,
    source: "default: gateways are reported to take 1 to 30 s",
};

pub(super) const LB_CONTROLLER: Known = Known {
    name: "lb-controller",
    join: 5,
    leave: 5,
    source: "default: the AWS Load Balancer Controller reconciles in about 1 s, 4 calls a second",
};

pub(super) const ALB: Known = Known {
    name: "alb",
    join: 20,
    leave: 60,
    source: "default: an ALB usually deregisters in 10 to 20 s, up to 60 s were seen",
};

pub(super) const ALB_HEALTH: Known = Known {
    name: "alb-health",
    join: 30,
    leave: 0,
    source: "default: an ALB asks a new target every 15 s, twice",
};

pub(super) const NLB: Known = Known {
    name: "nlb",
    join: 300,
    leave: 300,
    source: "default: AWS names 180 to 300 s for an NLB; 120 s were measured",
};

pub(super) const NLB_HEALTH: Known = Known {
    name: "nlb-health",
    join: 30,
    leave: 0,
    source: "default: an NLB asks a new target every 10 s, three times",
};

const ALL: [Known; 11] = [
    KUBE_PROXY,
    DNS,
    DNS_CLIENT,
    NODE_HEALTH,
    INGRESS,
    GATEWAY,
    LB_CONTROLLER,
    ALB,
    ALB_HEALTH,
    NLB,
    NLB_HEALTH,
];

/// The names of all stages that a manifest can have, each with its default bounds for joining and leaving.
pub fn known_stages() -> impl Iterator<Item = (&'static str, Duration, Duration)> {
    ALL.iter().map(|known| (known.name, Duration::from_secs(known.join), Duration::from_secs(known.leave)))
}

impl Known {
    /// The stage with its defaults.
    pub(super) fn stage(self) -> Stage {
        self.within(Duration::from_secs(self.join), Duration::from_secs(self.leave), self.source)
    }

    /// The stage with other bounds, and where those come from.
    pub(super) fn within(self, join: Duration, leave: Duration, source: impl Into<String>) -> Stage {
        Stage {
            name: self.name.to_owned(),
            join: Bounds::at_most(join),
            leave: Bounds::at_most(leave),
            source: source.into(),
            setting: format!("--bound {}=D", self.name),
            evidence: None,
        }
    }
}
