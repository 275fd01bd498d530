//! When each pod was deleted and when it was gone, as the API server's own watch shows it, to the millisecond.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use segue_cluster::Api;
use serde::Deserialize;
use serde_json::Value;

use crate::clock;

/// What was seen of one pod.
#[derive(Debug, Clone)]
pub struct Sight {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What tells it from others of its name.
    pub uid: String,
    /// Its node, once it has one.
    pub node: Option<String>,
    /// Its address, once it has one.
    pub address: Option<String>,
    /// When it was first seen.
    pub created: Moment,
    /// When it was first ready.
    pub ready: Option<Moment>,
    /// When it was deleted.
    pub deleted: Option<Moment>,
    /// When it was gone.
    pub gone: Option<Moment>,
}

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// For lengths.
    pub at: Instant,
    /// To lay it beside what logs and ledgers say: seconds since 1970.
    pub wall: f64,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        let wall = clock::wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { at: clock::now(), wall: wall.as_secs_f64() }
    }
}

impl Sight {
    /// From its creation until it was ready; `None` before.
    pub fn starting(&self) -> Option<Duration> {
        Some(self.ready?.at - self.created.at)
    }

    /// From the delete to its end; `None` until it is gone.
    pub fn leaving(&self) -> Option<Duration> {
        Some(self.gone?.at - self.deleted?.at)
    }
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

type Sights = Arc<Mutex<BTreeMap<String, Sight>>>;

/// `kubectl get --watch`, with each event handed over as it comes.
#[derive(Debug)]
pub(crate) struct Events {
    kubectl: Child,
    reader: Option<JoinHandle<()>>,
}

impl Events {
    /// Begins to watch what `words` name; `take` gets the event's type and the object.
    pub(crate) fn start(
        api: &Api,
        words: &[&str],
        mut take: impl FnMut(&str, &Value) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let mut kubectl = api
            .kubectl(["get", "--watch", "--output-watch-events", "--output", "json"])
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start kubectl")?;
        let events = kubectl.stdout.take().context("kubectl has no output")?;
        let reader = std::thread::Builder::new().name("watch".into()).spawn(move || {
            let events = serde_json::Deserializer::from_reader(std::io::BufReader::new(events));
            // It ends with kubectl; what was not seen then is an error where it is asked for.
            for event in events.into_iter::<Event>().map_while(Result::ok) {
                take(&event.kind, &event.object);
            }
        })?;
        Ok(Self { kubectl, reader: Some(reader) })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.kubectl.kill();
        let _ = self.kubectl.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// A watch on the pods of a selector.
#[derive(Debug)]
pub struct Watch {
    sights: Sights,
    _events: Events,
}

impl Watch {
    /// Begins to watch; what is there already is seen first.
    pub fn start(api: &Api, selector: &str) -> anyhow::Result<Self> {
        let sights = Sights::default();
        let shared = Arc::clone(&sights);
        let take = move |kind: &str, pod: &Value| note(&mut lock(&shared), kind, pod, Moment::now());
        let events = Events::start(api, &["pods", "--selector", selector], take)?;
        Ok(Self { sights, _events: events })
    }

    /// Every pod that was ever seen.
    pub fn sights(&self) -> Vec<Sight> {
        lock(&self.sights).values().cloned().collect()
    }

    /// Those that are not gone yet.
    pub fn living(&self) -> Vec<Sight> {
        self.sights().into_iter().filter(|sight| sight.gone.is_none()).collect()
    }
}

fn lock(sights: &Sights) -> MutexGuard<'_, BTreeMap<String, Sight>> {
    sights.lock().unwrap_or_else(PoisonError::into_inner)
}

fn note(sights: &mut BTreeMap<String, Sight>, kind: &str, pod: &Value, now: Moment) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let Some(uid) = text(&pod["metadata"]["uid"]) else { return };
    let sight = sights.entry(uid.clone()).or_insert_with(|| Sight {
        name: text(&pod["metadata"]["name"]).unwrap_or_default(),
        namespace: text(&pod["metadata"]["namespace"]).unwrap_or_default(),
        uid,
        node: None,
        address: None,
        created: now,
        ready: None,
        deleted: None,
        gone: None,
    });
    sight.node = text(&pod["spec"]["nodeName"]).or(sight.node.take());
    sight.address = text(&pod["status"]["podIP"]).or(sight.address.take());
    let is_ready = pod["status"]["conditions"].as_array().into_iter().flatten().any(|condition| {
        condition["type"].as_str() == Some("Ready") && condition["status"].as_str() == Some("True")
    });
    if is_ready {
        sight.ready.get_or_insert(now);
    }
    if pod["metadata"]["deletionTimestamp"].is_string() {
        sight.deleted.get_or_insert(now);
    }
    if kind == "DELETED" {
        sight.gone.get_or_insert(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_is_deleted_once_and_then_gone() {
        let pod = |deleted: Option<&str>| {
            json!({"metadata": {"uid": "u", "name": "web-1", "namespace": "n", "deletionTimestamp": deleted},
                "spec": {"nodeName": "node-1"}, "status": {"podIP": "10.0.0.1"}})
        };
        let mut sights = BTreeMap::new();
        let moments: Vec<Moment> = (0..4).map(|_| Moment::now()).collect();
        let kinds =
            [("ADDED", None), ("MODIFIED", Some("t")), ("MODIFIED", Some("t")), ("DELETED", Some("t"))];
        for ((kind, deleted), now) in kinds.into_iter().zip(&moments) {
            note(&mut sights, kind, &pod(deleted), *now);
        }
        let sight = &sights["u"];
        assert_eq!(sight.leaving(), Some(moments[3].at - moments[1].at));
        assert_eq!((sight.node.as_deref(), sight.address.as_deref()), (Some("node-1"), Some("10.0.0.1")));
    }
}
