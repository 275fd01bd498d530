//! What comes from outside for the application's port comes to the guard's; nothing else is touched.

use crate::namespace::{CLIENT, POD, Road};
use crate::served::{ask, ask_within, datagram, serve};
use segue_redirect::{Redirects, install};
use std::io::ErrorKind;
use std::process::Command;
use std::time::Duration;

pub(crate) fn redirects(words: &[&str]) -> Redirects {
    Redirects::of(words.iter().map(|word| word.parse().unwrap())).unwrap()
}

/// A pod with an application on 8080 and 9090 and a guard on 15180, redirected.
fn redirected() -> Road {
    let road = Road::new();
    road.pod.run(|| install(&redirects(&["8080:15180"]))).unwrap();
    serve(&road.pod, 8080, "application", 0);
    serve(&road.pod, 9090, "another", 0);
    serve(&road.pod, 15180, "guard", 0);
    road
}

#[test]
fn from_outside_the_guard_answers_from_the_applications_port_and_sees_the_client() {
    let road = redirected();
    for (pod, client) in POD.into_iter().zip(CLIENT) {
        assert_eq!(ask(&road.client, pod, 8080).unwrap().0, format!("guard {client}"));
        assert_eq!(ask(&road.client, pod, 9090).unwrap().0, format!("another {client}"), "not redirected");
    }
}

#[test]
fn from_within_the_pod_every_port_is_its_own() {
    let road = redirected();
    for address in ["127.0.0.1", "::1", POD[0], POD[1]] {
        assert_eq!(ask(&road.pod, address, 8080).unwrap().0, format!("application {address}"));
        assert_eq!(ask(&road.pod, address, 15180).unwrap().0, format!("guard {address}"));
    }
}

#[test]
fn udp_on_the_same_number_is_not_touched() {
    let road = redirected();
    for pod in POD {
        assert!(datagram(&road.pod, &road.client, pod, 8080), "{pod}");
        assert!(datagram(&road.pod, &road.client, pod, 15180), "{pod}");
    }
}

#[test]
fn the_guards_own_number_can_not_be_reached_from_outside() {
    let road = redirected();
    for pod in POD {
        let error = ask_within(&road.client, pod, 15180, Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{pod}: {error}");
    }
}

#[test]
fn without_a_guard_clients_are_refused_at_once() {
    let road = Road::new();
    road.pod.run(|| install(&redirects(&["8080:15180"]))).unwrap();
    serve(&road.pod, 8080, "application", 0);
    for pod in POD {
        assert_eq!(ask(&road.client, pod, 8080).unwrap_err().kind(), ErrorKind::ConnectionRefused, "{pod}");
    }
}

#[test]
fn a_port_below_1024_and_several_ports_are_led_each_to_its_own() {
    let road = Road::new();
    road.pod.run(|| install(&redirects(&["80:15180", "443:15181", "8080:15182"]))).unwrap();
    for (port, name) in [(15180, "first"), (15181, "second"), (15182, "third")] {
        serve(&road.pod, port, name, 0);
    }
    for (port, name) in [(80, "first"), (443, "second"), (8080, "third")] {
        for (pod, client) in POD.into_iter().zip(CLIENT) {
            assert_eq!(ask(&road.client, pod, port).unwrap().0, format!("{name} {client}"));
        }
    }
}

/// A rule of NAT has the kernel remember each connection, in a table that can be full.
#[test]
fn nothing_is_remembered_of_a_connection() {
    let entries = |nat: bool| {
        let road = Road::new();
        if nat {
            // Any number would do: connection tracking is switched on by the first rule that needs it.
            let rule = "add table inet nat; add chain inet nat in { type nat hook prerouting priority dstnat; }; \
                        add rule inet nat in tcp dport 8080 redirect to :15180";
            road.pod.run(|| assert!(Command::new("nft").arg(rule).status().unwrap().success()));
        } else {
            road.pod.run(|| install(&redirects(&["8080:15180"]))).unwrap();
        }
        serve(&road.pod, 15180, "guard", 0);
        for pod in [POD; 10].as_flattened() {
            assert!(ask(&road.client, pod, 8080).unwrap().0.starts_with("guard"));
        }
        let entries = road.pod.command("cat /proc/sys/net/netfilter/nf_conntrack_count");
        entries.trim().parse::<u32>().unwrap()
    };
    assert!(entries(true) >= 20, "nothing is shown");
    assert_eq!(entries(false), 0);
}

/// A router's word that packets are too big names the application's port: the guard's connection has to hear of it.
#[test]
fn a_narrower_link_on_the_way_is_learnt_of() {
    const MEBIBYTE: usize = 1 << 20;
    let road = Road::new();
    serve(&road.pod, 15180, "guard", MEBIBYTE);
    serve(&road.pod, 9090, "another", MEBIBYTE);
    road.pod.run(|| install(&redirects(&["8080:15180"]))).unwrap();
    // The client does not know of it, so the pod has to be told.
    road.router.command("ip link set client mtu 1300");
    for (pod, client) in POD.into_iter().zip(CLIENT) {
        assert_eq!(ask(&road.client, pod, 9090).unwrap(), (format!("another {client}"), MEBIBYTE));
        // What was learnt is the address's, and would help the next.
        road.pod.command("ip route flush cache");
        road.pod.command("ip -6 route flush cache");
        assert_eq!(ask(&road.client, pod, 8080).unwrap(), (format!("guard {client}"), MEBIBYTE));
    }
}
