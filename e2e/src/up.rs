//! `segue up` as a child process.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::place::Place;
use crate::running::{Ended, Running};
use crate::wait;

/// A running `segue up`.
pub struct Up {
    running: Running,
    spec: PathBuf,
}

// === impl Up ===

impl Up {
    fn start(place: &Place, spec: &Path) -> Self {
        let file = spec.to_string_lossy();
        Self { running: place.start(&["up", "-f", &file]), spec: spec.to_path_buf() }
    }

    /// Starts it again, after it was killed; waits for the killed one first.
    #[must_use]
    pub fn again(self, place: &Place) -> Self {
        let spec = self.spec.clone();
        drop(self);
        Self::start(place, &spec)
    }

    /// The same after it has ended by itself or by [`Up::kill`], in place.
    pub fn restart(&mut self, place: &Place) {
        *self = Self::start(place, &self.spec.clone());
    }

    /// The process.
    pub fn process(&mut self) -> &mut Running {
        &mut self.running
    }

    /// `kill -9`, and nothing else: the instances stay.
    pub fn kill(&mut self) {
        self.running.signal(Signal::KILL);
        self.running.ended_within(wait::LONG);
    }

    /// SIGTERM, which drains and ends all; waits for it.
    #[track_caller]
    pub fn down(mut self) -> Ended {
        self.running.signal(Signal::TERM);
        self.running.ended_within(wait::LONG)
    }
}

impl Place {
    /// Starts `segue up -f SPEC` in a process group of its own.
    pub fn up(&self, spec: &Path) -> Up {
        Up::start(self, spec)
    }
}
