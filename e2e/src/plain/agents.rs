//! What the agent of every pod wrote, to its last line.
//!
//! The kubelet removes a pod's logs with the pod. So each is opened on its node as soon as it is there, and read
//! through that handle at the end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, ensure};
use segue_cluster::Cluster;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::watch::Sight;
use crate::clock;

/// The agent's container.
pub const CONTAINER: &str = "segue-agent";

/// How often it is looked for new logs. A pod lives for seconds at the least.
const PAUSE: Duration = Duration::from_millis(100);

/// The last that a pod's agent said of its drain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastPicture {
    /// Why the drain ended, as the agent says it: `drained`, `deadline`…
    pub reason: String,
    /// Requests in flight when it ended.
    pub cut: u64,
    /// Requests that an agent that died was carrying.
    pub agent_lost: u64,
    /// The guard's counters by name; `None` without a guard.
    pub guard: Option<BTreeMap<String, u64>>,
}

impl LastPicture {
    /// One of the guard's counters; `None` without a guard.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.guard.as_ref().map(|guard| guard.get(name).copied().unwrap_or(0))
    }
}

/// The logs of one pod's agent, in the order of its restarts.
type Files = BTreeMap<PathBuf, File>;

/// The agents' logs of one namespace, from the beginning on.
#[derive(Debug)]
pub struct AgentLogs {
    /// By the pod's folder, which is `NAMESPACE_NAME_UID`.
    pods: Arc<Mutex<BTreeMap<String, Files>>>,
    ended: Arc<AtomicBool>,
    looker: Option<JoinHandle<()>>,
}

impl AgentLogs {
    /// Begins to keep the logs of this namespace's pods.
    pub fn start(cluster: &Cluster, namespace: &str) -> anyhow::Result<Self> {
        let folders: Vec<PathBuf> =
            cluster.nodes().iter().map(|node| node.folder().join("log/pods")).collect();
        let prefix = format!("{namespace}_");
        let (pods, ended) = (Arc::<Mutex<BTreeMap<_, _>>>::default(), Arc::<AtomicBool>::default());
        let (shared, end) = (Arc::clone(&pods), Arc::clone(&ended));
        let looker = std::thread::Builder::new().name("agent-logs".into()).spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let mut pods = shared.lock().unwrap_or_else(PoisonError::into_inner);
                for folder in &folders {
                    look(folder, &prefix, &mut pods);
                }
                drop(pods);
                clock::sleep(PAUSE);
            }
        })?;
        Ok(Self { pods, ended, looker: Some(looker) })
    }

    /// What the agent of a pod wrote so far, as it is.
    pub fn text(&self, pod: &Sight) -> anyhow::Result<String> {
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = format!("{}_{}_{}", pod.namespace, pod.name, pod.uid);
        let files =
            pods.get_mut(&folder).with_context(|| format!("no log of {}'s agent was ever seen", pod.name))?;
        let mut lines = Vec::new();
        for file in files.values_mut() {
            let mut text = String::new();
            file.rewind()?;
            file.read_to_string(&mut text)?;
            lines.extend(text.lines().filter_map(written).map(str::to_owned));
        }
        Ok(lines.join("\n"))
    }

    /// The same line by line, those left out that are no JSON.
    pub fn lines(&self, pod: &Sight) -> anyhow::Result<Vec<Value>> {
        Ok(self.text(pod)?.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// The last that a pod's agent said of its drain. An error if it said nothing of one: that is no zero.
    pub fn last(&self, pod: &Sight) -> anyhow::Result<LastPicture> {
        picture(&self.lines(pod)?).with_context(|| {
            let text = self.text(pod).unwrap_or_default();
            let tail: Vec<&str> = text.lines().rev().take(3).collect();
            format!("{}'s agent, which said last: {}", pod.name, tail.join("; before that: "))
        })
    }
}

impl Drop for AgentLogs {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(looker) = self.looker.take() {
            let _ = looker.join();
        }
    }
}

/// Opens what is new.
fn look(folder: &Path, prefix: &str, pods: &mut BTreeMap<String, Files>) {
    for pod in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = pod.file_name().into_string() else { continue };
        if !name.starts_with(prefix) {
            continue;
        }
        let logs = fs::read_dir(pod.path().join(CONTAINER)).into_iter().flatten().flatten();
        for log in logs.map(|log| log.path()) {
            let files = pods.entry(name.clone()).or_default();
            if !files.contains_key(&log)
                && let Ok(file) = File::open(&log)
            {
                files.insert(log, file);
            }
        }
    }
}

/// What was written of a line as the runtime keeps it: behind the time, the stream, and whether it is whole.
fn written(line: &str) -> Option<&str> {
    line.splitn(4, ' ').nth(3)
}

fn picture(lines: &[Value]) -> anyhow::Result<LastPicture> {
    let event = |name: &str| lines.iter().rev().find(|line| line["event"].as_str() == Some(name));
    let released = event("released").context("it never said that its drain ended")?;
    let ended = event("ended").context("it never said that it ended")?;
    let outcome = &released["outcome"];
    let guard = match (&released["guard"], &ended["guard"]) {
        (Value::Null, Value::Null) => None,
        // What happened after the drain stands in the last line only.
        (_, last) => Some(serde_json::from_value(last.clone()).context("the guard's counters at its end")?),
    };
    ensure!(outcome["reason"].is_string(), "a drain without a reason: {released}");
    Ok(LastPicture {
        reason: outcome["reason"].as_str().unwrap_or_default().to_owned(),
        cut: outcome["cut"].as_u64().context("a drain without a count of what was cut")?,
        agent_lost: released["agent_lost"].as_u64().unwrap_or(0),
        guard,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<Value> {
        let kept = |text: &&str| format!("2026-01-01T00:00:00Z stderr F {text}");
        texts.iter().filter_map(|text| serde_json::from_str(written(&kept(text))?).ok()).collect()
    }

    const RELEASED: &str =
        r#"{"event":"released","outcome":{"reason":"drained","cut":0,"took":"3s"},"guard":{"raced":0}}"#;

    #[test]
    fn what_came_after_the_drain_is_in_the_picture() {
        let said = lines(&["no JSON", RELEASED, r#"{"event":"ended","guard":{"raced":1}}"#]);
        let last = picture(&said).unwrap();
        assert_eq!((last.reason.as_str(), last.cut, last.count("raced")), ("drained", 0, Some(1)));
    }

    #[test]
    fn an_agent_that_broke_off_is_an_error_and_no_zero() {
        assert!(picture(&lines(&[RELEASED])).is_err());
        assert!(picture(&lines(&[r#"{"event":"ended","guard":{}}"#])).is_err());
        let without = lines(&[RELEASED, r#"{"event":"ended"}"#]);
        assert!(picture(&without).is_err(), "a guard that said nothing at the end");
    }
}
