//! A container that is killed is started again by the kubelet, one that takes more memory than its limit is ended by the
//! kernel, and a kubelet that is away does neither.

use anyhow::ensure;
use segue_cluster::wait::{self, LONG};
use segue_cluster::{Api, Container, Pod};

use crate::{TestBed, load, sample};

pub(crate) fn holds(bed: &TestBed) {
    let cluster = bed.cluster();
    let api = cluster.api.new_namespace("containers").unwrap();
    let mut sample = sample::Sample::new(1, &["--rude"]);
    sample.container()["resources"] = serde_json::json!({"limits": {"memory": "32Mi"}});
    let pod = sample.run(&api).remove(0);

    cluster.kill_container(&pod, "app").unwrap();
    let app = until_restarted(&api, &pod, 1);
    assert_eq!(app.exit_code, Some(137), "{app:#?}");

    let node = cluster.node_of(&pod).unwrap();
    node.stop_kubelet().unwrap();
    let pod = api.pod(&pod.name).unwrap().unwrap();
    cluster.kill_container(&pod, "app").unwrap();
    wait::pass(std::time::Duration::from_secs(2));
    assert!(cluster.container_process(&pod, "app").is_err(), "somebody else started it again");
    node.start_kubelet().unwrap();
    until_restarted(&api, &pod, 2);
    assert!(node.start_kubelet().is_err(), "a second kubelet");

    // The answer alone needs more than the limit.
    let url = format!("http://{}:8080/bytes?n=60000000", pod.address.unwrap());
    let told = load::probe(node.command(load::segue()), &url, &["--rate", "1", "--duration", "1s"]);
    assert!(told.count("dropped") > 0, "{:#}", told.0);
    let app = until_restarted(&api, &pod, 3);
    assert_eq!(app.last_reason.as_deref(), Some("OOMKilled"), "{app:#?}");
    api.run(["delete", "namespace", "containers", "--wait=false"]).unwrap();
}

/// Waits until the container runs again after so many ends.
#[track_caller]
fn until_restarted(api: &Api, pod: &Pod, restarts: u64) -> Container {
    wait::until(&format!("app was started again {restarts} times"), LONG, || {
        let pod = api.pod(&pod.name)?.unwrap();
        let app = pod.container("app")?.clone();
        ensure!(app.restarts >= restarts && app.ready, "{app:#?}");
        Ok(app)
    })
    .unwrap()
}
