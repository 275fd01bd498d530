//! A cluster as a whole: up, down, and what a test does to it.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, ensure};
use rustix::process::Signal;

use crate::api::Api;
use crate::claim::{self, Claim};
use crate::command::run;
use crate::control_plane::ControlPlane;
use crate::machine::{Machine, TestBed};
use crate::node::{self, Node, ProxyMode};
use crate::{Binaries, Pod, Process, images, needs, wait};

/// The last bytes of the addresses of machines that are no nodes.
const OTHER_MACHINES: std::ops::Range<u8> = 100..200;

/// What a cluster is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many nodes, 1 to 9.
    pub nodes: u8,
    /// How kube-proxy writes its rules.
    pub proxy_mode: ProxyMode,
    /// How many endpoints one EndpointSlice holds at most; `None`: Kubernetes' own 100.
    pub endpoints_per_slice: Option<u16>,
    /// Archives of images that every node has from the beginning (see [`images`](crate::images)).
    pub images: Vec<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { nodes: 2, proxy_mode: ProxyMode::default(), endpoints_per_slice: None, images: Vec::new() }
    }
}

/// A running cluster. It is taken down when this is dropped, at the latest when its process ends.
#[derive(Debug)]
pub struct Cluster {
    /// Its API server.
    pub api: Api,
    // Ended before the bridge that they are on.
    nodes: Vec<Node>,
    plane: ControlPlane,
    binaries: Binaries,
    bed: TestBed,
    claim: Option<Claim>,
    next_machine: AtomicU8,
}

impl Cluster {
    /// Brings a cluster up: every node ready, the first pod could be made. Installs and builds what is missing.
    pub fn up(options: &Options) -> anyhow::Result<Self> {
        ensure!((1..=9).contains(&options.nodes), "a cluster has 1 to 9 nodes, not {}", options.nodes);
        needs::install()?;
        let binaries = Binaries::build()?;
        let mut images = vec![images::pause(&binaries)?];
        images.extend(options.images.iter().cloned());

        let claim = Claim::take()?;
        let bed = TestBed {
            number: claim.number,
            mark: claim.mark().to_owned(),
            folder: claim.folder().to_owned(),
            pause: binaries.program("pause").canonicalize()?,
        };
        let names: Vec<String> = (1..=options.nodes).map(|number| format!("node-{number}")).collect();
        let group = claim.group();
        let plane = ControlPlane::prepare(&bed, &claim.link(), &names)?;
        let api = Api::new(&binaries, &plane.admin);
        // From here on a failure drops the cluster, and that takes it down.
        let mut cluster = Self {
            api,
            nodes: Vec::new(),
            plane,
            binaries,
            bed,
            claim: Some(claim),
            next_machine: AtomicU8::new(OTHER_MACHINES.start),
        };
        cluster.start_all(options, &names, &images, &group)?;
        cluster.until_ready()?;
        Ok(cluster)
    }

    /// Takes the cluster down: processes, mounts, devices, control groups, folders. Fails if something stays.
    pub fn down(mut self) -> anyhow::Result<()> {
        self.end()
    }

    /// Where the cluster keeps its data, and with it the names of all that it has outside of its machines: the network
    /// device and the control group. None of these is there once it is down.
    pub fn traces(&self) -> Vec<PathBuf> {
        self.claim.as_ref().map(Claim::traces).unwrap_or_default()
    }

    /// Removes what is left of clusters whose owner died without taking them down; returns their numbers.
    pub fn sweep() -> anyhow::Result<Vec<u8>> {
        claim::sweep()
    }

    /// Its number among the clusters of this machine.
    pub fn number(&self) -> u8 {
        self.bed.number
    }

    /// The mark that every process of this cluster carries in its environment, as a variable and its value.
    pub fn mark(&self) -> (&'static str, &str) {
        (claim::MARK, &self.bed.mark)
    }

    /// The nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node, counted from 1 as its name is.
    ///
    /// # Panics
    /// If the cluster has no such node.
    #[track_caller]
    pub fn node(&self, number: u8) -> &Node {
        &self.nodes[usize::from(number) - 1]
    }

    /// The node that a pod is on.
    pub fn node_of(&self, pod: &Pod) -> anyhow::Result<&Node> {
        let name = pod.node.as_deref().with_context(|| format!("pod {} has no node yet", pod.name))?;
        self.nodes.iter().find(|node| node.name() == name).with_context(|| format!("there is no node {name}"))
    }

    /// The machine of etcd, API server, controllers and scheduler: its daemons have those names.
    pub fn control_plane(&self) -> &Machine {
        &self.plane.machine
    }

    /// A program of the host, run in a pod's network. Not started yet.
    pub fn pod_command(&self, pod: &Pod, program: impl AsRef<OsStr>) -> anyhow::Result<Command> {
        let node = self.node_of(pod)?;
        let mut ids = pod.containers.iter().filter(|one| one.running).filter_map(|one| one.id.as_deref());
        let inner = ids
            .find_map(|id| inner_process(node, id).ok())
            .with_context(|| format!("no container of pod {} runs", pod.name))?;
        Ok(node.command_beside(inner, program))
    }

    /// The first process of a container, as the host sees it.
    pub fn container_process(&self, pod: &Pod, container: &str) -> anyhow::Result<Process> {
        let node = self.node_of(pod)?;
        let id = pod.container(container)?.id.as_deref();
        let id = id.with_context(|| format!("{container} of pod {} was not made yet", pod.name))?;
        let inner = inner_process(node, id)?;
        node.process(inner).with_context(|| format!("{container} of pod {} has ended", pod.name))
    }

    /// SIGKILL to a container's first process, as the kernel sends it when memory is out; the kubelet is not asked.
    pub fn kill_container(&self, pod: &Pod, container: &str) -> anyhow::Result<()> {
        let process = self.container_process(pod, container)?;
        process.signal(Signal::KILL);
        wait::until(&format!("{container} of pod {} ended", pod.name), wait::LONG, || {
            ensure!(!process.lives(), "it still runs");
            Ok(())
        })
    }

    /// Ends the API server: SIGKILL, so that nobody is told.
    pub fn stop_api_server(&self) -> anyhow::Result<()> {
        self.plane.machine.stop("kube-apiserver", Signal::KILL)
    }

    /// Starts the API server again and waits until it is ready.
    pub fn start_api_server(&self) -> anyhow::Result<()> {
        self.plane.machine.start_again("kube-apiserver")?;
        self.plane.until_ready(&self.api)
    }

    /// Ends etcd: SIGKILL.
    pub fn stop_etcd(&self) -> anyhow::Result<()> {
        self.plane.machine.stop("etcd", Signal::KILL)
    }

    /// Starts etcd again.
    pub fn start_etcd(&self) -> anyhow::Result<()> {
        self.plane.machine.start_again("etcd")
    }

    /// Forgets the tracked connections of every node.
    pub fn conntrack_flush(&self) -> anyhow::Result<()> {
        self.nodes.iter().try_for_each(Node::conntrack_flush)
    }

    /// A further machine outside the nodes, with routes to the pods: for a load balancer, or clients of one.
    /// `name` is that of a network device: at most 15 bytes, and no other machine's.
    pub fn machine(&self, name: &str) -> anyhow::Result<Machine> {
        let last = self.next_machine.fetch_add(1, Ordering::Relaxed);
        ensure!(
            OTHER_MACHINES.contains(&last),
            "there are {} further machines already",
            OTHER_MACHINES.len()
        );
        ensure!(name.len() <= 15, "{name}: a network device's name has at most 15 bytes");
        let machine = Machine::start(&self.bed, name, last)?;
        node::join(&self.bed, &self.plane.machine, &machine, u8::try_from(self.nodes.len())?)?;
        Ok(machine)
    }

    /// Nodes are made while the control plane starts; their kubelets begin when it answers.
    fn start_all(
        &mut self,
        options: &Options,
        names: &[String],
        images: &[PathBuf],
        group: &str,
    ) -> anyhow::Result<()> {
        let (bed, plane, binaries, api) = (&self.bed, &self.plane, &self.binaries, &self.api);
        let (started, nodes) = std::thread::scope(|scope| {
            let started = scope.spawn(|| plane.start(binaries, api, options.endpoints_per_slice));
            let prepared: Vec<_> = names
                .iter()
                .zip(1..)
                .map(|(name, number)| {
                    scope.spawn(move || Node::prepare(bed, plane, number, name, options.nodes, images))
                })
                .collect();
            let nodes: Vec<_> = prepared.into_iter().map(joined).collect();
            (joined(started), nodes)
        });
        for node in nodes {
            self.nodes.push(node?);
        }
        started?;
        for node in &self.nodes {
            self.plane.machine.ip(&node.routes_to_pods())?;
            node.start(&self.plane, &self.binaries, options.proxy_mode, group)?;
        }
        Ok(())
    }

    fn until_ready(&self) -> anyhow::Result<()> {
        let what = format!("{} nodes are ready", self.nodes.len());
        wait::until(&what, wait::LONG, || {
            self.plane.machine.check()?;
            self.nodes.iter().try_for_each(|node| node.check())?;
            let template =
                r#"{range .items[*]}{.metadata.name}={.status.conditions[?(@.type=="Ready")].status} {end}"#;
            let said = self.api.run(["get", "nodes", "--output", &format!("jsonpath={template}")])?;
            let ready = said.split_whitespace().filter(|node| node.ends_with("=True")).count();
            ensure!(ready == self.nodes.len(), "{said}");
            Ok(())
        })?;
        wait::until("pods have a service account", wait::LONG, || {
            self.api.run(["get", "serviceaccount", "default"])
        })?;
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<()> {
        let Some(claim) = self.claim.take() else { return Ok(()) };
        std::thread::scope(|scope| {
            for node in &self.nodes {
                scope.spawn(|| node.end());
            }
            self.plane.machine.end();
        });
        claim.release()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("something of cluster {} is left: {error:#}", self.bed.number);
        }
    }
}

/// The first process of a container, by the number that it has on its node.
fn inner_process(node: &Node, id: &str) -> anyhow::Result<i32> {
    let tasks = run(node.containers().args(["tasks", "list"]))?;
    tasks
        .lines()
        .find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some(id)).then(|| words.next()?.parse().ok())?
        })
        .with_context(|| format!("container {id} does not run on {}", node.name()))
}

fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}
