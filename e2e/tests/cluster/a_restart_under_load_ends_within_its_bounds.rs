//! A liveness probe restarts an application to which requests never cease to come, for a restart takes no pod out of its
//! Service. The hook does not wait for a quiet that never comes: it ends after its bounds, far from its deadline.

use serde_json::json;

use crate::injected::{AGENT, GUARD, Injected, SHORT, sample};
use crate::said::Said;
use crate::{TestBed, load};
use rustix::process::Signal;

pub(crate) fn holds(bed: &TestBed) {
    let mut sample = sample(1);
    let container = sample.container();
    container["readinessProbe"] = json!({"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1});
    container["livenessProbe"] = json!({"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1,
        "timeoutSeconds": 20});
    let web = Injected::up(bed, "loaded", &sample, SHORT);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let url = format!("http://{}:{GUARD}/", pod.address.unwrap());
    let words = ["--rate", "5", "--connections", "fresh"];
    let load = load::Running::start(web.cluster.node(1).command(load::segue()), &url, &words);
    web.until_status(&pod, "requests come", |status| status["guard"]["requests"].as_u64() > Some(5));

    web.cluster.container_process(&pod, "app").unwrap().signal(Signal::USR1);
    web.until_restarted(&pod, "app", 1);
    let status = web.until_status(&pod, "the pod serves again", |status| status["state"] == "serving");
    load.end();
    assert!(status["guard"]["requests"].as_u64() > Some(5 + 15), "requests ceased in the drain: {status}");
    let outcome = agent.once("released")["outcome"].clone();
    assert_eq!(outcome["reason"], "drained", "{outcome}");
    assert_eq!(web.get(&pod, GUARD, "/").status, 200);
    web.remove();
}
