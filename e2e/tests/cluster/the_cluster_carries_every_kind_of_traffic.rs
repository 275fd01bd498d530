//! A Service is reached from nodes and from pods, on both nodes, by every kind of client that a table needs; and it is
//! kube-proxy and conntrack that carry it there.

use crate::{TestBed, load, sample};

/// The kinds of clients: a path, and the probe's words.
const KINDS: &[(&str, &[&str])] = &[
    ("/", &["--connections", "kept", "--method", "POST", "--body-size", "100"]),
    ("/", &["--connections", "fresh", "--method", "POST", "--body-size", "100"]),
    ("/sleep?ms=200", &["--connections", "mixed"]),
    ("/stream?ms=200&every=50", &[]),
    ("/ws", &["--websocket"]),
    ("/", &["--http2"]),
];

pub(crate) fn holds(bed: &TestBed) {
    let cluster = bed.cluster();
    let api = cluster.api.new_namespace("traffic").unwrap();
    let mut sample = sample::Sample::new(2, &[]);
    // One on each node.
    sample.deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] = serde_json::json!([{
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }]);
    let pods = sample.run(&api);
    assert_ne!(pods[0].node, pods[1].node);

    let url = |path| sample::url(&api, path);
    cluster.nodes().iter().for_each(|node| load::until_reached(node, &url("/")));
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
