//! An application on the cluster, made by a recipe, with places from which clients reach it.

use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::{Api, Cluster, Pod, images, wait};
use serde_json::{Value, json};

use super::client::{Client, Place};
use super::clients::Clients;
use super::objects::{FIRST, SELECTOR};
use super::route::Route;
use super::setup::{Entry, Recipe, Setup};
use super::{ledger, yaml};
use crate::segue;

/// How long clients must be served without a drop from every place before anything is measured.
const JOINED: Duration = Duration::from_secs(1);

/// An application on the cluster. [`Deployed::remove`] takes it away; the cluster's end does too.
#[derive(Debug)]
pub struct Deployed<'a> {
    /// The cluster.
    pub cluster: &'a Cluster,
    /// Its API server, with the application's namespace.
    pub api: Api,
    /// The namespace.
    pub namespace: String,
    /// What was deployed.
    pub setup: Setup,
    /// What `segue inject` said about it on stderr.
    pub notes: String,
    /// The manifests before any recipe.
    manifests: String,
    /// Pods that do nothing but lend their network to clients: one per node.
    callers: Vec<Pod>,
    route: Route,
}

impl<'a> Deployed<'a> {
    /// Deploys it into a new namespace and waits until it is ready and clients from every place are served.
    pub fn up(cluster: &'a Cluster, namespace: &str, setup: &Setup) -> anyhow::Result<Self> {
        Self::up_with(cluster, namespace, setup, |_| ())
    }

    /// The same, with objects that were changed before the recipe saw them.
    pub fn up_with(
        cluster: &'a Cluster,
        namespace: &str,
        setup: &Setup,
        change: impl FnOnce(&mut Vec<Value>),
    ) -> anyhow::Result<Self> {
        let api = cluster.api.new_namespace(namespace)?;
        let mut objects = setup.objects();
        change(&mut objects);
        let manifests = yaml::documents(&objects);
        let (text, notes) = through(setup, &manifests)?;
        let callers = callers(cluster);
        api.apply(&yaml::documents(&callers))?;
        api.apply(&text)?;
        api.rollout_status(&setup.workload(), setup.entry.patience())?;
        if setup.recipe == Recipe::Guard && setup.entry.is_numeric() {
            // Every pod has the guard now.
            let (second, _) = inject(&["--second-step"], &text)?;
            api.apply(&second)?;
        }
        api.until_ready(SELECTOR, usize::try_from(setup.replicas)?)?;
        let callers = api.until_ready(CALLERS, callers.len())?;
        let route = Route::open(cluster, &api, setup)?;
        let namespace = namespace.to_owned();
        let deployed =
            Self { cluster, api, namespace, setup: setup.clone(), notes, manifests, callers, route };
        deployed.until_joined()?;
        Ok(deployed)
    }

    /// From where clients reach it: a pod on each node and each node, or as many clients outside.
    pub fn places(&self) -> Vec<Place> {
        if self.route.outside().is_ok() {
            return (1..=4).map(Place::Outside).collect();
        }
        if self.setup.entry == Entry::Peers {
            return (1..=4).map(Place::Peer).collect();
        }
        let numbers = 1..=u8::try_from(self.callers.len()).unwrap_or(u8::MAX);
        numbers.flat_map(|number| [Place::Pod(number), Place::Node(number)]).collect()
    }

    /// What a client's URL begins with.
    pub fn url(&self) -> &str {
        self.route.url()
    }

    /// A program of the host, run at a place.
    pub fn command(&self, place: Place, program: impl AsRef<OsStr>) -> anyhow::Result<Command> {
        match place {
            Place::Node(number) => Ok(self.cluster.node(number).command(program)),
            Place::Pod(number) => {
                let caller = &self.callers[usize::from(number) - 1];
                self.cluster.pod_command(caller, program)
            }
            Place::Peer(_) => {
                let peer = self.api.pod(FIRST)?.context("the first pod is gone")?;
                self.cluster.pod_command(&peer, program)
            }
            Place::Outside(_) => Ok(self.route.outside()?.command(program)),
        }
    }

    /// `segue probe` at a place, ahead of everything else on this machine: a load that is late shows nothing.
    fn prober(&self, place: Place) -> anyhow::Result<Command> {
        let (program, words) = ahead();
        let mut command = self.command(place, program)?;
        command.args(words).args(self.route.names()).arg(segue());
        Ok(command)
    }

    /// Starts these clients at every place; what they say is kept in `folder`.
    pub fn clients(&self, clients: &[Client], folder: &Path) -> anyhow::Result<Clients> {
        Clients::start(clients, &self.places(), folder, |place| {
            Ok((self.prober(place)?, self.url().to_owned()))
        })
    }

    /// The application's pods.
    pub fn pods(&self) -> anyhow::Result<Vec<Pod>> {
        self.api.pods(SELECTOR)
    }

    /// `kubectl rollout restart`, without waiting for it.
    pub fn restart(&self) -> anyhow::Result<()> {
        self.api.run(["rollout", "restart", &self.setup.workload()])?;
        Ok(())
    }

    /// Applies the same manifests by another recipe, without waiting for the rollout that this is.
    pub fn go_over(&self, recipe: Recipe) -> anyhow::Result<()> {
        let setup = Setup { recipe, ..self.setup.clone() };
        self.api.apply(&through(&setup, &self.manifests)?.0)
    }

    /// Takes the application away, with its namespace, and what conntrack knows of it: entries that are left would send
    /// the next one's connections to addresses of pods that are gone.
    pub fn remove(self) -> anyhow::Result<()> {
        // Nobody sends any more: there is nothing to wait for.
        self.api.run(["delete", "deployments,statefulsets", "--all", "--cascade=orphan"])?;
        self.api.run(["delete", "pods", "--all", "--grace-period=1", "--timeout=120s"])?;
        self.api.run(["delete", "namespace", &self.namespace, "--timeout=120s"])?;
        self.cluster.conntrack_flush()
    }

    /// Ready is not joined: kube-proxy on each node has to hear of it too.
    fn until_joined(&self) -> anyhow::Result<()> {
        let places = self.places();
        wait::until("clients are served from every place", wait::LONG, || {
            let probes = places.iter().map(|place| {
                let mut probe = self.prober(*place)?;
                let length = format!("{}ms", JOINED.as_millis());
                probe.args(["probe", self.url(), "--rate", "20", "--duration", &length]);
                probe.args(["--connections", "fresh", "--connect-timeout", "1s", "--timeout", "2s"]);
                probe
                    .args(["--output", "json"])
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null());
                Ok((*place, probe.spawn()?))
            });
            let running = probes.collect::<anyhow::Result<Vec<_>>>()?;
            for (place, probe) in running {
                let said = probe.wait_with_output()?.stdout;
                let ledger = ledger::Ledger::read(Client::Fresh, place, &String::from_utf8_lossy(&said))?;
                ensure!(ledger.dropped == 0, "{place}: {:?}", ledger.drops);
            }
            Ok(())
        })
    }
}

/// What puts a program ahead of all others: real-time scheduling, or where that is refused the usual one at its best.
fn ahead() -> (&'static str, &'static [&'static str]) {
    static REFUSED: OnceLock<bool> = OnceLock::new();
    let refused = REFUSED.get_or_init(|| {
        let tried = Command::new("chrt").args(["--fifo", "1", "true"]).stderr(Stdio::null()).status();
        !tried.is_ok_and(|status| status.success())
    });
    if *refused { ("nice", &["--adjustment=-15"]) } else { ("chrt", &["--fifo", "1"]) }
}

/// The label of the pods that lend their network.
const CALLERS: &str = "app=caller";

fn callers(cluster: &Cluster) -> Vec<Value> {
    let caller = |node: &segue_cluster::Node| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("caller-{}", node.name()), "labels": {"app": "caller"}},
            "spec": {"nodeName": node.name(), "terminationGracePeriodSeconds": 1, "containers": [{
                "name": "caller", "image": images::SAMPLE, "imagePullPolicy": "Never",
                "args": ["--port", "8081", "--rude"]}]},
        })
    };
    cluster.nodes().iter().map(caller).collect()
}

/// The manifests as the recipe leaves them, and what it said.
fn through(setup: &Setup, manifests: &str) -> anyhow::Result<(String, String)> {
    let mut words: Vec<&str> = match setup.recipe {
        Recipe::Nothing | Recipe::Sleep { .. } => return Ok((manifests.to_owned(), String::new())),
        Recipe::Agent => Vec::new(),
        Recipe::Guard => vec!["--guard"],
        Recipe::Redirect => vec!["--guard", "--redirect"],
    };
    words.extend(setup.entry.bounds().iter().flat_map(|bound| ["--bound", bound]));
    words.extend(setup.inject.iter().map(String::as_str));
    inject(&words, manifests)
}

/// `segue inject`: what it prints, and what it says.
fn inject(words: &[&str], manifests: &str) -> anyhow::Result<(String, String)> {
    let mut inject = Command::new(segue())
        .arg("inject")
        .args(words)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot run `segue inject`")?;
    let mut stdin = inject.stdin.take().context("no way to hand manifests over")?;
    stdin.write_all(manifests.as_bytes())?;
    drop(stdin);
    let output = inject.wait_with_output()?;
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "`segue inject` ended with {}: {notes}", output.status);
    Ok((String::from_utf8(output.stdout)?, notes))
}

/// The images that [`Deployed`] needs: the sample program's and the agent's.
pub fn images(with_agent: bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut all = vec![images::sample(segue())?];
    if with_agent {
        all.push(images::agent()?);
    }
    Ok(all)
}
