//! What is deployed, and by which recipe its pods are taken away.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How an upgrade is to be made safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// Not at all: `kubectl rollout restart` of a Deployment as tutorials have it.
    Nothing,
    /// The usual one: a preStop hook that sleeps, and a longer grace period.
    Sleep {
        /// How long the hook sleeps; the grace period is 30 s more.
        seconds: u32,
    },
    /// `segue inject`.
    Agent,
    /// `segue inject --guard`.
    Guard,
    /// `segue inject --guard --redirect`.
    Redirect,
}

impl Recipe {
    /// The five of the table.
    pub const ALL: [Self; 5] =
        [Self::Nothing, Self::Sleep { seconds: 10 }, Self::Agent, Self::Guard, Self::Redirect];

    /// A word for names.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Sleep { .. } => "sleep",
            Self::Agent => "agent",
            Self::Guard => "guard",
            Self::Redirect => "redirect",
        }
    }

    /// Whether pods have Segue's agent.
    pub fn has_agent(self) -> bool {
        matches!(self, Self::Agent | Self::Guard | Self::Redirect)
    }
}

impl std::fmt::Display for Recipe {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => formatter.write_str("nothing"),
            Self::Sleep { seconds } => write!(formatter, "preStop sleep {seconds}"),
            Self::Agent => formatter.write_str("Segue agent"),
            Self::Guard => formatter.write_str("Segue agent + guard"),
            Self::Redirect => formatter.write_str("Segue agent + redirected guard"),
        }
    }
}

/// What the application does when it is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShutdownBehaviour {
    /// It exits at once.
    Rude,
    /// It finishes what it has taken, and closes idle connections.
    Polite,
}

impl ShutdownBehaviour {
    /// As an argument of the sample program, and as people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rude => "rude",
            Self::Polite => "polite",
        }
    }
}

/// What owns the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A Deployment.
    Deployment,
    /// A StatefulSet.
    StatefulSet,
}

impl Kind {
    /// As kubectl names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
        }
    }
}

/// By which way requests arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A Service's address; it names its targetPort.
    Service,
    /// A Service's address; its targetPort is a number.
    NumericTargetPort,
    /// The same, and the address is an IPv6 one.
    Ipv6,
    /// The pods' own addresses, by a headless Service's name.
    Headless,
    /// The same, by a pod of the same StatefulSet, which stays when the others are replaced.
    Peers,
    /// A port of the nodes with `externalTrafficPolicy: Local`; who sends there asks healthCheckNodePort which nodes
    /// have a pod.
    NodePortLocal,
    /// A stand-in load balancer outside the nodes that sends to the pods' addresses: an ALB whose lags are shrunk.
    LoadBalancer,
    /// The same, as late as an ALB is.
    FullAlb,
    /// The same for connections instead of requests, as late as an NLB is.
    FullNlb,
}

impl Entry {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::NumericTargetPort => "Service with a numeric targetPort",
            Self::Ipv6 => "Service, IPv6",
            Self::Headless => "headless Service",
            Self::Peers => "headless Service, from a peer",
            Self::NodePortLocal => "NodePort, externalTrafficPolicy Local",
            Self::LoadBalancer => "stand-in load balancer",
            Self::FullAlb => "stand-in ALB with its full lags",
            Self::FullNlb => "stand-in NLB with its full lags",
        }
    }

    /// Whether its Service's targetPort is a number.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::NumericTargetPort | Self::Ipv6)
    }

    /// How long a rollout may take: far more than it does.
    pub fn patience(self) -> Duration {
        match self {
            // Each new pod waits for its 3 min of registration, and old ones for their 2 min of deregistration.
            Self::FullAlb | Self::FullNlb => Duration::from_mins(30),
            _ => Duration::from_mins(8),
        }
    }

    /// What `segue inject` must be told of this bed's stand-ins, whose lags are shorter than the real ones: each with
    /// one second for the stand-in's own rounds.
    pub fn bounds(self) -> &'static [&'static str] {
        match self {
            // What the facts say holds for the full lags.
            Self::Service | Self::NumericTargetPort | Self::Ipv6 | Self::FullAlb | Self::FullNlb => &[],
            // The cache, and the probe's own.
            Self::Headless | Self::Peers => &["dns=6s", "dns-client=6s"],
            // Two answers of healthCheckNodePort, and the probe's own cache.
            Self::NodePortLocal => &["node-health=8s"],
            Self::LoadBalancer => &["lb-controller=1s", "alb=6s", "alb-health.join=9s"],
        }
    }
}

/// An application on the cluster, and the recipe by which it is upgraded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// How its upgrades are made safe.
    pub recipe: Recipe,
    /// What it does on SIGTERM.
    #[serde(rename = "manners")]
    pub shutdown: ShutdownBehaviour,
    /// What owns its pods.
    pub kind: Kind,
    /// How requests arrive.
    pub entry: Entry,
    /// How many pods.
    pub replicas: u32,
    /// Further arguments of `segue inject`, such as `--bound kube-proxy=3s`.
    pub inject: Vec<String>,
    /// Further arguments of the sample program, such as `--start-delay 2s`.
    pub sample: Vec<String>,
}

impl Setup {
    /// Four pods of a Deployment behind a Service that names its targetPort.
    pub fn new(recipe: Recipe, shutdown: ShutdownBehaviour) -> Self {
        Self {
            recipe,
            shutdown,
            kind: Kind::Deployment,
            entry: Entry::Service,
            replicas: 4,
            inject: Vec::new(),
            sample: Vec::new(),
        }
    }
}
