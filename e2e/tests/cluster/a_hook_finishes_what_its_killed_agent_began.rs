//! An agent that is killed in a drain stays away, for the kubelet starts no sidecar of a terminating pod again. The hook
//! takes its ports, finishes its drain, and says how many requests died with it.

use crate::TestBed;
use crate::injected::{AGENT, Injected, ROOMY, sample};
use crate::said::Said;

pub(crate) fn holds(bed: &TestBed) {
    finished(bed, "agent-killed", ROOMY);
    finished(bed, "agent-killed-redirected", &[ROOMY, &["--redirect"]].concat());
}

fn finished(bed: &TestBed, namespace: &str, flags: &[&str]) {
    let web = Injected::up(bed, namespace, &sample(1), flags);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let mut application = Said::by(web.cluster, &pod, "app");
    let mut lost = web.in_flight(&pod, 60_000);
    web.delete(&pod, &[]);
    web.until_draining(&pod);
    web.cluster.kill_container(&pod, AGENT).unwrap();
    assert!(lost.try_answer().is_err(), "what the agent carried cannot be answered any more");

    let status = web.until_status(&pod, "the hook stands in for its agent", |_| true);
    assert_eq!((&status["state"], &status["agent_lost"]), (&"draining".into(), &1.into()), "{status}");
    let mut carried = web.in_flight(&pod, 3_000);
    let answer = carried.answer();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")), "{answer:?}");
    assert!(web.cluster.container_process(&pod, AGENT).is_err(), "it runs");
    assert_eq!(Said::by(web.cluster, &pod, AGENT).runs(), 1, "somebody started the agent again");

    web.until_gone(&pod);
    let spare = application.once("spare");
    assert_eq!((&spare["agent_lost"], &spare["resumes"]), (&1.into(), &true.into()), "{spare}");
    let released = application.once("released");
    assert_eq!(released["outcome"]["reason"], "drained", "{released}");
    assert_eq!((&released["outcome"]["cut"], &released["agent_lost"]), (&0.into(), &1.into()), "{released}");
    assert_eq!(agent.of("released"), Vec::<serde_json::Value>::new());
    web.remove();
}
