//! In nftables mode it is nftables that carries a Service, in both families, and iptables knows nothing of it.

use std::net::SocketAddr;

use segue_cluster::{Options, ProxyMode, run};

use crate::{TestBed, load, sample, test_bed};

pub(crate) fn holds(_: &TestBed) {
    let cluster = test_bed::up(&Options { nodes: 1, proxy_mode: ProxyMode::Nftables, ..Options::default() });
    let mut sample = sample::Sample::new(2, &[]).in_both_families();
    sample.service["spec"]["ipFamilyPolicy"] = "RequireDualStack".into();
    sample.run(&cluster.api);
    let node = cluster.node(1);
    let addresses = sample::addresses(&cluster.api, "web");
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for ((family, iptables), address) in [("ip", "iptables"), ("ip6", "ip6tables")].iter().zip(&addresses) {
        load::until_reached(node, &format!("http://{}/", SocketAddr::new(*address, 80)));
        let rules = run(node.command("nft").args(["list", "table", family, "kube-proxy"])).unwrap();
        assert!(rules.contains("default/web/tcp/http"), "{rules}");
        let rules = run(node.command(iptables).args(["-t", "nat", "-S"])).unwrap();
        assert!(!rules.contains("KUBE-SVC"), "{rules}");
    }
    cluster.down().unwrap();
}
