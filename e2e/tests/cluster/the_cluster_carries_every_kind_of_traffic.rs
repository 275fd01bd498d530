//! A Service is reached from nodes and from pods, on both nodes, by every kind of client that a table needs; and it is
//! kube-proxy and conntrack that carry it there.

use crate::{Bed, load, sample};

/// The kinds of clients: a path, and the probe's words.
const KINDS: &[(&str, &[&str])] = &[
    ("/", &["--connections", "kept", "--method", "POST", "--body-size", "100"]),
    ("/", &["--connections", "fresh", "--method", "POST", "--body-size", "100"]),
    ("/sleep?ms=200", &["--connections", "mixed"]),
    ("/stream?ms=200&every=50", &[]),
    ("/ws", &["--websocket"]),
    ("/", &["--http2"]),
];

pub(crate) fn holds(bed: &Bed) {
    let cluster = bed.cluster();
    let api = cluster.api.new_namespace("traffic").unwrap();
    let pods = sample::Sample::new(2, &[]).run(&api);
    let nodes: std::collections::BTreeSet<_> = pods.iter().map(|pod| pod.node.clone()).collect();
    assert_eq!(nodes.len(), 2, "one pod on each node: {pods:#?}");

    let url = |path| sample::url(&api, path);
    // Ready is not joined: the nodes' kube-proxies may take a moment more.
    for node in cluster.nodes() {
        segue_cluster::wait::until("the Service is reached", segue_cluster::wait::LONG, || {
            let told =
                load::probe(node.command(load::segue()), &url("/"), &["--rate", "20", "--duration", "500ms"]);
            anyhow::ensure!(told.count("dropped") == 0, "{}", told.0);
            Ok(())
        })
        .unwrap();
    }
    for (path, words) in KINDS {
        let words = [&["--rate", "20", "--duration", "1s"], *words].concat();
        for node in cluster.nodes() {
            load::probe(node.command(load::segue()), &url(path), &words).assert_whole();
        }
        for pod in &pods {
            load::probe(cluster.pod_command(pod, load::segue()).unwrap(), &url(path), &words).assert_whole();
        }
    }

    // The connections were not made to a pod but to the Service's address, and sent on to both pods by the kernel.
    let service = url("").trim_start_matches("http://").to_owned();
    let tracked = cluster.node(1).conntrack(&["--orig-dst", &service]).unwrap();
    for pod in &pods {
        let answers = format!("src={} ", pod.address.unwrap());
        assert!(tracked.iter().any(|line| line.contains(&answers)), "{answers}: {tracked:#?}");
    }
    cluster.conntrack_flush().unwrap();
    assert_eq!(cluster.node(1).conntrack(&["--orig-dst", &service]).unwrap(), Vec::<String>::new());
    assert!(api.logs(&pods[0].name, "app", false).unwrap().contains("listens on"));
    api.run(["delete", "namespace", "traffic", "--wait=false"]).unwrap();
}
