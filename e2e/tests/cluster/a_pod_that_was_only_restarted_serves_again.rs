//! A liveness probe that restarts the application runs the hook too. The pod is drained, and once the application
//! listens again it takes part as before: nothing was final.

use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Signal;
use segue_e2e::client::Answer;
use serde_json::json;

use crate::TestBed;
use crate::injected::{AGENT, CONTROL, Injected, sample};
use crate::said::Said;

/// The bound from the pod's readiness on; the API server writes whole seconds.
const AT_MOST: Duration = Duration::from_secs(5 + 1);

/// The time to stop is longer than that bound, so that it is the application's return that ends the wait.
const FLAGS: &[&str] = &["--guard", "--bound", "kube-proxy=3s", "--stop-time", "20s"];

pub(crate) fn holds(bed: &TestBed) {
    restarted(bed, "restarted", FLAGS);
    restarted(bed, "restarted-redirected", &[FLAGS, &["--redirect"]].concat());
}

fn restarted(bed: &TestBed, namespace: &str, flags: &[&str]) {
    let mut sample = sample(1);
    sample.container()["livenessProbe"] = json!({"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1,
        "timeoutSeconds": 20});
    let web = Injected::up(bed, namespace, &sample, flags);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let mut kept = web.dial(&pod, web.entry);
    kept.get("/");
    assert!(!says_close(&kept.answer()));

    web.cluster.container_process(&pod, "app").unwrap().signal(Signal::USR1);
    web.until_draining(&pod);
    assert_eq!(web.get(&pod, CONTROL, "/segue/lb-health").status, 503);
    kept.get("/");
    assert!(says_close(&kept.answer()), "the guard did not announce");

    web.until_restarted(&pod, "app", 1);
    web.until_status(&pod, "the pod serves again", |status| status["state"] == "serving");
    assert_eq!(web.get(&pod, CONTROL, "/segue/lb-health").status, 200);
    let answer = web.get(&pod, web.entry, "/");
    assert!(answer.status == 200 && !says_close(&answer), "{answer:?}");
    let released = agent.once("released");
    assert_eq!(released["outcome"]["reason"], "drained", "{released}");
    let serving: Timestamp = agent.once("serving")["time"].as_str().unwrap().parse().unwrap();
    let ready = web.api.get(["pod", &pod.name]).unwrap();
    let ready = ready["status"]["conditions"].as_array().unwrap().iter().find(|one| one["type"] == "Ready");
    let ready: Timestamp = ready.unwrap()["lastTransitionTime"].as_str().unwrap().parse().unwrap();
    assert!(serving <= ready + AT_MOST, "ready at {ready}, but the agent said so at {serving}");

    // The next end is one.
    web.delete(&pod, &[]);
    web.until_gone(&pod);
    let reasons: Vec<_> = agent.of("released").iter().map(|line| line["outcome"]["reason"].clone()).collect();
    assert_eq!(reasons, ["drained", "drained"]);
    agent.once("ended");
    web.remove();
}

fn says_close(answer: &Answer) -> bool {
    answer.header("connection") == Some("close")
}
