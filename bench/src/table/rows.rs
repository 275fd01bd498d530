//! The rows of the table: by which way requests arrive, and what is compared there.

use clap::ValueEnum;
use segue_cluster::ProxyMode;
use segue_e2e::plain::{Entry, Kind, Manners, Recipe, Setup};

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// A Deployment behind a Service, kube-proxy with iptables: the whole matrix.
    Service,
    /// A Service with a numeric targetPort, in the guard's two steps.
    NumericTargetPort,
    /// A headless Service.
    Headless,
    /// A NodePort with externalTrafficPolicy Local.
    NodePortLocal,
    /// A stand-in load balancer that sends to the pods.
    LoadBalancer,
    /// A StatefulSet.
    StatefulSet,
    /// A Deployment behind a Service, kube-proxy with nftables.
    Nftables,
}

impl Row {
    /// As an argument names it.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// As the page names it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Service => "Deployment behind a Service, kube-proxy with iptables",
            Self::NumericTargetPort => "Service with a numeric targetPort, by the two steps",
            Self::Headless => "headless Service (a stand-in for DNS)",
            Self::NodePortLocal => "NodePort with externalTrafficPolicy Local",
            Self::LoadBalancer => "stand-in load balancer that sends to the pods' addresses",
            Self::StatefulSet => "StatefulSet",
            Self::Nftables => "Deployment behind a Service, kube-proxy with nftables",
        }
    }

    pub(crate) fn mode(self) -> ProxyMode {
        if self == Self::Nftables { ProxyMode::Nftables } else { ProxyMode::Iptables }
    }

    /// Which recipes are compared, for which applications.
    pub(crate) fn cells(self) -> Vec<(Recipe, Manners)> {
        let sleep = Recipe::Sleep { seconds: 10 };
        let (recipes, manners): (&[Recipe], &[Manners]) = match self {
            Self::Service => (&Recipe::ALL, &[Manners::Rude, Manners::Polite]),
            // No guard stands where clients have the pods' own addresses.
            Self::Headless => (&[sleep, Recipe::Agent], &[Manners::Rude]),
            _ => (&[sleep, Recipe::Guard], &[Manners::Rude]),
        };
        recipes.iter().flat_map(|recipe| manners.iter().map(|manners| (*recipe, *manners))).collect()
    }

    pub(crate) fn setup(self, recipe: Recipe, manners: Manners) -> Setup {
        let mut setup = Setup::new(recipe, manners);
        setup.entry = match self {
            Self::NumericTargetPort => Entry::NumericTargetPort,
            Self::Headless => Entry::Headless,
            Self::NodePortLocal => Entry::NodePortLocal,
            Self::LoadBalancer => Entry::LoadBalancer,
            Self::Service | Self::StatefulSet | Self::Nftables => Entry::Service,
        };
        if self == Self::StatefulSet {
            setup.kind = Kind::StatefulSet;
        }
        setup
    }
}
