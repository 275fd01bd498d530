//! The sample program with the agent in its pods, put there by `segue inject`, in a namespace of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use segue_cluster::wait::{self, LONG};
use segue_cluster::{Api, Cluster, Container, Pod};
use segue_e2e::client::{Answer, Client};
use segue_e2e::plain::namespace::Network;
use serde_json::{Value, json};

use crate::sample::{SELECTOR, Sample};
use crate::{TestBed, load};

/// The agent's container.
pub(crate) const AGENT: &str = "segue-agent";
/// The init container that redirects.
pub(crate) const REDIRECT: &str = "segue-redirect";
/// Where the guard listens in front of it.
pub(crate) const GUARD: u16 = 15080;
/// Where the application listens, and so where a redirected guard is reached from outside.
pub(crate) const APPLICATION: u16 = 8080;
/// Where a redirected guard listens in the pod.
pub(crate) const REDIRECTED: u16 = 15180;
/// The agent's own port.
pub(crate) const CONTROL: u16 = 15079;

/// Of a drain with nothing in flight, the most is kube-proxy's bound: the bed keeps this one.
pub(crate) const SHORT: &[&str] = &["--guard", "--bound", "kube-proxy=3s", "--stop-time", "3s"];
/// The same, redirected.
pub(crate) const SHORT_REDIRECTED: &[&str] =
    &["--guard", "--redirect", "--bound", "kube-proxy=3s", "--stop-time", "3s"];
/// Long enough for something to be done to a drain before it is over.
pub(crate) const ROOMY: &[&str] = &["--guard", "--bound", "kube-proxy=12s", "--stop-time", "3s"];

/// A Deployment with agents in its pods.
pub(crate) struct Injected<'b> {
    pub(crate) cluster: &'b Cluster,
    pub(crate) api: Api,
    namespace: String,
    /// The port by which clients come to the guard.
    pub(crate) entry: u16,
    /// The networks of nodes, entered once.
    networks: RefCell<BTreeMap<u8, Network>>,
}

/// A sample that does not react to anything but what it is asked, in the ways that most of these tests want it.
pub(crate) fn sample(replicas: u32) -> Sample {
    let mut sample = Sample::new(replicas, &["--rude"]);
    let container = sample.container();
    // These tests read which pod answered.
    container["env"] =
        json!([{"name": "SEGUE_VERSION", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    // A machine that does other things too is no reason to be called not ready.
    container["resources"] = json!({"requests": {"cpu": "100m"}});
    container["readinessProbe"]["timeoutSeconds"] = 20.into();
    sample
}

/// The sample's objects as `segue inject` leaves them.
#[track_caller]
pub(crate) fn inject(sample: &Sample, flags: &[&str]) -> String {
    let objects = format!("{}\n---\n{}\n", sample.deployment, sample.service);
    let mut command = Command::new(load::segue());
    command.arg("inject").args(flags).arg("-");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(objects.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl<'b> Injected<'b> {
    /// Injects, applies, and waits until every pod is ready.
    #[track_caller]
    pub(crate) fn up(bed: &'b TestBed, namespace: &str, sample: &Sample, flags: &[&str]) -> Self {
        let mut injected = Self::applied(bed, namespace, &inject(sample, flags));
        if flags.contains(&"--redirect") {
            injected.entry = APPLICATION;
        }
        let replicas = sample.deployment["spec"]["replicas"].as_u64().unwrap();
        injected.api.until_ready(SELECTOR, usize::try_from(replicas).unwrap()).unwrap();
        injected
    }

    /// Applies what was injected, without waiting for its pods.
    #[track_caller]
    pub(crate) fn applied(bed: &'b TestBed, namespace: &str, objects: &str) -> Self {
        let cluster = bed.cluster();
        let api = cluster.api.new_namespace(namespace).unwrap();
        api.apply(objects).unwrap();
        let (namespace, networks) = (namespace.to_owned(), RefCell::default());
        Self { cluster, api, namespace, entry: GUARD, networks }
    }

    /// Its pods, in the order of their names.
    #[track_caller]
    pub(crate) fn pods(&self) -> Vec<Pod> {
        self.api.pods(SELECTOR).unwrap()
    }

    /// The only pod there is.
    #[track_caller]
    pub(crate) fn pod(&self) -> Pod {
        let mut pods = self.pods();
        assert_eq!(pods.len(), 1, "{pods:#?}");
        pods.remove(0)
    }

    /// Begins to delete a pod, as a rollout does.
    #[track_caller]
    pub(crate) fn delete(&self, pod: &Pod, words: &[&str]) {
        self.api.run([&["delete", "pod", &pod.name, "--wait=false"], words].concat()).unwrap();
    }

    /// Waits until a pod is gone.
    #[track_caller]
    pub(crate) fn until_gone(&self, pod: &Pod) {
        wait::until(&format!("{} is gone", pod.name), LONG, || {
            let left = self.api.pod(&pod.name)?.filter(|now| now.uid == pod.uid);
            ensure!(left.is_none(), "{left:#?}");
            Ok(())
        })
        .unwrap();
    }

    /// Waits until a container has been started again so often and is ready.
    #[track_caller]
    pub(crate) fn until_restarted(&self, pod: &Pod, container: &str, restarts: u64) -> Container {
        wait::until(&format!("{container} was started again {restarts} times"), LONG, || {
            let pod = self.api.pod(&pod.name)?.context("the pod is gone")?;
            let container = pod.container(container)?.clone();
            ensure!(container.restarts == restarts && container.ready && pod.ready, "{pod:#?}");
            Ok(container)
        })
        .unwrap()
    }

    /// A connection from a node (the first) to one of a pod's ports.
    pub(crate) fn try_dial(&self, pod: &Pod, port: u16) -> anyhow::Result<Client> {
        let address = SocketAddr::new(pod.address.context("no address yet")?, port);
        Ok(self.within(1, move || Client::try_connect(address))??)
    }

    #[track_caller]
    pub(crate) fn dial(&self, pod: &Pod, port: u16) -> Client {
        self.try_dial(pod, port).unwrap()
    }

    /// Does something in a node's network. A socket that is made there stays there.
    pub(crate) fn within<T: Send + 'static>(
        &self,
        node: u8,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let mut networks = self.networks.borrow_mut();
        let network = match networks.entry(node) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Network::of(self.cluster.node(node).command("cat"))?)
            }
        };
        network.run("within", work)?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// One request to a pod's port, on a connection of its own.
    pub(crate) fn try_get(&self, pod: &Pod, port: u16, path: &str) -> anyhow::Result<Answer> {
        let mut client = self.try_dial(pod, port)?;
        client.try_get(path)?;
        Ok(client.try_answer()?)
    }

    #[track_caller]
    pub(crate) fn get(&self, pod: &Pod, port: u16, path: &str) -> Answer {
        self.try_get(pod, port, path).unwrap()
    }

    /// What the agent, or who stands in for it, says of the pod.
    pub(crate) fn try_status(&self, pod: &Pod) -> anyhow::Result<Value> {
        let answer = self.try_get(pod, CONTROL, "/status")?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(serde_json::from_slice(&answer.body)?)
    }

    #[track_caller]
    pub(crate) fn status(&self, pod: &Pod) -> Value {
        self.try_status(pod).unwrap()
    }

    /// Waits until the agent's report is as wanted; returns it.
    #[track_caller]
    pub(crate) fn until_status(&self, pod: &Pod, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait::until(what, LONG, || {
            let status = self.try_status(pod)?;
            ensure!(wanted(&status), "{status}");
            Ok(status)
        })
        .unwrap()
    }

    #[track_caller]
    pub(crate) fn until_draining(&self, pod: &Pod) -> Value {
        self.until_status(pod, "the pod is drained", |status| status["state"] == "draining")
    }

    /// A request through the guard that is in flight when this returns: `Client::answer` reads what becomes of it.
    #[track_caller]
    pub(crate) fn in_flight(&self, pod: &Pod, milliseconds: u32) -> Client {
        // What was begun stays counted; a short look at what is in flight might be missed on a busy machine.
        let begun = |status: &Value| status["guard"]["requests"].as_u64();
        let before = begun(&self.status(pod)).expect("a guard that counts");
        let mut client = self.dial(pod, self.entry);
        client.get(&format!("/sleep?ms={milliseconds}"));
        self.until_status(pod, "the request has begun", |status| begun(status) > Some(before));
        client
    }

    /// Takes the namespace away, without waiting for it.
    #[track_caller]
    pub(crate) fn remove(self) {
        self.api.run(["delete", "namespace", &self.namespace, "--wait=false"]).unwrap();
    }
}
