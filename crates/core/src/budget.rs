//! The budget: what must be granted for a drain and a rollout, computed from the paths before anything begins.

use crate::path::{Direction, Millis, Path};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What only the user knows, and the paths that the model knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Every path by which requests reach an instance.
    pub paths: Vec<Path>,
    /// The quiet window, where a path needs one.
    pub quiet: Option<Millis>,
    /// How long kept connections may linger before they are closed, where something closes them.
    #[serde(default)]
    pub linger: Option<Millis>,
    /// The longest that a request takes.
    #[serde(with = "crate::time::millis")]
    pub longest_request: Duration,
    /// How long the application takes from its stop signal to its end.
    #[serde(with = "crate::time::millis")]
    pub stop_time: Duration,
}

/// What must be granted. A `None` means that no finite time is enough: a path without a bound ends only by evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// From the drain's beginning to the stop signal, at most.
    pub drain: Option<Millis>,
    /// From the drain's beginning to the instance's end, at most.
    pub grace: Option<Millis>,
    /// How long a new instance must be ready before an old one may be withdrawn.
    pub min_ready: Option<Millis>,
}

impl Needs {
    /// The budget for these needs: leave + the longer of quiet + longest request and linger, and the stop time after
    /// it. Quiet is counted in full although its window runs during the propagation: a request may come in its last moment.
    pub fn budget(&self) -> Budget {
        let quiet = self.quiet.map_or(Duration::ZERO, |quiet| quiet.0);
        let linger = self.linger.map_or(Duration::ZERO, |linger| linger.0);
        let drain =
            self.longest(Direction::Leave).map(|leave| leave + (quiet + self.longest_request).max(linger));
        Budget {
            drain: drain.map(Millis),
            grace: drain.map(|drain| Millis(drain + self.stop_time)),
            min_ready: self.longest(Direction::Join).map(Millis),
        }
    }

    /// Paths change side by side: the slowest decides. `None` where one has no bound.
    fn longest(&self, way: Direction) -> Option<Duration> {
        let bounds: Option<Vec<_>> = self.paths.iter().map(|path| path.bound(way)).collect();
        bounds.map(|bounds| bounds.into_iter().max().unwrap_or_default())
    }
}
