//! In nftables mode it is nftables that carries a Service, and iptables knows nothing of it.

use segue_cluster::{Options, ProxyMode, run};

use crate::{TestBed, load, sample, test_bed};

pub(crate) fn holds(_: &TestBed) {
    let cluster = test_bed::up(&Options { nodes: 1, proxy_mode: ProxyMode::Nftables, ..Options::default() });
    sample::Sample::new(2, &[]).run(&cluster.api);
    let node = cluster.node(1);
    load::until_reached(node, &sample::url(&cluster.api, "/"));
    let rules = run(node.command("nft").args(["list", "table", "ip", "kube-proxy"])).unwrap();
    assert!(rules.contains("default/web/tcp/http"), "{rules}");
    let rules = run(node.command("iptables").args(["-t", "nat", "-S"])).unwrap();
    assert!(!rules.contains("KUBE-SVC"), "{rules}");
    cluster.down().unwrap();
}
