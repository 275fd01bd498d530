//! A drain that is asked for from another pod or from a node is refused, even with the pod's token, and one from within
//! the pod is without it.

use std::io::Write;
use std::net::SocketAddr;
use std::process::Command;

use segue_cluster::Pod;
use segue_e2e::client::Client;
use segue_e2e::plain::namespace::Network;
use serde_json::Value;

use crate::TestBed;
use crate::injected::{CONTROL, Injected, SHORT, sample};

pub(crate) fn holds(bed: &TestBed) {
    let web = Injected::up(bed, "nobody", &sample(2), SHORT);
    let [pod, other] = web.pods().try_into().unwrap();
    let inside = |pod: &Pod| web.cluster.pod_command(pod, "cat").unwrap();
    let outside = SocketAddr::new(pod.address.unwrap(), CONTROL);
    let loopback = SocketAddr::from(([127, 0, 0, 1], CONTROL));
    let token = token(&web, &pod);
    let node = web.cluster.node(1).command("cat");
    assert_eq!(asked(node, outside, &token).head().unwrap().status, 403);
    assert_eq!(asked(inside(&other), outside, &token).head().unwrap().status, 403);
    // Its own address is not loopback either.
    assert_eq!(asked(inside(&pod), outside, &token).head().unwrap().status, 403);
    for wrong in ["", &self::token(&web, &other)] {
        assert_eq!(asked(inside(&pod), loopback, wrong).head().unwrap().status, 401);
    }
    assert_eq!(web.status(&pod)["state"], "serving");

    let mut hook = asked(inside(&pod), loopback, &token);
    assert_eq!(hook.head().unwrap().status, 200);
    web.until_draining(&pod);
    web.remove();
}

/// Asks for a drain, as a program in that command's network.
#[track_caller]
fn asked(place: Command, address: SocketAddr, token: &str) -> Client {
    let connect = move || Client::connect(address);
    let mut client = Network::of(place).unwrap().run("asks", connect).unwrap().join().unwrap().unwrap();
    let request = format!(
        "POST /segue/drain HTTP/1.1\r\nhost: pod\r\nauthorization: Bearer {token}\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    client.stream().write_all(request.as_bytes()).unwrap();
    client
}

/// What the agent gave to the hooks of a pod.
#[track_caller]
fn token(web: &Injected<'_>, pod: &Pod) -> String {
    let process = web.cluster.container_process(pod, "app").unwrap();
    let text = std::fs::read_to_string(format!("/proc/{}/root/segue/hook.json", process.pid)).unwrap();
    let invitation: Value = serde_json::from_str(&text).unwrap();
    invitation["token"].as_str().unwrap().to_owned()
}
