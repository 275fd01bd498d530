//! A grace period that is too short for what is in flight ends the drain at its deadline, not at SIGKILL: each wait said
//! beforehand when that would be, and what was cut is counted.

use crate::TestBed;
use crate::injected::{AGENT, Injected, sample};
use crate::said::Said;

/// Requests are said to take 1 s. So the grace period is for those.
const BRIEF: &[&str] =
    &["--guard", "--bound", "kube-proxy=1s", "--stop-time", "1s", "--longest-request", "1s"];

pub(crate) fn holds(bed: &TestBed) {
    let mut sample = sample(1);
    sample.deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 20.into();
    let web = Injected::up(bed, "deadline", &sample, BRIEF);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let mut long = web.in_flight(&pod, 60_000);
    let mut short = web.in_flight(&pod, 6_000);
    web.delete(&pod, &[]);
    let waits = web.until_status(&pod, "the pod waits for requests in flight", |status| {
        status["why"].as_str().is_some_and(|why| why.contains("in flight"))
    });
    assert!(waits["until"].is_string() && waits["setting"].is_string(), "{waits}");
    assert_eq!(short.answer().status, 200);
    assert!(long.try_answer().is_err(), "60 s went into a grace period of 20");

    web.until_gone(&pod);
    let released = agent.once("released");
    assert_eq!(
        (&released["outcome"]["reason"], &released["outcome"]["cut"]),
        (&"deadline".into(), &1.into())
    );
    assert_eq!(agent.once("cut")["requests"], 1);
    // It came to its own end, so the kubelet had nothing to kill.
    assert_eq!(agent.once("ended")["guard"]["cut"], 1);
    web.remove();
}
