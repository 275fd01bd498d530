//! A kubelet that is restarted in a drain runs the hook again. That joins the drain, which goes on from where it was.

use crate::TestBed;
use crate::injected::{AGENT, Injected, ROOMY, sample};
use crate::said::Said;

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "kubelet", &sample(1), ROOMY);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let node = web.cluster.node_of(&pod).unwrap();
    let mut client = web.in_flight(&pod, 20_000);
    web.delete(&pod, &[]);
    let before = web.until_status(&pod, "the hook waits", |status| status["hooks"] == 1);
    node.stop_kubelet().unwrap();
    web.until_status(&pod, "the hook went with its kubelet", |status| status["hooks"] == 0);
    node.start_kubelet().unwrap();
    let after = web.until_status(&pod, "the next kubelet's hook waits", |status| status["hooks"] == 1);
    assert_eq!(after["state"], "draining");
    assert_eq!(client.answer().status, 200);

    web.until_gone(&pod);
    let released = agent.once("released");
    assert_eq!((&released["outcome"]["reason"], &released["outcome"]["cut"]), (&"drained".into(), &0.into()));
    assert_eq!(agent.of("serving"), Vec::<serde_json::Value>::new(), "the pod was opened again");
    // One drain has one propagation, and that is told once.
    let said = agent.of("draining").into_iter().filter(|line| line["why"] == before["why"]);
    assert_eq!(said.count(), 1);
    web.remove();
}
