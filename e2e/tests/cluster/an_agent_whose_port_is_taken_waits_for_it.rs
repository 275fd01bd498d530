//! On a host's network another program may have the agent's port. The agent says so and waits, and the pod is not ready
//! until the port is free.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};
use segue_e2e::plain::namespace::Network;
use serde_json::json;

use crate::TestBed;
use crate::injected::{AGENT, CONTROL, Injected, SHORT, inject, sample};
use crate::said::Said;
use crate::sample::SELECTOR;

/// Longer than the kubelet takes from one container to the next.
const A_START: Duration = Duration::from_secs(8);

pub(crate) fn holds(bed: &TestBed) {
    let node = bed.cluster().node(2);
    let network = Network::of(node.command("cat")).unwrap();
    let taken = network.run("taker", || TcpListener::bind(("::", CONTROL))).unwrap();
    let taken = taken.join().unwrap().unwrap().unwrap();
    let mut sample = sample(1);
    let pod = &mut sample.deployment["spec"]["template"]["spec"];
    pod["hostNetwork"] = true.into();
    pod["nodeSelector"] = json!({"kubernetes.io/hostname": node.name()});
    let web = Injected::applied(bed, "port-taken", &inject(&sample, SHORT));
    let pod = wait::until("the agent runs", LONG, || {
        let pods = web.api.pods(SELECTOR)?;
        ensure!(pods.len() == 1 && pods[0].container(AGENT)?.running, "{pods:#?}");
        Ok(pods[0].clone())
    })
    .unwrap();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    wait::until("it says what it waits for", LONG, || {
        let said = agent.of("waits-for-a-port");
        ensure!(said.len() == 1 && said[0]["error"].to_string().contains("15079"), "{:?}", agent.lines());
        Ok(())
    })
    .unwrap();
    // An application whose agent counts as started is started next.
    wait::pass(A_START);
    let waits = web.pod();
    assert!(!waits.ready && !waits.container("app").unwrap().running, "{waits:#?}");
    drop(taken);
    let ready = web.api.until_ready(SELECTOR, 1).unwrap().remove(0);
    assert_eq!(ready.container(AGENT).unwrap().restarts, 0);
    web.remove();
}
