//! With the API server and etcd away the pods go on serving; when these are back, the cluster does as it is told again.

use crate::{TestBed, load, sample};

pub(crate) fn holds(bed: &TestBed) {
    let cluster = bed.cluster();
    let api = cluster.api.new_namespace("away").unwrap();
    let pods = sample::Sample::new(1, &[]).run(&api);
    let url = format!("http://{}:8080/", pods[0].address.unwrap());

    cluster.stop_api_server().unwrap();
    cluster.stop_etcd().unwrap();
    assert!(api.pods("").is_err(), "the API server is not away");
    let told =
        load::probe(cluster.node(1).command(load::segue()), &url, &["--rate", "50", "--duration", "1s"]);
    told.assert_whole();

    cluster.start_etcd().unwrap();
    cluster.start_api_server().unwrap();
    assert_eq!(api.pods(sample::SELECTOR).unwrap()[0].uid, pods[0].uid);
    api.run(["scale", "deployment", "web", "--replicas", "2"]).unwrap();
    api.until_ready(sample::SELECTOR, 2).unwrap();
    api.run(["delete", "namespace", "away", "--wait=false"]).unwrap();
}
