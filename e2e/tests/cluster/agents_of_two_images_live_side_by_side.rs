//! The agent's own upgrade is a rollout like any other: pods with the old and the new image of it serve side by side, each
//! drained by the program that it came with, and no request is dropped.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::ensure;
use segue_cluster::image::{self, Image, USER};
use segue_cluster::wait::{self, LONG};

use crate::injected::{AGENT, Injected, SHORT, SHORT_REDIRECTED, inject, sample};
use crate::said::Said;
use crate::sample::{SELECTOR, url};
use crate::{TestBed, load};

const NEXT: &str = "segue-agent:next";

pub(crate) fn holds(bed: &TestBed) {
    let cluster = bed.cluster();
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("next.tar");
    let files = vec![(segue_cluster::agent::build().unwrap(), PathBuf::from("/segue-agent"))];
    image::write(&Image { name: NEXT, entrypoint: &["/segue-agent"], user: USER, files }, &archive).unwrap();
    cluster.nodes().iter().for_each(|node| node.load(&archive).unwrap());

    upgraded(bed, "two-agents", SHORT);
    upgraded(bed, "two-agents-redirected", SHORT_REDIRECTED);
}

fn upgraded(bed: &TestBed, namespace: &str, flags: &[&str]) {
    let cluster = bed.cluster();
    let web = Injected::up(bed, namespace, &sample(2), flags);
    let old = web.pods();
    let mut agents: Vec<_> = old.iter().map(|pod| Said::by(cluster, pod, AGENT)).collect();
    let url = url(&web.api, "/");
    cluster.nodes().iter().for_each(|node| load::until_reached(node, &url));
    let words = ["--method", "POST", "--body-size", "100", "--expect", "echo", "--rate", "20"];
    let probes = ["kept", "fresh"].map(|kind| {
        let words = [&words[..], &["--connections", kind]].concat();
        load::Running::start(cluster.node(1).command(load::segue()), &url, &words)
    });

    web.api.apply(&inject(&sample(2), &[flags, &["--agent-image", NEXT]].concat())).unwrap();
    wait::until("pods with either image are ready at once", LONG, || {
        let pods = web.api.get(["pods", "--selector", SELECTOR])?;
        let ready = |pod: &&serde_json::Value| {
            let containers = pod["status"]["initContainerStatuses"].as_array();
            let agent = containers.into_iter().flatten().find(|one| one["name"] == AGENT);
            agent.is_some_and(|agent| agent["ready"] == true)
                && pod["metadata"]["deletionTimestamp"].is_null()
        };
        let pods = pods["items"].as_array().unwrap().iter().filter(ready);
        let images: BTreeSet<_> =
            pods.map(|pod| pod["spec"]["initContainers"][0]["image"].to_string()).collect();
        ensure!(images.len() == 2, "{images:?}");
        Ok(())
    })
    .unwrap();
    web.api.rollout_status("deployment/web", LONG).unwrap();
    for pod in &old {
        web.until_gone(pod);
    }
    web.api.until_ready(SELECTOR, 2).unwrap();
    probes.map(load::Running::end).iter().for_each(load::Told::assert_whole);
    for agent in &mut agents {
        assert_eq!(agent.once("released")["outcome"]["reason"], "drained");
    }
    web.remove();
}
