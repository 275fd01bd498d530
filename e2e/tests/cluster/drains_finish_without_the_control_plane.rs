//! With the API server and etcd away in the middle of a rollout, the drain that had begun comes to its end as planned;
//! with both back, the rollout does.

use anyhow::{Context, ensure};
use segue_cluster::Cluster;
use segue_cluster::wait::{self, LONG};

use crate::TestBed;
use crate::injected::{AGENT, Injected, SHORT, sample};
use crate::said::Said;
use crate::sample::SELECTOR;

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "no-plane", &sample(2), SHORT);
    let old = web.pods();
    let agents = old.iter().map(|pod| Said::by(web.cluster, pod, AGENT));
    let mut agents: Vec<_> = old.iter().zip(agents).collect();
    web.api.run(["rollout", "restart", "deployment/web"]).unwrap();
    let leaves = wait::until("one of the old pods is drained", LONG, || {
        let draining = |pod| web.try_status(pod).is_ok_and(|status| status["state"] == "draining");
        old.iter().position(draining).context("none is")
    })
    .unwrap();
    let (pod, agent) = &mut agents[leaves];
    let mut client = web.in_flight(pod, 5_000);
    let away = Away(web.cluster);
    web.cluster.stop_api_server().unwrap();
    web.cluster.stop_etcd().unwrap();
    assert!(web.api.pods("").is_err(), "the API server is not away");

    assert_eq!(client.answer().status, 200);
    wait::until("the pod's last container has ended", LONG, || {
        ensure!(agent.of("ended").len() == 1, "{:?}", agent.lines());
        Ok(())
    })
    .unwrap();
    let released = agent.once("released");
    assert_eq!((&released["outcome"]["reason"], &released["outcome"]["cut"]), (&"drained".into(), &0.into()));

    drop(away);
    web.api.rollout_status("deployment/web", LONG).unwrap();
    let new = web.api.until_ready(SELECTOR, 2).unwrap();
    assert!(new.iter().all(|pod| old.iter().all(|old| old.uid != pod.uid)), "{new:#?}");
    for (pod, agent) in &mut agents {
        assert_eq!(agent.once("released")["outcome"]["reason"], "drained", "{}", pod.name);
    }
    web.remove();
}

/// Brings the control plane back however the test ends: others need it too.
struct Away<'c>(&'c Cluster);

impl Drop for Away<'_> {
    fn drop(&mut self) {
        for back in [self.0.start_etcd(), self.0.start_api_server()] {
            if let Err(error) = back {
                eprintln!("the control plane does not come back: {error:#}");
            }
        }
    }
}
