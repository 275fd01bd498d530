//! Two clusters on one machine know nothing of each other, and the end of one is none of the other's business.

use segue_cluster::Options;

use crate::{TestBed, load, sample, test_bed};

pub(crate) fn holds(bed: &TestBed) {
    let first = bed.cluster();
    let second = test_bed::up(&Options { nodes: 1, ..Options::default() });
    assert_ne!(first.number(), second.number());

    let api = first.api.new_namespace("beside").unwrap();
    second.api.new_namespace("beside").unwrap();
    let pods = sample::Sample::new(1, &["--version", "first"]).run(&api);
    sample::Sample::new(1, &["--version", "second"]).run(&second.api);
    let versions = |pod: std::process::Command| {
        let told = load::probe(pod, "http://127.0.0.1:8080/", &["--rate", "10", "--duration", "500ms"]);
        told.0["versions"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let other = second.api.pods(sample::SELECTOR).unwrap();
    assert_eq!(versions(second.pod_command(&other[0], load::segue()).unwrap()), ["second"]);
    assert_eq!(versions(first.pod_command(&pods[0], load::segue()).unwrap()), ["first"]);

    second.down().unwrap();
    assert_eq!(versions(first.pod_command(&pods[0], load::segue()).unwrap()), ["first"]);
    assert_eq!(api.pods(sample::SELECTOR).unwrap()[0].containers[0].restarts, 0);
    api.run(["delete", "namespace", "beside", "--wait=false"]).unwrap();
}
