//! The stand-in load balancer keeps connections to pods, learns of endpoints with its lag, sends a pod that has left
//! requests until then, and nothing after. A connection that it balances as a whole stays where it is.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};
use segue_cluster::{Balancer, BalancerOptions, Target};
use serde_json::json;

use crate::{TestBed, load, sample};

/// Long enough for what is asserted within it on a machine that does other things too.
const LAG: Duration = Duration::from_secs(8);

pub(crate) fn holds(bed: &TestBed) {
    let cluster = bed.cluster();
    let api = cluster.api.new_namespace("balanced").unwrap();
    let mut sample = sample::Sample::new(2, &[]);
    // It serves for longer than the load balancer's lag, and every answer names its pod.
    sample.container()["lifecycle"] = json!({"preStop": {"sleep": {"seconds": 25}}});
    sample.container()["env"] =
        json!([{"name": "SEGUE_VERSION", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    let pods = sample.run(&api);

    let late =
        |options: BalancerOptions| BalancerOptions { register: LAG, deregister: LAG, ..options.shrunk(20) };
    let alb = Balancer::start(cluster, &api, "alb", &late(BalancerOptions::alb("web"))).unwrap();
    let nlb = Balancer::start(cluster, &api, "nlb", &late(BalancerOptions::nlb("web"))).unwrap();
    assert_eq!(alb.targets().unwrap(), [], "pods that are ready were targets at once");
    alb.until_serving(2, 2 * wait::LONG).unwrap();
    nlb.until_serving(2, 2 * wait::LONG).unwrap();

    ask(&alb);
    let targets = alb.targets().unwrap();
    assert!(targets.iter().all(|target| target.taken > 0), "{targets:?}");
    assert!(targets.iter().any(|target| target.idle > 0), "no connection to a pod is kept: {targets:?}");

    let mut pinned = Pinned::connect(nlb.address());
    let name = pinned.ask();
    let pod = pods.iter().find(|pod| pod.name == name).unwrap();
    let leaving: SocketAddrV4 = format!("{}:8080", pod.address.unwrap()).parse().unwrap();
    let at = |targets: &[Target]| targets.iter().find(|target| target.address == leaving).cloned().unwrap();
    api.run(["annotate", "pod", &name, "controller.kubernetes.io/pod-deletion-cost=-1"]).unwrap();
    api.run(["scale", "deployment", "web", "--replicas", "1"]).unwrap();
    wait::until("the pod leaves", LONG, || {
        let left = api.pod(&name)?.is_some_and(|pod| pod.deleted.is_some());
        ensure!(left, "it stays");
        Ok(())
    })
    .unwrap();

    // It has left for the cluster, but not yet for the load balancer.
    let taken = at(&alb.targets().unwrap()).taken;
    ask(&alb);
    assert!(at(&alb.targets().unwrap()).taken > taken, "the load balancer knew at once");

    alb.until_serving(1, 2 * wait::LONG).unwrap();
    nlb.until_serving(1, 2 * wait::LONG).unwrap();
    let taken = at(&alb.targets().unwrap()).taken;
    ask(&alb);
    assert_eq!(at(&alb.targets().unwrap()).taken, taken, "it was sent requests after it had left");
    assert_eq!(pinned.ask(), name, "an open connection went elsewhere");
    drop((alb, nlb));
    api.run(["delete", "namespace", "balanced", "--wait=false"]).unwrap();
}

/// Requests over kept connections: enough for every target to get some. The host reaches the machines' network itself.
#[track_caller]
fn ask(balancer: &Balancer) {
    let url = format!("http://{}/", balancer.address());
    load::probe(Command::new(load::segue()), &url, &["--rate", "40", "--duration", "500ms"]).assert_whole();
}

/// One connection that is kept.
struct Pinned(BufReader<TcpStream>);

impl Pinned {
    #[track_caller]
    fn connect(address: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(address).unwrap()))
    }

    /// The name of the pod that answers.
    #[track_caller]
    fn ask(&mut self) -> String {
        self.0.get_mut().write_all(b"HEAD / HTTP/1.1\r\nHost: web\r\n\r\n").unwrap();
        let mut name = None;
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the connection was closed");
            if line.trim().is_empty() {
                return name.expect("an answer names its pod");
            }
            if let Some(value) = line.strip_prefix("segue-version: ") {
                name = Some(value.trim().to_owned());
            }
        }
    }
}
