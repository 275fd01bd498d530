//! `kubectl drain` takes the pods of a node away one by one, under load and without a drop.

use crate::injected::{AGENT, Injected, SHORT, sample};
use crate::said::Said;
use crate::sample::{SELECTOR, url};
use crate::{TestBed, load};

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "node-drain", &sample(2), SHORT);
    let pods = web.pods();
    let leaves = web.cluster.node_of(&pods[0]).unwrap();
    let stays = web.cluster.nodes().iter().find(|node| node.name() != leaves.name()).unwrap();
    let url = url(&web.api, "/");
    load::until_reached(stays, &url);
    let mut agents: Vec<_> = pods.iter().map(|pod| Said::by(web.cluster, pod, AGENT)).collect();
    let words = ["--method", "POST", "--body-size", "100", "--expect", "echo", "--rate", "30"];
    let probes = ["kept", "fresh"].map(|kind| {
        let words = [&words[..], &["--connections", kind]].concat();
        load::Running::start(stays.command(load::segue()), &url, &words)
    });

    let name = leaves.name();
    // It asks to be told so of every pod with an emptyDir, and the agent's are such.
    let local = "--delete-emptydir-data";
    let drained = web.api.run(["drain", name, "--pod-selector", SELECTOR, local, "--timeout=120s"]);
    let ready = web.api.until_ready(SELECTOR, 2);
    web.api.run(["uncordon", name]).unwrap();
    drained.unwrap();
    for pod in ready.unwrap() {
        assert_ne!(pod.node.as_deref(), Some(name), "{pod:#?}");
    }
    for probe in probes {
        probe.end().assert_whole();
    }
    let outcomes: Vec<_> = agents.iter_mut().flat_map(|agent| agent.of("released")).collect();
    assert!(!outcomes.is_empty(), "no pod was drained");
    assert!(outcomes.iter().all(|said| said["outcome"]["reason"] == "drained"), "{outcomes:#?}");
    web.remove();
}
