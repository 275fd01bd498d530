//! The cluster that the promises share.

use std::sync::OnceLock;

use segue_cluster::{Api, Cluster, Options, images};

/// Two nodes with the images of the agent and the sample program, or the cluster that was named from outside.
pub(crate) struct TestBed {
    cluster: OnceLock<Cluster>,
    existing: Option<Api>,
}

impl TestBed {
    /// Nothing is brought up before it is needed.
    pub(crate) fn new() -> Self {
        let existing = Api::existing().unwrap_or_else(|error| panic!("{error:#}"));
        Self { cluster: OnceLock::new(), existing }
    }

    /// Its API server.
    #[track_caller]
    pub(crate) fn api(&self) -> &Api {
        self.existing.as_ref().unwrap_or_else(|| &self.cluster().api)
    }

    /// The cluster with its nodes: not there on one that was named from outside.
    #[track_caller]
    pub(crate) fn cluster(&self) -> &Cluster {
        assert!(self.existing.is_none(), "a promise that uses nodes has to say that it needs them");
        self.cluster.get_or_init(|| up(&Options::default()))
    }
}

/// Brings up a cluster that has the project's images.
#[track_caller]
pub(crate) fn up(options: &Options) -> Cluster {
    let images = [images::agent(), images::sample(segue_e2e::segue())];
    let images = images.map(|image| image.unwrap_or_else(|error| panic!("no image: {error:#}")));
    let options = Options { images: images.into(), ..options.clone() };
    Cluster::up(&options).unwrap_or_else(|error| panic!("no cluster: {error:#}"))
}
