//! A cluster that was taken down leaves no process, mount, network device, control group or folder.

use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Stdio;

use segue_cluster::{Cluster, Options, marked};

use crate::{TestBed, sample, test_bed};

pub(crate) fn holds(_: &TestBed) {
    let cluster = test_bed::up(&Options { nodes: 1, ..Options::default() });
    let pods = sample::Sample::new(1, &[]).run(&cluster.api);
    let process = cluster.container_process(&pods[0], "app").unwrap();
    let traces = Traces::of(&cluster);
    // A client that somebody forgot, once it runs.
    let mut client = cluster
        .node(1)
        .command("sh")
        .args(["-c", "echo; exec sleep 600"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    client.stdout.take().unwrap().read_exact(&mut [0]).unwrap();

    cluster.down().unwrap();
    traces.assert_gone();
    assert!(!process.lives(), "a container outlived its cluster");
    assert_eq!(client.wait().unwrap().signal(), Some(9));
}

/// What there is of a cluster while it runs.
pub(crate) struct Traces {
    variable: String,
    mark: String,
    paths: Vec<PathBuf>,
}

impl Traces {
    /// Of a running cluster, every trace of which must be there: else its absence would show nothing.
    #[track_caller]
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let (variable, mark) = cluster.mark();
        let traces = Self { variable: variable.to_owned(), mark: mark.to_owned(), paths: cluster.traces() };
        assert!(traces.paths.len() >= 4, "{:?}", traces.paths);
        for path in &traces.paths {
            assert!(path.exists(), "{} is not there", path.display());
        }
        assert!(marked(&traces.variable, &traces.mark).len() > 5);
        traces
    }

    #[track_caller]
    pub(crate) fn assert_gone(&self) {
        assert_eq!(marked(&self.variable, &self.mark), []);
        for path in &self.paths {
            assert!(!path.exists(), "{} is left", path.display());
        }
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
        for path in &self.paths {
            assert!(!mounts.contains(&path.display().to_string()), "{} is mounted", path.display());
        }
    }
}
