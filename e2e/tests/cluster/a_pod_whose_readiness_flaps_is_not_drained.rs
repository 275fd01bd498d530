//! A pod that is not ready, and ready again, and not, goes on serving whoever is connected: only a hook begins a drain.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};
use segue_e2e::plain::namespace::Network;
use serde_json::json;

use crate::TestBed;
use crate::injected::{AGENT, GUARD, Injected, SHORT, sample};
use crate::said::Said;

pub(crate) fn holds(bed: &TestBed) {
    // The kubelet asks here whether the pod is ready.
    let node = bed.cluster().node(1);
    let network = Network::of(node.command("cat")).unwrap();
    let listener = network.run("probed", || TcpListener::bind(("0.0.0.0", 0))).unwrap();
    let listener = listener.join().unwrap().unwrap().unwrap();
    let port = listener.local_addr().unwrap().port();
    let ready = Arc::new(AtomicBool::new(true));
    let says = Arc::clone(&ready);
    // It waits for the next probe until this process ends.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let status = if says.load(Ordering::Relaxed) { "200 OK" } else { "503 Service Unavailable" };
            let _ = stream.read(&mut [0; 1024]);
            let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });

    let mut sample = sample(1);
    let get = json!({"host": node.address().to_string(), "port": port, "path": "/"});
    sample.container()["readinessProbe"] =
        json!({"httpGet": get, "periodSeconds": 1, "failureThreshold": 1, "timeoutSeconds": 10});
    let web = Injected::up(bed, "flaps", &sample, SHORT);
    let pod = web.pod();
    let mut agent = Said::by(web.cluster, &pod, AGENT);
    let mut kept = web.dial(&pod, GUARD);
    for is in [false, true, false, true] {
        ready.store(is, Ordering::Relaxed);
        wait::until(if is { "the pod is ready" } else { "the pod is not ready" }, LONG, || {
            let now = web.pod().ready;
            ensure!(now == is, "ready: {now}");
            Ok(())
        })
        .unwrap();
        kept.get("/");
        let answer = kept.answer();
        assert_eq!((answer.status, answer.header("connection")), (200, None), "{answer:?}");
    }
    assert_eq!(web.status(&pod)["state"], "serving");
    assert_eq!(agent.of("draining"), Vec::<serde_json::Value>::new());
    web.remove();
}
