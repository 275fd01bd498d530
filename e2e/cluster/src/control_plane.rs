//! The control plane's machine: etcd, API server, controllers and scheduler, and the bridge that joins all machines.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context;

use crate::addresses::{API_SERVER, SERVICES};
use crate::api::Api;
use crate::command::run_with_input;
use crate::machine::{Machine, TestBed};
use crate::pki::{self, Pki};
use crate::{Binaries, wait};

/// The last byte of the control plane's address, and of the host's.
const OWN: u8 = 1;
const HOST: u8 = 254;

#[derive(Debug)]
pub(crate) struct ControlPlane {
    pub(crate) machine: Machine,
    pub(crate) pki: Pki,
    pub(crate) admin: PathBuf,
    tokens: Vec<(String, String)>,
}

/// The `ip` line that makes a bridge with an address of its own. Left to itself a bridge takes the lowest of its ports', and
/// another one whenever that port leaves: whoever still knows the old one is not answered for seconds.
pub(crate) fn bridge(name: &str, number: u8) -> String {
    format!("link add {name} address 02:5e:90:00:00:{number:02x} type bridge")
}

impl ControlPlane {
    /// Makes the machine with its bridge, linked to the host, and the credentials of `nodes`.
    pub(crate) fn prepare(bed: &TestBed, link: &str, nodes: &[String]) -> anyhow::Result<Self> {
        let machine = Machine::start(bed, "control-plane", OWN)?;
        machine.ip(&format!(
            "link set lo up\n{}\n{}link set br0 up\n",
            bridge("br0", 0),
            machine.addresses().at("br0")
        ))?;
        run_with_input(
            Command::new("ip").args(["-batch", "-"]),
            &format!(
                "link add {link} type veth peer name host netns {}\naddr add {}/24 dev {link}\nlink set {link} up\n",
                machine.init().pid,
                bed.addresses(HOST).v4
            ),
        )
        .context("cannot link the cluster's network to the host")?;
        machine.ip("link set host master br0\nlink set host up\n")?;

        let addresses = [machine.address(), API_SERVER, Ipv4Addr::LOCALHOST].map(IpAddr::V4);
        let pki = Pki::make(&machine.folder().join("pki"), &addresses)?;
        let mut tokens = Vec::new();
        let mut lines = Vec::new();
        let users = std::iter::once(("admin".to_owned(), "admin".to_owned(), "system:masters"))
            .chain(nodes.iter().map(|name| (name.clone(), format!("system:node:{name}"), "system:nodes")));
        for (name, user, group) in users {
            let token = pki::token()?;
            lines.push(format!("{token},{user},{user},{group}"));
            tokens.push((name, token));
        }
        pki.write("tokens.csv", &lines.join("\n"))?;
        let mut plane = Self { machine, pki, admin: PathBuf::new(), tokens };
        plane.admin = plane.kubeconfig("admin")?;
        Ok(plane)
    }

    /// Writes the kubeconfig of one user.
    pub(crate) fn kubeconfig(&self, name: &str) -> anyhow::Result<PathBuf> {
        let token = self.tokens.iter().find(|(user, _)| user == name).map(|(_, token)| token);
        let token = token.with_context(|| format!("nobody is called {name}"))?;
        let authority = self.pki.file("ca.crt");
        let config = serde_json::json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "segue",
            "clusters": [{"name": "segue", "cluster": {
                "server": format!("https://{}:6443", self.machine.address()), "certificate-authority": authority}}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "segue", "context": {"cluster": "segue", "user": name}}],
        });
        let path = self.machine.folder().join(format!("{name}.kubeconfig"));
        fs::write(&path, config.to_string())?;
        Ok(path)
    }

    /// Starts etcd and the API server, and then, once that answers, what needs it.
    pub(crate) fn start(
        &self,
        binaries: &Binaries,
        api: &Api,
        endpoints_per_slice: Option<u16>,
    ) -> anyhow::Result<()> {
        self.start_etcd()?;
        self.start_api_server(binaries)?;
        self.until_ready(api)?;
        let admin = format!("--kubeconfig={}", self.admin.display());
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.pki.file(name));
        let slices = endpoints_per_slice.map(|most| format!("--max-endpoints-per-slice={most}"));
        self.machine.daemon(
            &binaries.program("kube-controller-manager"),
            [
                admin.clone(),
                "--leader-elect=false".to_owned(),
                "--use-service-account-credentials".to_owned(),
                file("service-account-private-key-file", "accounts.key"),
                file("root-ca-file", "ca.crt"),
                file("cluster-signing-cert-file", "ca.crt"),
                file("cluster-signing-key-file", "ca.key"),
            ]
            .into_iter()
            .chain(slices),
        )?;
        self.machine.daemon(&binaries.program("kube-scheduler"), [admin, "--leader-elect=false".to_owned()])
    }

    /// Waits until the API server says that it is ready.
    pub(crate) fn until_ready(&self, api: &Api) -> anyhow::Result<()> {
        wait::until("the API server is ready", wait::LONG, || {
            self.machine.check()?;
            api.run(["get", "--raw", "/readyz"])
        })?;
        Ok(())
    }

    fn start_etcd(&self) -> anyhow::Result<()> {
        let data = self.machine.folder().join("etcd");
        self.machine.daemon(
            &PathBuf::from("etcd"),
            [
                format!("--data-dir={}", data.display()),
                // A crash of the host ends the cluster anyway.
                "--unsafe-no-fsync".to_owned(),
                "--listen-client-urls=http://127.0.0.1:2379".to_owned(),
                "--advertise-client-urls=http://127.0.0.1:2379".to_owned(),
                "--listen-peer-urls=http://127.0.0.1:2380".to_owned(),
            ],
        )
    }

    fn start_api_server(&self, binaries: &Binaries) -> anyhow::Result<()> {
        let file = |flag: &str, name: &str| format!("--{flag}={}", self.pki.file(name));
        self.machine.daemon(
            &binaries.program("kube-apiserver"),
            [
                "--etcd-servers=http://127.0.0.1:2379".to_owned(),
                format!("--advertise-address={}", self.machine.address()),
                "--secure-port=6443".to_owned(),
                format!("--service-cluster-ip-range={SERVICES}"),
                "--authorization-mode=Node,RBAC".to_owned(),
                "--enable-admission-plugins=NodeRestriction".to_owned(),
                "--allow-privileged".to_owned(),
                "--kubelet-preferred-address-types=InternalIP".to_owned(),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                file("token-auth-file", "tokens.csv"),
                file("client-ca-file", "ca.crt"),
                file("tls-cert-file", "apiserver.crt"),
                file("tls-private-key-file", "apiserver.key"),
                file("kubelet-client-certificate", "kubelet-client.crt"),
                file("kubelet-client-key", "kubelet-client.key"),
                file("service-account-key-file", "accounts.pub"),
                file("service-account-signing-key-file", "accounts.key"),
            ],
        )
    }
}
