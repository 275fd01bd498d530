//! A real Kubernetes cluster on one machine, for tests: real API server, controllers, scheduler, etcd, and nodes with
//! real containerd, kubelet, kube-proxy and conntrack. Pods have flat addresses, as on EKS. Everything has an IPv4 and an
//! IPv6 address, in that order.
//!
//! ```text
//!  host ──veth── bridge of the control plane's machine (API server, controllers, scheduler, etcd)
//!                  ├── node-1 (containerd, kubelet, kube-proxy; its pods behind a bridge of its own)
//!                  ├── node-2
//!                  └── a stand-in load balancer
//! ```
//!
//! Each *machine* is a network, mount and process namespace whose first process lives as long as the owner of the
//! cluster: when that goes, however it goes, the kernel ends every process of the machine, and its mounts and devices
//! vanish with it. What the kernel does not take away (folders, control groups) stands in a claim, and
//! [`Cluster::sweep`] removes it once the owner is dead.
//!
//! Start with [`Cluster::up`], look at it through its [`Api`].

mod addresses;
pub mod agent;
mod api;
mod balancer;
mod binaries;
mod claim;
mod clock;
mod cluster;
mod command;
mod control_plane;
mod folders;
mod groups;
pub mod image;
pub mod images;
mod keeper;
mod machine;
mod needs;
mod node;
mod pki;
mod pods;
mod process;
pub mod wait;

pub use api::{Api, KUBECONFIG};
pub use balancer::{Balancer, BalancerOptions, HealthCheck, Mode, Target};
pub use binaries::{Binaries, go};
pub use cluster::{Cluster, Options};
pub use command::{Failed, run};
pub use keeper::Keeper;
pub use machine::Machine;
pub use needs::{install, install_packages, is_there, missing};
pub use node::{Node, ProxyMode};
pub use pods::{Container, Pod};
pub use process::{Process, Program, marked};
