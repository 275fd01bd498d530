//! What was in the namespace before, and what is not allowed.

use crate::leads::redirects;
use crate::namespace::{CLIENT, Namespace, POD, Road};
use crate::served::{ask, serve};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use segue_redirect::{Error, install};

#[test]
fn a_second_run_leaves_the_same_rules() {
    let pod = Namespace::new();
    let redirects = redirects(&["8080:15180", "9090:15181"]);
    let listed = || {
        pod.run(|| install(&redirects)).unwrap();
        pod.command("nft list ruleset")
    };
    let first = listed();
    assert_eq!(listed(), first);
    // One rule that closes, four that lead and one that leads back for each port.
    assert_eq!(first.lines().filter(|line| line.contains("!= \"lo\"")).count(), 2 * 6, "{first}");
}

#[test]
fn the_rules_of_another_version_are_replaced() {
    let road = Road::new();
    for (port, name) in [(8080, "application"), (15180, "guard"), (15181, "other guard")] {
        serve(&road.pod, port, name, 0);
    }
    road.pod.run(|| install(&redirects(&["8080:15180", "9090:15190"]))).unwrap();
    road.pod.run(|| install(&redirects(&["8080:15181"]))).unwrap();
    for (pod, client) in POD.into_iter().zip(CLIENT) {
        assert_eq!(ask(&road.client, pod, 8080).unwrap().0, format!("other guard {client}"));
        assert_eq!(ask(&road.client, pod, 15180).unwrap().0, format!("guard {client}"), "nobody's now");
    }
}

/// They see the application's port both ways, and stand as they did.
#[test]
fn the_rules_of_others_are_kept_and_still_hold() {
    let road = Road::new();
    let theirs = "table inet theirs {
        chain input { type filter hook input priority 0; policy drop;
            iif lo accept
            ct state established,related accept
            meta l4proto ipv6-icmp accept
            tcp dport 8080 ct state new accept
        }
        chain output { type filter hook output priority 0; policy drop;
            oif lo accept
            meta l4proto ipv6-icmp accept
            tcp sport 8080 ct state established accept
        }
    }";
    let file = std::env::temp_dir().join(format!("segue-theirs-{}.nft", std::process::id()));
    std::fs::write(&file, theirs).unwrap();
    road.pod.command(&format!("nft -f {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    let before = road.pod.command("nft list table inet theirs");
    road.pod.run(|| install(&redirects(&["8080:15180"]))).unwrap();
    serve(&road.pod, 8080, "application", 0);
    serve(&road.pod, 15180, "guard", 0);
    for (pod, client) in POD.into_iter().zip(CLIENT) {
        assert_eq!(ask(&road.client, pod, 8080).unwrap().0, format!("guard {client}"));
    }
    assert_eq!(road.pod.command("nft list table inet theirs"), before);
}

#[test]
fn a_packet_that_is_only_passed_on_is_not_touched() {
    let road = Road::new();
    road.router.run(|| install(&redirects(&["8080:15180"]))).unwrap();
    serve(&road.pod, 8080, "application", 0);
    for (pod, client) in POD.into_iter().zip(CLIENT) {
        assert_eq!(ask(&road.client, pod, 8080).unwrap().0, format!("application {client}"));
    }
}

#[test]
fn without_the_capability_it_says_what_to_do_and_changes_nothing() {
    let pod = Namespace::new();
    let error = pod.run(|| {
        let mut own = capabilities(None).unwrap();
        own.effective.remove(CapabilitySet::NET_ADMIN);
        set_capabilities(None, own).unwrap();
        install(&redirects(&["8080:15180"])).unwrap_err()
    });
    assert!(matches!(error, Error::NotAllowed(_)), "{error:?}");
    assert!(error.to_string().contains("capability NET_ADMIN"), "{error}");
    assert_eq!(pod.command("nft list ruleset"), "");
}

/// A kernel without it has no such sockets.
#[test]
fn a_kernel_without_nf_tables_is_told_as_one() {
    const AF_NETLINK: u64 = 16;
    const NETLINK_NETFILTER: u64 = 12;
    const PROTONOSUPPORT: u32 = 93;
    /// The number of the system call `socket`.
    const SOCKET: i64 = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
    let is = |argument, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value).unwrap()
    };
    let rule = SeccompRule::new(vec![is(0, AF_NETLINK), is(2, NETLINK_NETFILTER)]).unwrap();
    let filter = SeccompFilter::new(
        [(SOCKET, vec![rule])].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(PROTONOSUPPORT),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let filter: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    let error = Namespace::new().run(|| {
        seccompiler::apply_filter(&filter).unwrap();
        install(&redirects(&["8080:15180"])).unwrap_err()
    });
    assert!(matches!(error, Error::NoNfTables(_)), "{error:?}");
    assert!(error.to_string().contains("no nf_tables"), "{error}");
}
