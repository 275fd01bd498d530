//! A liveness probe restarts an application to which requests never cease to come, for a restart takes no pod out of its
//! Service. The hook does not wait for a quiet that never comes: it ends after its bounds, far from its deadline.

use std::process::Stdio;

use serde_json::json;

use crate::injected::{AGENT, GUARD, Injected, SHORT, sample};
use crate::said::Said;
use crate::{Bed, load};
use rustix::process::Signal;

pub(crate) fn holds(bed: &Bed) {
    let mut sample = sample(1);
    let container = sample.container();
    container["readinessProbe"] = json!({"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1});
    container["livenessProbe"] =
        json!({"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1});
    let web = Injected::up(bed, "loaded", &sample, SHORT);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let url = format!("http://{}:{GUARD}/", pod.address.unwrap());
    let mut load = web.cluster.node(1).command(load::segue());
    load.args(["probe", &url, "--rate", "20", "--duration", "10m", "--connections", "fresh"]);
    let mut load = load.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    web.until_status(&pod, "requests come", |status| status["guard"]["requests"].as_u64() > Some(20));

    web.cluster.container_process(&pod, "app").unwrap().signal(Signal::USR1);
    web.until_restarted(&pod, "app", 1);
    let status = web.until_status(&pod, "the pod serves again", |status| status["state"] == "serving");
    assert_eq!(load.try_wait().unwrap(), None, "the load ended first");
    load.kill().unwrap();
    load.wait().unwrap();
    assert!(status["guard"]["requests"].as_u64() > Some(20 + 60), "requests ceased in the drain: {status}");
    let outcome = agent.once("released")["outcome"].clone();
    assert_eq!(outcome["reason"], "drained", "{outcome}");
    assert_eq!(web.get(&pod, GUARD, "/").status, 200);
    web.remove();
}
