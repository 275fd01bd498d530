//! What a container writes, to its last line.
//!
//! The kubelet removes a pod's logs with the pod. So they are opened on the node while the pod is there.

use std::fs::{self, File};
use std::io::{Read, Seek};

use segue_cluster::{Cluster, Pod};
use serde_json::Value;

/// The logs of one container, in the order of its restarts.
pub(crate) struct Said(Vec<File>);

impl Said {
    /// What there is of them now, and what is still written there.
    #[track_caller]
    pub(crate) fn by(cluster: &Cluster, pod: &Pod, container: &str) -> Self {
        let node = cluster.node_of(pod).unwrap();
        let folder = format!("log/pods/{}_{}_{}/{container}", pod.namespace, pod.name, pod.uid);
        let folder = node.folder().join(folder);
        let mut files: Vec<_> = fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "nothing in {}", folder.display());
        Self(files.iter().map(|file| File::open(file).unwrap()).collect())
    }

    /// How often the container was started.
    pub(crate) fn runs(&self) -> usize {
        self.0.len()
    }

    /// Every line of JSON so far. A line of the runtime is a time, the stream, whether it is whole, and the text.
    #[track_caller]
    pub(crate) fn lines(&mut self) -> Vec<Value> {
        let mut lines = Vec::new();
        for file in &mut self.0 {
            let mut text = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut text).unwrap();
            let json = |line: &str| serde_json::from_str(line.splitn(4, ' ').nth(3)?).ok();
            lines.extend(text.lines().filter_map(json));
        }
        lines
    }

    /// Every line that tells of this.
    #[track_caller]
    pub(crate) fn of(&mut self, event: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
    }

    /// The only line that tells of this.
    #[track_caller]
    pub(crate) fn once(&mut self, event: &str) -> Value {
        let mut lines = self.of(event);
        assert_eq!(lines.len(), 1, "{event} was to be told once: {:#?}", self.lines());
        lines.remove(0)
    }
}
