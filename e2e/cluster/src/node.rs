//! A node: containerd with the bridge plugin, kubelet and kube-proxy, on a machine of its own.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::process::Signal;
use serde_json::json;

use crate::addresses::{PODS, pods};
use crate::command::run;
use crate::control_plane::{ControlPlane, bridge};
use crate::machine::{Machine, TestBed};
use crate::needs::PLUGINS;
use crate::{Binaries, wait};
use crate::{groups, image};

/// The bridge of a node's pods.
const PODS_BRIDGE: &str = "pods";

/// How kube-proxy writes its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyMode {
    /// Kubernetes' default.
    #[default]
    Iptables,
    /// Its successor.
    Nftables,
}

impl ProxyMode {
    fn name(self) -> &'static str {
        match self {
            Self::Iptables => "iptables",
            Self::Nftables => "nftables",
        }
    }
}

/// One node; its [`Machine`] is where commands are run.
#[derive(Debug)]
pub struct Node {
    number: u8,
    machine: Machine,
}

impl Deref for Node {
    type Target = Machine;

    fn deref(&self) -> &Machine {
        &self.machine
    }
}

impl Node {
    /// Makes the machine, joins it to the bridge, starts containerd and loads the images.
    pub(crate) fn prepare(
        bed: &TestBed,
        plane: &ControlPlane,
        number: u8,
        name: &str,
        nodes: u8,
        images: &[PathBuf],
    ) -> anyhow::Result<Self> {
        let machine = Machine::start(bed, name, address(number))?;
        join(bed, &plane.machine, &machine, nodes)?;
        // The plugin uses the bridge that it finds.
        machine.ip(&bridge(PODS_BRIDGE, number))?;
        // Pods of one node reach each other through its rules too, as through a Service.
        if Path::new("/proc/sys/net/bridge").exists() {
            machine.sysctl("net/bridge/bridge-nf-call-iptables", "1")?;
            machine.sysctl("net/bridge/bridge-nf-call-ip6tables", "1")?;
        }
        let node = Self { number, machine };
        node.start_containerd()?;
        for image in images {
            node.load(image)?;
        }
        Ok(node)
    }

    /// Starts kubelet and kube-proxy. The API server must answer.
    pub(crate) fn start(
        &self,
        plane: &ControlPlane,
        binaries: &Binaries,
        mode: ProxyMode,
        group: &str,
    ) -> anyhow::Result<()> {
        self.start_kubelet_first(plane, binaries, group)?;
        let settings = json!({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration",
            "mode": mode.name(),
            "clientConnection": {"kubeconfig": plane.admin},
            "hostnameOverride": self.name(),
            "clusterCIDR": PODS,
            // A namespace may not change the host's conntrack limits.
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        });
        let config = self.folder().join("proxy.yaml");
        fs::write(&config, settings.to_string())?;
        self.machine.daemon(&binaries.program("kube-proxy"), [format!("--config={}", config.display())])
    }

    /// Loads an image from a tar (see [`image::write`](crate::image::write)).
    pub fn load(&self, image: &Path) -> anyhow::Result<()> {
        run(self.containers().args(["images", "import"]).arg(image))
            .with_context(|| format!("cannot load {} on {}", image.display(), self.name()))?;
        Ok(())
    }

    /// The `ip` lines by which this node is the way to its pods.
    pub(crate) fn routes_to_pods(&self) -> String {
        self.addresses().routes_to_pods(self.number)
    }

    /// `ctr` on this node's containers: what containerd knows, whatever the API server says.
    pub fn containers(&self) -> std::process::Command {
        let mut command = self.machine.inside("ctr");
        command.args(["--namespace", "k8s.io"]);
        command
    }

    /// Stops the kubelet as its service manager would: SIGTERM, then waits until it is gone. Containers stay.
    pub fn stop_kubelet(&self) -> anyhow::Result<()> {
        self.machine.stop("kubelet", Signal::TERM)
    }

    /// Starts the kubelet after it was stopped.
    pub fn start_kubelet(&self) -> anyhow::Result<()> {
        self.machine.start_again("kubelet")
    }

    /// Stops and starts the kubelet.
    pub fn restart_kubelet(&self) -> anyhow::Result<()> {
        self.stop_kubelet()?;
        self.start_kubelet()
    }

    /// Forgets every tracked connection: what a test that killed pods left there would hit the next one.
    pub fn conntrack_flush(&self) -> anyhow::Result<()> {
        run(self.machine.command("conntrack").arg("--flush"))?;
        Ok(())
    }

    /// The connections that conntrack knows here, one a line, as `conntrack --dump` with further words prints them.
    pub fn conntrack(&self, words: &[&str]) -> anyhow::Result<Vec<String>> {
        let dump = run(self.machine.command("conntrack").arg("--dump").args(words))?;
        Ok(dump.lines().map(str::to_owned).collect())
    }

    fn start_containerd(&self) -> anyhow::Result<()> {
        let folder = self.folder();
        let ranges = pods(self.number).map(|subnet| json!([{"subnet": subnet}]));
        let network = json!({"cniVersion": "0.4.0", "name": "pods", "plugins": [{
            "type": "bridge", "bridge": PODS_BRIDGE, "isGateway": true, "hairpinMode": true, "ipMasq": false,
            "ipam": {
                "type": "host-local", "dataDir": folder.join("addresses"),
                "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]},
        }]});
        fs::create_dir_all(folder.join("network"))?;
        fs::write(folder.join("network/pods.conflist"), network.to_string())?;
        let config = folder.join("containerd.toml");
        let place = |name: &str| folder.join(name).display().to_string();
        fs::write(
            &config,
            format!(
                "version = 2\nroot = {:?}\n[plugins.'io.containerd.grpc.v1.cri']\nsandbox_image = {:?}\n\
                 restrict_oom_score_adj = true\n[plugins.'io.containerd.grpc.v1.cri'.cni]\nbin_dir = {PLUGINS:?}\n\
                 conf_dir = {:?}\n",
                place("containerd"),
                image::PAUSE,
                place("network"),
            ),
        )?;
        self.machine.daemon(Path::new("containerd"), [format!("--config={}", config.display())])?;
        wait::until(&format!("containerd of {} answers", self.name()), wait::LONG, || {
            self.machine.check()?;
            run(self.containers().arg("version"))
        })?;
        Ok(())
    }

    fn start_kubelet_first(
        &self,
        plane: &ControlPlane,
        binaries: &Binaries,
        group: &str,
    ) -> anyhow::Result<()> {
        let folder = self.folder();
        let cgroup = format!("{group}/{}", self.name());
        groups::make(&cgroup)?;
        groups::favour(group);
        let settings = json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            // Works on cgroup v1 as on v2: 1.34 is the last minor whose kubelet starts on v1 without being asked.
            // Limits hold per container and per pod; the node itself is as large as the host.
            "cgroupDriver": "cgroupfs", "cgroupRoot": format!("/{cgroup}"), "enforceNodeAllocatable": [],
            "failSwapOn": false,
            "localStorageCapacityIsolation": false,
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "volumePluginDir": folder.join("kubelet/plugins"),
            "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true},
                "x509": {"clientCAFile": plane.pki.file("ca.crt")}},
            "authorization": {"mode": "Webhook"},
            "resolvConf": "", "clusterDNS": ["10.96.0.10"],
            // A full disk of the host is not what is tested here.
            "evictionHard": {"nodefs.available": "0%", "imagefs.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            "serializeImagePulls": false,
        });
        let config = folder.join("kubelet.yaml");
        fs::write(&config, settings.to_string())?;
        self.machine.daemon(
            &binaries.program("kubelet"),
            [
                format!("--config={}", config.display()),
                format!("--kubeconfig={}", plane.kubeconfig(self.name())?.display()),
                format!("--hostname-override={}", self.name()),
                format!("--root-dir={}", folder.join("kubelet").display()),
                format!("--cert-dir={}", folder.join("kubelet/pki").display()),
                format!("--node-ip={}", self.addresses().list()),
            ],
        )
    }
}

/// Joins a machine to the bridge, with routes to the pods of all nodes but its own.
pub(crate) fn join(bed: &TestBed, plane: &Machine, machine: &Machine, nodes: u8) -> anyhow::Result<()> {
    let name = machine.name();
    plane.ip(&format!(
        "link add {name} type veth peer name eth0 netns {}\nlink set {name} master br0\nlink set {name} up\n",
        machine.init().pid
    ))?;
    let own = machine.addresses();
    let mut lines =
        format!("link set lo up\n{}link set eth0 up\n{}", own.at("eth0"), plane.addresses().default_routes());
    for number in 1..=nodes {
        let via = bed.addresses(address(number));
        if via != own {
            lines += &via.routes_to_pods(number);
        }
    }
    machine.ip(&lines)
}

/// The last byte of a node's own address.
pub(crate) fn address(node: u8) -> u8 {
    10 + node
}
