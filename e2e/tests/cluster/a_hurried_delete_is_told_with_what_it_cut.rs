//! `kubectl delete --grace-period=1` and a forced delete leave no time for a drain. What the first cut is told by the
//! agent before it ends; of the second nothing stays on the node; and the pods that follow serve.

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};

use crate::TestBed;
use crate::injected::{AGENT, GUARD, Injected, SHORT, sample};
use crate::said::Said;
use crate::sample::SELECTOR;

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "hurried", &sample(2), SHORT);
    let [hurried, forced] = web.pods().try_into().unwrap();
    let mut agent = Said::by(web.cluster, &hurried, AGENT);
    let mut client = web.in_flight(&hurried, 60_000);
    web.delete(&hurried, &["--grace-period=1"]);
    assert!(client.try_answer().is_err(), "60 s went into a grace period of 1");
    web.until_gone(&hurried);
    // Whether the agent or the application is told first is the kubelet's affair: the agent's last word has it all.
    let ended = agent.once("ended");
    assert_eq!(ended["guard"]["broken_off"], 1, "{ended}");

    let processes = ["app", AGENT].map(|name| web.cluster.container_process(&forced, name).unwrap());
    let mut client = web.in_flight(&forced, 60_000);
    web.delete(&forced, &["--grace-period=0", "--force"]);
    assert!(client.try_answer().is_err(), "60 s went into no grace period at all");
    wait::until("nothing of the pod runs", LONG, || {
        ensure!(processes.iter().all(|process| !process.lives()), "{processes:?}");
        Ok(())
    })
    .unwrap();
    for pod in web.api.until_ready(SELECTOR, 2).unwrap() {
        assert_eq!(web.get(&pod, GUARD, "/").status, 200);
    }
    web.remove();
}
