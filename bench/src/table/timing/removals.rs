//! How late kube-proxy is: from a pod's delete to the last new connection that a node sent there.
//!
//! conntrack tells of every connection as it begins, with the pod that was picked for it. So what is measured is the
//! decision itself, not what became of the connection.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::{Cluster, Node, wait};
use segue_e2e::plain::watch::Moment;
use segue_e2e::plain::{Client, Deployed, Recipe, Setup, ShutdownBehaviour, Sight, Watch, objects};

/// How many pods there are, and how many are removed at a time.
const PODS: u32 = 8;
const AT_ONCE: usize = 2;

/// The bound that is shown to hold.
const BOUND: Duration = Duration::from_secs(3);

/// When a pod last got a new connection, in seconds since 1970, by its address.
type Last = Arc<Mutex<BTreeMap<String, f64>>>;

pub(super) fn run(cluster: &Cluster, removals: usize) -> anyhow::Result<String> {
    // Each pod goes on answering for longer than the bound.
    let recipe = Recipe::Sleep { seconds: 8 };
    let setup = Setup { replicas: PODS, ..Setup::new(recipe, ShutdownBehaviour::Rude) };
    let deployed = Deployed::up(cluster, "removals", &setup)?;
    let watch = Watch::start(&deployed.api, objects::SELECTOR)?;
    let last = Last::default();
    let listeners: Vec<Listener> =
        cluster.nodes().iter().map(|node| Listener::start(node, &last)).collect::<anyhow::Result<_>>()?;
    let folder = tempfile::tempdir()?;
    let clients = deployed.clients(&[Client::Fresh], folder.path())?;
    let mut removed = 0;
    while removed < removals {
        remove(&deployed, &watch)?;
        removed += AT_ONCE;
    }
    wait::until("the removed pods are gone", wait::LONG, || {
        let gone = watch.sights().iter().filter(|sight| sight.gone.is_some()).count();
        ensure!(gone >= removed, "{gone} of {removed}");
        Ok(())
    })?;
    let ledgers = clients.end()?;
    drop(listeners);
    let last = last.lock().unwrap_or_else(PoisonError::into_inner);
    let lags = watch.sights().iter().filter_map(|sight| lag(sight, &last)).collect::<Vec<_>>();
    let requests: u64 = ledgers.iter().map(|ledger| ledger.requests).sum();
    let text = told(lags, requests)?;
    drop(last);
    drop(watch);
    deployed.remove()?;
    Ok(text)
}

/// Deletes the oldest pods and waits until as many serve as before.
fn remove(deployed: &Deployed<'_>, watch: &Watch) -> anyhow::Result<()> {
    let serving = || {
        let mut pods = watch.living();
        pods.retain(|sight| sight.ready.is_some() && sight.deleted.is_none());
        pods.sort_by_key(|sight| sight.created.at);
        pods
    };
    let pods = wait::until("all pods serve", wait::LONG, || {
        let pods = serving();
        ensure!(pods.len() == usize::try_from(PODS)?, "{} do", pods.len());
        Ok(pods)
    })?;
    let names = pods.iter().take(AT_ONCE).map(|sight| sight.name.clone());
    let words = ["delete", "pod", "--wait=false"].map(str::to_owned).into_iter().chain(names);
    deployed.api.run(words)?;
    Ok(())
}

/// How long after its delete a pod still got a new connection; 0 if it got none.
fn lag(sight: &Sight, last: &BTreeMap<String, f64>) -> Option<f64> {
    let (deleted, _) = (sight.deleted?.wall, sight.gone?);
    let last = last.get(sight.address.as_ref()?)?;
    Some((last - deleted).max(0.0))
}

fn told(mut lags: Vec<f64>, requests: u64) -> anyhow::Result<String> {
    ensure!(!lags.is_empty(), "conntrack told of no connection to a removed pod");
    lags.sort_by(f64::total_cmp);
    // The rank that so much of all are not above.
    let rank = |share: usize| lags[(lags.len() * share).div_ceil(1000).max(1) - 1];
    let beyond = lags.iter().filter(|lag| **lag > BOUND.as_secs_f64()).count();
    Ok(format!(
        "**kube-proxy.** {} pods removed under {requests} new connections: from the delete to the last new connection that \
         was sent there {:.2} s at the median, {:.2} s for 99 % of them, {:.2} s at the most; {beyond} later than 3 s.\n",
        lags.len(),
        rank(500),
        rank(990),
        rank(1000),
    ))
}

/// `conntrack --event` on one node.
struct Listener {
    conntrack: Child,
    reader: Option<JoinHandle<()>>,
}

impl Listener {
    fn start(node: &Node, last: &Last) -> anyhow::Result<Self> {
        let mut conntrack = node
            .command("conntrack")
            .args(["--event", "--event-mask", "NEW", "--proto", "tcp", "--buffer-size", "8388608"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run conntrack")?;
        let events = BufReader::new(conntrack.stdout.take().context("conntrack has no output")?);
        let last = Arc::clone(last);
        let reader = std::thread::Builder::new().name("conntrack".into()).spawn(move || {
            for line in events.lines().map_while(Result::ok) {
                if let Some(pod) = picked(&line) {
                    let now = Moment::now().wall;
                    last.lock().unwrap_or_else(PoisonError::into_inner).insert(pod.to_owned(), now);
                }
            }
        })?;
        Ok(Self { conntrack, reader: Some(reader) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.conntrack.kill();
        let _ = self.conntrack.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Who will answer, where that is not whom the client named: the pod that kube-proxy's rules picked.
fn picked(line: &str) -> Option<&str> {
    let values = |key: &'static str| line.split_whitespace().filter_map(move |word| word.strip_prefix(key));
    let named = values("dst=").next()?;
    let answers = values("src=").nth(1)?;
    (named != answers).then_some(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_that_was_picked_is_told_from_one_that_was_named() {
        let line = "    [NEW] tcp      6 120 SYN_SENT src=10.90.0.11 dst=10.96.0.9 sport=4 dport=80 [UNREPLIED] \
                    src=10.91.1.5 dst=10.90.0.11 sport=8080 dport=4";
        assert_eq!(picked(line), Some("10.91.1.5"));
        assert_eq!(picked(&line.replace("10.96.0.9", "10.91.1.5")), None);
        assert_eq!(picked("conntrack v1.4.7 (conntrack-tools): 3 flow events have been shown."), None);
    }

    #[test]
    fn ranks_are_of_what_was_measured() {
        let text = told((1..=200).map(|number| f64::from(number) / 100.0).collect(), 9).unwrap();
        assert!(
            text.contains("1.00 s at the median, 1.98 s for 99 % of them, 2.00 s at the most; 0 later"),
            "{text}"
        );
        assert!(told(vec![3.5], 1).unwrap().contains("; 1 later"), "one is beyond the bound");
    }
}
