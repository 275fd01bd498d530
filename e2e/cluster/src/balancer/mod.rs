//! A stand-in load balancer: what an AWS load balancer does to a drain, by HAProxy on a machine outside the nodes.
//!
//! It keeps connections to pods' addresses, checks their health, and is told of a Service's endpoints as late as the real
//! ones are. It is no AWS load balancer: wherever its numbers are shown it is called a stand-in.

mod haproxy;
mod ledger;
mod options;
mod slices;
mod teller;

use std::net::{SocketAddr, SocketAddrV4};
use std::time::Duration;

use anyhow::ensure;

use crate::{Api, Cluster, Machine, wait};
use haproxy::Haproxy;
use ledger::Lags;
use teller::Teller;

pub use haproxy::Target;
pub use options::{BalancerOptions, HealthCheck, Mode};

/// A running stand-in load balancer; gone when this is dropped.
#[derive(Debug)]
pub struct Balancer {
    // Stopped before what it talks to.
    teller: Teller,
    haproxy: Haproxy,
    listen: SocketAddrV4,
}

impl Balancer {
    /// Starts it on a machine of its own, listening on port 80 there.
    pub fn start(
        cluster: &Cluster,
        api: &Api,
        name: &str,
        options: &BalancerOptions,
    ) -> anyhow::Result<Self> {
        let machine = cluster.machine(name)?;
        let listen = SocketAddrV4::new(machine.address(), 80);
        let haproxy = Haproxy::start(machine, listen, options)?;
        let lags = Lags {
            register: options.register,
            deregister: options.deregister,
            delay: options.deregistration_delay,
        };
        let teller = Teller::start(api, options, lags, haproxy.remote())?;
        Ok(Self { teller, haproxy, listen })
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.listen.into()
    }

    /// Its machine.
    pub fn machine(&self) -> &Machine {
        self.haproxy.machine()
    }

    /// Its targets as HAProxy sees them now.
    pub fn targets(&self) -> anyhow::Result<Vec<Target>> {
        self.teller.check()?;
        self.haproxy.remote().targets()
    }

    /// Waits until exactly so many targets get new requests.
    pub fn until_serving(&self, count: usize, within: Duration) -> anyhow::Result<Vec<Target>> {
        wait::until(&format!("exactly {count} targets get new requests"), within, || {
            let targets = self.targets()?;
            let serving: Vec<Target> = targets.iter().filter(|target| target.serves()).cloned().collect();
            ensure!(serving.len() == count, "{targets:?}");
            Ok(serving)
        })
    }
}
