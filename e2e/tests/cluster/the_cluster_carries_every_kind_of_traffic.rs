//! A Service is reached from nodes and from pods, on both nodes, by every kind of client that a table needs; and it is
//! kube-proxy and conntrack that carry it there. TCP and UDP are carried in both families, and by themselves between
//! the nodes; a Service that does not ask for IPv6 has none.

use std::net::{IpAddr, SocketAddr};

use segue_cluster::{Api, Cluster, Pod};
use segue_e2e::plain::Network;
use serde_json::json;

use crate::{TestBed, load, sample, udp};

/// The kinds of clients: a path, and the probe's words.
const KINDS: &[(&str, &[&str])] = &[
    ("/", &["--connections", "kept", "--method", "POST", "--body-size", "100"]),
    ("/", &["--connections", "fresh", "--method", "POST", "--body-size", "100"]),
    ("/sleep?ms=200", &["--connections", "mixed"]),
    ("/stream?ms=200&every=50", &[]),
    ("/ws", &["--websocket"]),
    ("/", &["--http2"]),
];

/// Where the pods listen.
const PORT: u16 = 8080;

pub(crate) fn holds(bed: &TestBed) {
    let cluster = bed.cluster();
    let api = cluster.api.new_namespace("traffic").unwrap();
    let mut sample = sample::Sample::new(2, &[]).in_both_families();
    // One on each node.
    sample.deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] = json!([{
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

    both_families(cluster, &api, &pods);
    assert!(api.logs(&pods[0].name, "app", false).unwrap().contains("listens on"));
    api.run(["delete", "namespace", "traffic", "--wait=false"]).unwrap();
}

/// From every node and every pod, in each family: to a Service's address, and to the pod on the other node.
fn both_families(cluster: &Cluster, api: &Api, pods: &[Pod]) {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "both"}, "spec": {
        "selector": {"app": "web"}, "ipFamilyPolicy": "RequireDualStack", "ports": [
            {"name": "tcp", "port": 80, "targetPort": PORT},
            {"name": "udp", "port": udp::PORT, "targetPort": udp::PORT, "protocol": "UDP"}]}});
    api.apply(&service.to_string()).unwrap();
    let both = sample::addresses(api, "both");
    let are_ipv4 = |addresses: &[IpAddr]| addresses.iter().map(IpAddr::is_ipv4).collect::<Vec<_>>();
    assert_eq!(are_ipv4(&both), [true, false], "{both:?}");
    assert_eq!(are_ipv4(&sample::addresses(api, "web")), [true]);

    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    let inside: Vec<Network> =
        pods.iter().map(|pod| Network::of(cluster.pod_command(pod, "cat").unwrap()).unwrap()).collect();
    let _answers: Vec<udp::Answers> =
        inside.iter().zip(&names).map(|(network, name)| udp::Answers::start(network, name)).collect();
    for (at, pod) in pods.iter().enumerate() {
        let node = cluster.node_of(pod).unwrap();
        let outside = Network::of(node.command("cat")).unwrap();
        let other = &pods[1 - at];
        for (service, other_address) in both.iter().zip([other.address, other.ipv6.map(IpAddr::V6)]) {
            let other_address = other_address.unwrap();
            let url = format!("http://{}/", SocketAddr::new(*service, 80));
            load::until_reached(node, &url);
            for to in [url, format!("http://{}/", SocketAddr::new(other_address, PORT))] {
                let words = ["--rate", "20", "--duration", "1s", "--connections", "fresh"];
                load::probe(node.command(load::segue()), &to, &words).assert_whole();
                load::probe(cluster.pod_command(pod, load::segue()).unwrap(), &to, &words).assert_whole();
            }
            for from in [&outside, &inside[at]] {
                udp::until_answered(from, SocketAddr::new(*service, udp::PORT), &names);
                udp::until_answered(from, SocketAddr::new(other_address, udp::PORT), &[&other.name]);
            }
            // Both protocols were sent on by the kernel, in this family too.
            let tracked = node.conntrack(&["--orig-dst", &service.to_string()]).unwrap();
            for protocol in ["tcp ", "udp "] {
                let answers = format!("src={other_address} ");
                let is_there = |line: &String| line.starts_with(protocol) && line.contains(&answers);
                assert!(tracked.iter().any(is_there), "{protocol}{answers}: {tracked:#?}");
            }
        }
    }
}
