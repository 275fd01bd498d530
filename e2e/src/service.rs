//! The sample program under `segue up`, with all that a test of a deploy needs around it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::place::{Place, free_address};
use crate::running::{Ended, Running};
use crate::status::Status;
use crate::up::Up;
use crate::wait;

/// The name in [`Place::sample_spec`].
pub const NAME: &str = "web";

/// What is run, and how it is rolled. The default is rude: an instance that is stopped a moment too early drops.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// What it answers with.
    pub version: &'a str,
    /// Arguments of `segue sample`.
    pub flags: &'a [&'a str],
    /// How many serve.
    pub replicas: u32,
    /// How many more may run.
    pub surge: u32,
    /// How many fewer may serve.
    pub unavailable: u32,
    /// After which an upgrade without progress goes back.
    pub progress_deadline: &'a str,
    /// How long a request may take.
    pub longest_request: &'a str,
    /// After which what is in flight is cut.
    pub drain_deadline: &'a str,
    /// How long an instance has between SIGTERM and SIGKILL.
    pub grace: &'a str,
    /// How long after a drain's beginning WebSockets are told to go.
    pub websocket_grace: &'a str,
    /// Shell commands that the instance's process runs before it becomes the program.
    pub before: &'a str,
    /// Further lines of the spec.
    pub more: &'a str,
}

impl Default for Sample<'_> {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A running service.
pub struct Service {
    // Ended first: it would start again what the place ends.
    up: Up,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its folder.
    pub place: Place,
}

// === impl Sample ===

impl Sample<'_> {
    /// Three rude ones, replaced one by one.
    pub const DEFAULT: Self = Self {
        version: "v1",
        flags: &["--rude"],
        replicas: 3,
        surge: 1,
        unavailable: 0,
        progress_deadline: "30s",
        longest_request: "5s",
        drain_deadline: "30s",
        grace: "5s",
        websocket_grace: "500ms",
        before: "",
        more: "",
    };

    /// Writes its spec as `VERSION.yaml`.
    pub fn spec(&self, place: &Place, listen: SocketAddr) -> PathBuf {
        let Self { version, flags, before, .. } = *self;
        place.sample_spec(&format!("{version}.yaml"), listen, version, flags, before, &self.settings())
    }

    /// The lines that any program's spec may have.
    pub fn settings(&self) -> String {
        let Self { replicas, surge, unavailable, progress_deadline, longest_request, drain_deadline, .. } =
            *self;
        let Self { grace, websocket_grace, more, .. } = *self;
        format!(
            "replicas: {replicas}\nstrategy: {{ rolling: {{ surge: {surge}, unavailable: {unavailable} }} }}\n\
             progressDeadline: {progress_deadline}\nlongestRequest: {longest_request}\n\
             drainDeadline: {drain_deadline}\nwebsocketGrace: {websocket_grace}\nstop: {{ grace: {grace} }}\n{more}"
        )
    }
}

// === impl Service ===

impl Service {
    /// Starts it, and waits until all its instances serve.
    #[track_caller]
    pub fn start(sample: &Sample<'_>) -> Self {
        let place = Place::new();
        let listen = free_address();
        let up = place.up(&sample.spec(&place, listen));
        let mut service = Self { up, listen, place };
        service.settles(sample.version, sample.replicas as usize);
        service
    }

    /// Starts what this spec says, and waits until so many instances of this version serve.
    #[track_caller]
    pub fn run(place: Place, listen: SocketAddr, spec: &Path, version: &str, replicas: usize) -> Self {
        let up = place.up(spec);
        let mut service = Self { up, listen, place };
        service.settles(version, replicas);
        service
    }

    /// `kill -9` of its `segue up`, and nothing else: the instances stay.
    pub fn kill(&mut self) {
        self.up.kill();
    }

    /// `segue up` again with the same file, after it was killed.
    pub fn again(&mut self) {
        self.up.restart(&self.place);
    }

    /// `segue up` again with another file, after it was killed.
    pub fn again_with(&mut self, spec: &Path) {
        self.up = self.place.up(spec);
    }

    /// SIGTERM to its `segue up`, which drains and ends all; the place stays.
    #[track_caller]
    pub fn down(self) -> (Ended, Place) {
        let Self { up, place, .. } = self;
        (up.down(), place)
    }

    /// What its `segue up` wrote so far.
    pub fn said(&mut self) -> String {
        self.up.process().said()
    }

    /// Waits until so many requests in flight are written down: the count that a kill leaves behind is a moment late.
    #[track_caller]
    pub fn until_written_down(&self, in_flight: u64) {
        let gauge = self.place.state_dir().join(NAME).join("gauge");
        wait::until(&format!("{in_flight} in flight are written down"), wait::LONG, || {
            let text =
                std::fs::read_to_string(&gauge).map_err(|error| format!("{}: {error}", gauge.display()))?;
            let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            if value["in_flight"] == in_flight { Ok(()) } else { Err(text) }
        });
    }

    /// Waits until its `segue up` has written all of these.
    #[track_caller]
    pub fn until_said(&mut self, parts: &[&str]) -> String {
        wait::until(&format!("`segue up` says {parts:?}"), wait::LONG, || {
            let said = self.up.process().said();
            if parts.iter().all(|part| said.contains(part)) { Ok(said) } else { Err(said) }
        })
    }

    /// Its `segue up`.
    pub fn up(&mut self) -> &mut Up {
        &mut self.up
    }

    /// Writes a spec for it.
    pub fn spec(&self, sample: &Sample<'_>) -> String {
        sample.spec(&self.place, self.listen).to_string_lossy().into_owned()
    }

    /// Deploys to the end.
    pub fn deploy(&self, sample: &Sample<'_>) -> Ended {
        self.place.run(&["deploy", "-f", &self.spec(sample)])
    }

    /// Begins a deploy.
    pub fn begin_deploy(&self, sample: &Sample<'_>) -> Running {
        self.place.start(&["deploy", "-f", &self.spec(sample)])
    }

    /// Its status now.
    #[track_caller]
    pub fn status(&self) -> Status {
        Status::ask(&self.place, NAME).unwrap_or_else(|error| panic!("no status: {error}"))
    }

    /// Waits until so many instances of this version serve, and nothing else runs.
    #[track_caller]
    pub fn settles(&mut self, version: &str, replicas: usize) {
        let what = format!("{replicas} instances of {version} serve, and no other");
        wait::until(&what, wait::LONG, || {
            self.up.process().assert_running();
            let status = Status::ask(&self.place, NAME)?;
            if status.settled(version, replicas) { Ok(()) } else { Err(format!("{:#}", status.0)) }
        });
    }

    /// Waits until the status is as asked for.
    #[track_caller]
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Status) -> bool) -> Status {
        wait::until(what, wait::LONG, || {
            let status = Status::ask(&self.place, NAME)?;
            if holds(&status) { Ok(status) } else { Err(format!("{:#}", status.0)) }
        })
    }

    /// Waits until so many instances of this version serve, whatever else runs.
    #[track_caller]
    pub fn until_serving(&self, version: &str, count: usize) -> Status {
        self.until(&format!("{count} of {version} serve"), |status| {
            status.serving().get(version).is_some_and(|serving| *serving >= count)
        })
    }

    /// Panics unless so many instances of this version serve now, and nothing else runs.
    #[track_caller]
    pub fn assert_settled(&self, version: &str, replicas: usize) {
        let status = self.status();
        assert!(status.settled(version, replicas), "{replicas} of {version} and no other: {:#}", status.0);
    }
}
