//! Who has which address. Everything has one of each family, and IPv4 is first: a Service that asks for nothing has that
//! alone.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Services' addresses, and the first of them, which is the API server's.
pub(crate) const SERVICES: &str = "10.96.0.0/16,fd00:10:96::/112";
pub(crate) const API_SERVER: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);

/// All pods' addresses; each node has a /24 and a /64 of them.
pub(crate) const PODS: &str = "10.91.0.0/16,fd00:10:91::/48";

/// The addresses of one node's pods.
pub(crate) fn pods(node: u8) -> [String; 2] {
    [format!("10.91.{node}.0/24"), format!("fd00:10:91:{node:x}::/64")]
}

/// The addresses of one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
}

impl Addresses {
    /// Those of a machine of a cluster.
    pub(crate) fn new(cluster: u8, last: u8) -> Self {
        let (network, own) = (cluster.into(), last.into());
        Self {
            v4: Ipv4Addr::new(10, 90, cluster, last),
            v6: Ipv6Addr::new(0xfd00, 0x10, 0x90, network, 0, 0, 0, own),
        }
    }

    /// As many programs want them.
    pub(crate) fn list(self) -> String {
        format!("{},{}", self.v4, self.v6)
    }

    /// The `ip` lines that give them to a device.
    pub(crate) fn at(self, device: &str) -> String {
        format!("addr add {}/24 dev {device}\naddr add {}/64 dev {device}\n", self.v4, self.v6)
    }

    /// The `ip` lines by which they are the way to everything that no other route leads to.
    pub(crate) fn default_routes(self) -> String {
        format!("route add default via {}\nroute add default via {}\n", self.v4, self.v6)
    }

    /// The `ip` lines by which they are the way to a node's pods.
    pub(crate) fn routes_to_pods(self, node: u8) -> String {
        let [v4, v6] = pods(node);
        format!("route add {v4} via {}\nroute add {v6} via {}\n", self.v4, self.v6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_the_same_plan() {
        let node = Addresses::new(12, 11);
        assert_eq!(node.list(), "10.90.12.11,fd00:10:90:c::b");
        assert_eq!(
            node.routes_to_pods(1),
            "route add 10.91.1.0/24 via 10.90.12.11\nroute add fd00:10:91:1::/64 via fd00:10:90:c::b\n"
        );
    }
}
