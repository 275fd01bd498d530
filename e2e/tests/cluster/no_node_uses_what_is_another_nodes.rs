//! The programs of a node find their usual places, and none of them is another node's or the host's.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use segue_cluster::run;

use crate::TestBed;

/// Places that no setting of containerd, kubelet or kube-proxy moves. Two kubelets that listen for device plugins at
/// the same one end each other, now and then.
const FIXED: [&str; 3] = ["/run", "/var/log", "/var/lib/kubelet/device-plugins"];

pub(crate) fn holds(bed: &TestBed) {
    let nodes = bed.cluster().nodes();
    assert!(nodes.len() > 1);
    for place in FIXED {
        let file = |mut command: Command| run(command.args(["--format", "%d:%i", place])).unwrap();
        let mut files: Vec<String> = nodes.iter().map(|node| file(node.inside("stat"))).collect();
        if Path::new(place).exists() {
            files.push(file(Command::new("stat")));
        }
        let different: BTreeSet<_> = files.iter().collect();
        assert_eq!(different.len(), files.len(), "{place} is shared: {files:?}");
    }
}
