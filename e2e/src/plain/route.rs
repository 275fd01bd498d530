//! The route by which an application's clients reach it, with what stands in for what a cluster has outside of itself.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use segue_cluster::{Api, Balancer, BalancerOptions, Cluster, Machine};
use serde_json::Value;

use super::hosts::Hosts;
use super::namespace::Network;
use super::objects::{NAME, PORT, SERVICE_PORT};
use super::setup::{Entry, Setup};
use super::watch::Events;
use crate::clock;

/// How much shorter than an ALB's the lags of the stand-in are: deregistering takes 5 s.
pub const SHRUNK: u32 = 4;

/// How long the stand-in for DNS answers with what it knew before. The probe itself looks a name up every 5 s.
pub const CACHED: Duration = Duration::from_secs(5);

/// How often a client of node ports asks each node's healthCheckNodePort; two answers in a row count. A load balancer's
/// 10 s, shrunk.
pub const HEALTH: Duration = Duration::from_secs(1);

/// The route to an application.
#[derive(Debug)]
pub(crate) struct Route {
    url: String,
    names: Vec<String>,
    outside: Option<Machine>,
    /// What does its work until clients take that route no more.
    _kept: Vec<Box<dyn Debug>>,
}

impl Route {
    /// Opens it. The application and its Service are there.
    pub(crate) fn open(cluster: &Cluster, api: &Api, setup: &Setup) -> anyhow::Result<Self> {
        match setup.entry {
            Entry::Service | Entry::NumericTargetPort | Entry::Ipv6 => {
                let address = SocketAddr::new(field(api, "{.spec.clusterIP}")?.parse()?, SERVICE_PORT);
                Ok(Self::plain(format!("http://{address}")))
            }
            Entry::Headless | Entry::Peers => Self::headless(cluster, api),
            Entry::NodePortLocal => Self::node_ports(cluster, api),
            Entry::LoadBalancer => {
                Self::balanced(cluster, api, setup, &BalancerOptions::alb(NAME).shrunk(SHRUNK))
            }
            Entry::FullAlb => Self::balanced(cluster, api, setup, &BalancerOptions::alb(NAME)),
            Entry::FullNlb => Self::balanced(cluster, api, setup, &BalancerOptions::nlb(NAME)),
        }
    }

    /// What URLs begin with.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The words before a client's program.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Where clients are that come from outside.
    pub(crate) fn outside(&self) -> anyhow::Result<&Machine> {
        self.outside.as_ref().context("clients are on the nodes and in pods")
    }

    fn plain(url: String) -> Self {
        Self { url, names: Vec::new(), outside: None, _kept: Vec::new() }
    }

    fn named(hosts: &Hosts, port: u16) -> Self {
        Self { names: Hosts::words(hosts.path()), ..Self::plain(format!("http://{NAME}:{port}")) }
    }

    /// By a stand-in load balancer; clients are outside.
    fn balanced(
        cluster: &Cluster,
        api: &Api,
        setup: &Setup,
        options: &BalancerOptions,
    ) -> anyhow::Result<Self> {
        let balancer = Balancer::start(cluster, api, &unique("lb"), options)?;
        balancer.until_serving(usize::try_from(setup.replicas)?, setup.entry.patience())?;
        let url = format!("http://{}", balancer.address());
        let outside = Some(cluster.machine(&unique("out"))?);
        Ok(Self { outside, _kept: vec![Box::new(balancer)], ..Self::plain(url) })
    }

    /// By a name under which every ready pod is found.
    fn headless(cluster: &Cluster, api: &Api) -> anyhow::Result<Self> {
        let hosts = Hosts::new(&cluster.control_plane().folder().join(unique("hosts")), NAME)?;
        let route = Self::named(&hosts, PORT);
        let slices: Arc<Mutex<BTreeMap<String, Vec<String>>>> = Arc::default();
        let seen = Arc::clone(&slices);
        let selector = format!("kubernetes.io/service-name={NAME}");
        let events = Events::start(api, &["endpointslices", "--selector", &selector], move |kind, slice| {
            let name = slice["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let ready = if kind == "DELETED" { Vec::new() } else { ready(slice) };
            seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name, ready);
        })?;
        let follower = Follower::start(hosts, CACHED, move || {
            let slices = slices.lock().unwrap_or_else(PoisonError::into_inner);
            slices.values().flatten().cloned().collect()
        })?;
        Ok(Self { _kept: vec![Box::new(events), Box::new(follower)], ..route })
    }

    /// By a name under which every node is found that says that it has a pod.
    fn node_ports(cluster: &Cluster, api: &Api) -> anyhow::Result<Self> {
        let port = field(api, "{.spec.ports[0].nodePort}")?.parse()?;
        let health = field(api, "{.spec.healthCheckNodePort}")?.parse()?;
        let outside = cluster.machine(&unique("out"))?;
        let hosts = Hosts::new(&outside.folder().join("hosts"), NAME)?;
        let route = Self::named(&hosts, port);
        let nodes: Vec<Ipv4Addr> = cluster.nodes().iter().map(|node| node.address()).collect();
        let well: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&well);
        let ended = Arc::<AtomicBool>::default();
        let end = Arc::clone(&ended);
        let asking = Network::of(outside.command("cat"))?.run("health", move || {
            let mut last = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let now: Vec<Ipv4Addr> =
                    nodes.iter().copied().filter(|node| is_well(SocketAddrV4::new(*node, health))).collect();
                if now == last {
                    // Load balancers fail open: with no node well they send to all.
                    let found = if now.is_empty() { &nodes } else { &now };
                    let names = found.iter().map(Ipv4Addr::to_string).collect();
                    *seen.lock().unwrap_or_else(PoisonError::into_inner) = names;
                }
                last = now;
                clock::sleep(HEALTH);
            }
        })?;
        let asker = Follower { ended, thread: Some(asking) };
        let look = move || well.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let follower = Follower::start(hosts, Duration::ZERO, look)?;
        Ok(Self { outside: Some(outside), _kept: vec![Box::new(asker), Box::new(follower)], ..route })
    }
}

/// A thread that goes on until this is dropped.
#[derive(Debug)]
struct Follower {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<anyhow::Result<()>>>,
}

impl Follower {
    /// Writes down who is to be found, each change `late`.
    fn start(
        hosts: Hosts,
        late: Duration,
        mut look: impl FnMut() -> Vec<String> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let ended = Arc::<AtomicBool>::default();
        let end = Arc::clone(&ended);
        let thread = std::thread::Builder::new().name("names".into()).spawn(move || {
            let mut known = look();
            hosts.set(&known)?;
            let mut asked = clock::now();
            // As a cache does: what was answered is answered again until it is too old.
            while !end.load(Ordering::Relaxed) {
                clock::sleep(Duration::from_millis(50));
                if known.is_empty() || clock::now() - asked >= late {
                    known = look();
                    hosts.set(&known)?;
                    asked = clock::now();
                }
            }
            anyhow::Ok(())
        })?;
        Ok(Self { ended, thread: Some(thread) })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The addresses of a slice's ready endpoints.
fn ready(slice: &Value) -> Vec<String> {
    let endpoints = slice["endpoints"].as_array().into_iter().flatten();
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"].as_bool() == Some(true));
    ready.filter_map(|endpoint| Some(endpoint["addresses"][0].as_str()?.to_owned())).collect()
}

/// Whether a node says that it has a ready pod of the Service.
fn is_well(address: SocketAddrV4) -> bool {
    let patience = Duration::from_millis(500);
    let ask = || {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::V4(address), patience).ok()?;
        stream.set_read_timeout(Some(patience)).ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n").ok()?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).ok()?;
        Some(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}

fn field(api: &Api, path: &str) -> anyhow::Result<String> {
    api.run(["get", "service", NAME, "--output", &format!("jsonpath={path}")])
}

/// A name that no other machine of this process has.
fn unique(name: &str) -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
    format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
