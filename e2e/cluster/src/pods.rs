//! Pods and their containers as the API server shows them, with what tests ask of them.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::Context;
use serde_json::Value;

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What tells it from a later one of the same name.
    pub uid: String,
    /// Its first address, once it has one.
    pub address: Option<IpAddr>,
    /// Its IPv6 address, once it has one.
    pub ipv6: Option<Ipv6Addr>,
    /// Its node, once it has one.
    pub node: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Its condition of that name.
    pub ready: bool,
    /// When it is to be gone at the latest, as the API server writes it; `None` unless it was deleted.
    pub deleted: Option<String>,
    /// Init containers (native sidecars are among them) and then ordinary ones, in the template's order.
    pub containers: Vec<Container>,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Whether it stands among the init containers.
    pub init: bool,
    /// Its number in the runtime; `None` before it was made.
    pub id: Option<String>,
    /// How often it was started again.
    pub restarts: u64,
    /// Whether it runs.
    pub running: bool,
    /// Whether its readiness probe passes; of a container without one, whether it runs.
    pub ready: bool,
    /// Why it waits or has ended, last: `CrashLoopBackOff`, `OOMKilled`, `Error`, `Completed`…
    pub reason: Option<String>,
    /// Why its last run but one ended.
    pub last_reason: Option<String>,
    /// The exit code of its last end.
    pub exit_code: Option<i64>,
}

impl Pod {
    /// A container by its name.
    pub fn container(&self, name: &str) -> anyhow::Result<&Container> {
        self.containers
            .iter()
            .find(|container| container.name == name)
            .with_context(|| format!("pod {} has no container {name} yet", self.name))
    }

    pub(crate) fn read_all(list: &Value) -> anyhow::Result<Vec<Self>> {
        list["items"].as_array().context("a list without items")?.iter().map(Self::read).collect()
    }

    pub(crate) fn read(pod: &Value) -> anyhow::Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let status = &pod["status"];
        let kinds = [("initContainerStatuses", true), ("containerStatuses", false)];
        let containers = kinds
            .iter()
            .flat_map(|(key, init)| {
                status[key].as_array().into_iter().flatten().map(|one| Container::read(one, *init))
            })
            .collect::<anyhow::Result<_>>()?;
        let ready = status["conditions"].as_array().into_iter().flatten().any(|condition| {
            condition["type"].as_str() == Some("Ready") && condition["status"].as_str() == Some("True")
        });
        Ok(Self {
            name: text(&pod["metadata"]["name"]).context("a pod without a name")?,
            namespace: text(&pod["metadata"]["namespace"]).context("a pod without a namespace")?,
            uid: text(&pod["metadata"]["uid"]).context("a pod without a uid")?,
            address: status["podIP"].as_str().map(str::parse).transpose()?,
            ipv6: status["podIPs"]
                .as_array()
                .into_iter()
                .flatten()
                .find_map(|one| one["ip"].as_str()?.parse().ok()),
            node: text(&pod["spec"]["nodeName"]),
            phase: text(&status["phase"]).unwrap_or_default(),
            ready,
            deleted: text(&pod["metadata"]["deletionTimestamp"]),
            containers,
        })
    }
}

impl Container {
    fn read(status: &Value, init: bool) -> anyhow::Result<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let state = &status["state"];
        let ended = [&state["terminated"], &status["lastState"]["terminated"]];
        Ok(Self {
            name: text(&status["name"]).context("a container without a name")?,
            init,
            id: status["containerID"]
                .as_str()
                .and_then(|id| id.split_once("://"))
                .map(|(_, id)| id.to_owned()),
            restarts: status["restartCount"].as_u64().unwrap_or(0),
            running: state["running"].is_object(),
            ready: status["ready"].as_bool().unwrap_or(false),
            reason: text(&state["waiting"]["reason"]).or_else(|| text(&state["terminated"]["reason"])),
            last_reason: text(&status["lastState"]["terminated"]["reason"]),
            exit_code: ended.iter().find_map(|end| end["exitCode"].as_i64()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_is_read_with_its_sidecars_and_how_they_ended() {
        let pod = Pod::read(&json!({
            "metadata": {"name": "web-1", "namespace": "default", "uid": "u",
                "deletionTimestamp": "2026-01-02T03:04:05Z"},
            "spec": {"nodeName": "node-1"},
            "status": {"phase": "Running", "podIP": "10.91.1.7",
                "podIPs": [{"ip": "10.91.1.7"}, {"ip": "fd00:10:91:1::7"}],
                "conditions": [{"type": "Ready", "status": "False"}, {"type": "Initialized", "status": "True"}],
                "initContainerStatuses": [{"name": "segue-agent", "restartCount": 1, "ready": true,
                    "containerID": "containerd://abc", "state": {"running": {}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}],
                "containerStatuses": [{"name": "app", "restartCount": 0, "ready": false,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]},
        }))
        .unwrap();
        assert_eq!((pod.ready, pod.deleted.as_deref()), (false, Some("2026-01-02T03:04:05Z")));
        let addresses = ["10.91.1.7".parse().ok(), pod.ipv6.map(IpAddr::V6)];
        assert_eq!([pod.address, "fd00:10:91:1::7".parse().ok()], addresses);
        let agent = pod.container("segue-agent").unwrap();
        assert_eq!((agent.id.as_deref(), agent.restarts, agent.init), (Some("abc"), 1, true));
        assert_eq!((agent.last_reason.as_deref(), agent.exit_code), (Some("OOMKilled"), Some(137)));
        let app = pod.container("app").unwrap();
        assert_eq!((app.running, app.reason.as_deref()), (false, Some("CrashLoopBackOff")));
        assert!(pod.container("other").is_err());
    }
}
