//! An agent that takes more memory than its limit is ended by the kernel and started again: the pod then serves as before,
//! and the application has noticed nothing.

use std::io::Write;

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};
use serde_json::json;

use crate::TestBed;
use crate::injected::{AGENT, GUARD, Injected, SHORT, sample};
use crate::sample::SELECTOR;

/// Nearly the longest head that the guard holds back to read it.
const HEAD: usize = 60 << 10;

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "agent-memory", &sample(0), SHORT);
    // `inject` sets no limit in a pod like this; whoever does may choose one that is too small.
    let agent =
        json!({"name": AGENT, "resources": {"requests": {"memory": "8Mi"}, "limits": {"memory": "8Mi"}}});
    let patch = json!({"spec": {"replicas": 1, "template": {"spec": {"initContainers": [agent]}}}});
    web.api.run(["patch", "deployment", "web", "--patch", &patch.to_string()]).unwrap();
    let pod = web.api.until_ready(SELECTOR, 1).unwrap().remove(0);

    let mut clients = Vec::new();
    let ended = wait::until("the kernel ends the agent", LONG, || {
        let mut client = web.try_dial(&pod, GUARD);
        if let Ok(client) = &mut client {
            let head = format!("GET / HTTP/1.1\r\nhost: test\r\nlong: {}", "-".repeat(HEAD));
            let _ = client.stream().write_all(head.as_bytes());
        }
        clients.push(client);
        let agent = web.cluster.container_process(&pod, AGENT);
        ensure!(agent.is_err(), "it lives with {} connections", clients.len());
        Ok(clients.len())
    });
    assert!(ended.unwrap() > 50, "the agent cannot carry a few connections");
    drop(clients);
    let agent = web.until_restarted(&pod, AGENT, 1);
    assert_eq!(agent.last_reason.as_deref(), Some("OOMKilled"), "{agent:?}");
    assert_eq!(web.get(&pod, GUARD, "/").status, 200);
    assert_eq!(web.pod().container("app").unwrap().restarts, 0);
    web.remove();
}
