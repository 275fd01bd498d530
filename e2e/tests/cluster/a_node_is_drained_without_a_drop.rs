//! `kubectl drain` takes the pods of a node away one by one, under load and without a drop.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use segue_cluster::run;

use crate::injected::{AGENT, Injected, SHORT, sample};
use crate::said::Said;
use crate::sample::{SELECTOR, url};
use crate::{Bed, load};

pub(crate) fn holds(bed: &Bed) {
    let web = Injected::up(bed, "node-drain", &sample(2), SHORT);
    let pods = web.pods();
    let leaves = web.cluster.node_of(&pods[0]).unwrap();
    let stays = web.cluster.nodes().iter().find(|node| node.name() != leaves.name()).unwrap();
    let url = url(&web.api, "/");
    load::until_reached(stays, &url);
    let mut agents: Vec<_> = pods.iter().map(|pod| Said::by(web.cluster, pod, AGENT)).collect();
    let probes: Vec<_> = ["kept", "fresh"].map(|kind| {
        let mut probe = stays.command(load::segue());
        probe.args(["probe", &url, "--rate", "30", "--duration", "10m", "--connections", kind, "-o", "json"]);
        probe.args(["--method", "POST", "--body-size", "100", "--expect", "echo"]);
        probe.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
    })
    .into();

    let name = leaves.name();
    let drained = run(&mut web.api.kubectl(["drain", name, "--pod-selector", SELECTOR, "--timeout=120s"]));
    let ready = web.api.until_ready(SELECTOR, 2);
    web.api.run(["uncordon", name]).unwrap();
    drained.unwrap();
    for pod in ready.unwrap() {
        assert_ne!(pod.node.as_deref(), Some(name), "{pod:#?}");
    }
    for probe in probes {
        kill_process(Pid::from_child(&probe), Signal::TERM).unwrap();
        let output = probe.wait_with_output().unwrap();
        load::Told(serde_json::from_slice(&output.stdout).unwrap()).assert_whole();
    }
    let outcomes: Vec<_> = agents.iter_mut().flat_map(|agent| agent.of("released")).collect();
    assert!(!outcomes.is_empty(), "no pod was drained");
    assert!(outcomes.iter().all(|said| said["outcome"]["reason"] == "drained"), "{outcomes:#?}");
    web.remove();
}
