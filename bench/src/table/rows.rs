//! The rows of the table: by which way requests arrive, and what is compared there.

use clap::ValueEnum;
use segue_cluster::ProxyMode;
use segue_e2e::plain::{Entry, Kind, Recipe, Setup, ShutdownBehaviour};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// A Deployment behind a Service, kube-proxy with iptables: the whole matrix.
    Service,
    /// A Service with a numeric targetPort: in the guard's two steps, or redirected in one.
    NumericTargetPort,
    /// The same with an IPv6 address.
    Ipv6,
    /// A headless Service.
    Headless,
    /// A StatefulSet whose peers find each other by a headless Service.
    Peers,
    /// A NodePort with externalTrafficPolicy Local.
    NodePortLocal,
    /// A stand-in load balancer that sends to the pods.
    LoadBalancer,
    /// A stand-in load balancer as late as an ALB is; two pods. Only if it is asked for.
    FullAlb,
    /// One as late as an NLB is; two pods. Only if it is asked for.
    FullNlb,
    /// A StatefulSet.
    StatefulSet,
    /// A Deployment behind a Service, kube-proxy with nftables.
    Nftables,
}

impl Row {
    /// Whether it takes so long that the whole table is without it.
    fn is_asked_for(self) -> bool {
        matches!(self, Self::FullAlb | Self::FullNlb)
    }

    /// All but those.
    pub(crate) fn usual() -> Vec<Self> {
        Self::value_variants().iter().copied().filter(|row| !row.is_asked_for()).collect()
    }

    /// As an argument names it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// As the page names it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Service => "Deployment behind a Service, kube-proxy with iptables",
            Self::NumericTargetPort => {
                "Service with a numeric targetPort; the guard by its two steps, the redirect by one"
            }
            Self::Ipv6 => {
                "IPv6 Service with a numeric targetPort; the guard by its two steps, the redirect by one"
            }
            Self::Headless => "headless Service (a stand-in for DNS)",
            Self::Peers => "StatefulSet, one of its pods sends to the others by the headless Service's name",
            Self::NodePortLocal => "NodePort with externalTrafficPolicy Local",
            Self::LoadBalancer => "stand-in load balancer that sends to the pods' addresses",
            Self::FullAlb => "stand-in load balancer as late as an ALB is; two pods",
            Self::FullNlb => "stand-in load balancer as late as an NLB is; two pods",
            Self::StatefulSet => "StatefulSet",
            Self::Nftables => "Deployment behind a Service, kube-proxy with nftables",
        }
    }

    pub(crate) fn mode(self) -> ProxyMode {
        if self == Self::Nftables { ProxyMode::Nftables } else { ProxyMode::Iptables }
    }

    /// Which recipes are compared, for which applications.
    pub(crate) fn cells(self) -> Vec<(Recipe, ShutdownBehaviour)> {
        let sleep = Recipe::Sleep { seconds: 10 };
        let (recipes, shutdown): (&[Recipe], &[ShutdownBehaviour]) = match self {
            Self::Service => (&Recipe::ALL, &[ShutdownBehaviour::Rude, ShutdownBehaviour::Polite]),
            // Where clients have the pods' own addresses only a redirect leads them to the guard.
            Self::Headless | Self::Peers => {
                (&[sleep, Recipe::Agent, Recipe::Redirect], &[ShutdownBehaviour::Rude])
            }
            Self::FullAlb | Self::FullNlb => (&[sleep, Recipe::Guard], &[ShutdownBehaviour::Rude]),
            _ => (&[sleep, Recipe::Guard, Recipe::Redirect], &[ShutdownBehaviour::Rude]),
        };
        recipes.iter().flat_map(|recipe| shutdown.iter().map(|shutdown| (*recipe, *shutdown))).collect()
    }

    pub(crate) fn setup(self, recipe: Recipe, shutdown: ShutdownBehaviour) -> Setup {
        let mut setup = Setup::new(recipe, shutdown);
        setup.entry = match self {
            Self::NumericTargetPort => Entry::NumericTargetPort,
            Self::Ipv6 => Entry::Ipv6,
            Self::Headless => Entry::Headless,
            Self::Peers => Entry::Peers,
            Self::NodePortLocal => Entry::NodePortLocal,
            Self::LoadBalancer => Entry::LoadBalancer,
            Self::FullAlb => Entry::FullAlb,
            Self::FullNlb => Entry::FullNlb,
            Self::Service | Self::StatefulSet | Self::Nftables => Entry::Service,
        };
        if self.is_asked_for() {
            setup.replicas = 2;
        }
        if matches!(self, Self::StatefulSet | Self::Peers) {
            setup.kind = Kind::StatefulSet;
        }
        setup
    }
}
