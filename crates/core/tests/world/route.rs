//! One path to one instance as it truly is: when its router took a change, and when each stage truly learnt of it.

use super::random::Random;
use segue_core::path::{Direction, Path, PathSeen};

/// A path's truth.
#[derive(Debug, Clone)]
pub struct Route {
    path: Path,
    pub admitted: bool,
    /// What the router was told and has not taken: when it will, and what.
    pending: Option<(u64, bool)>,
    stages: Vec<Stage>,
}

/// One stage of the last change.
#[derive(Debug, Clone)]
struct Stage {
    /// When it truly learnt of the change.
    over: u64,
    /// From when on evidence shows that, if any does.
    shown: Option<u64>,
    /// When the laws allow to take it as over: by evidence or by bound.
    allowed: Option<u64>,
}

impl Route {
    /// A path that has long been as it is.
    pub fn known(path: Path, admitted: bool) -> Self {
        let known = Stage { over: 0, shown: Some(0), allowed: Some(0) };
        let stages = vec![known; path.stages.len()];
        Self { path, admitted, pending: None, stages }
    }

    pub fn name(&self) -> &str {
        &self.path.name
    }

    /// The router is told, and takes it `delay` later.
    pub fn tell(&mut self, admit: bool, now: u64, delay: u64) {
        let already = self.pending.map_or(self.admitted, |(_, pending)| pending) == admit;
        if !already {
            self.pending = Some((now + delay, admit));
        }
    }

    /// The router has forgotten everything at once, as a pool does that died with its driver: nothing is in its way.
    pub fn forget(&mut self, now: u64) {
        self.pending = None;
        if self.admitted {
            self.admitted = false;
            let known = Stage { over: now, shown: Some(now), allowed: Some(now) };
            self.stages = vec![known; self.path.stages.len()];
        }
    }

    /// Lets time go on to `now`.
    pub fn advance(&mut self, now: u64, random: &mut Random) {
        let Some((at, admit)) = self.pending.filter(|(at, _)| *at <= now) else { return };
        self.pending = None;
        if admit != self.admitted {
            self.admitted = admit;
            self.take(at, random);
        }
    }

    fn take(&mut self, at: u64, random: &mut Random) {
        let way = if self.admitted { Direction::Join } else { Direction::Leave };
        let bounds = self.path.stages.iter().map(|stage| stage.bounds(way).max);
        let bounds: Vec<_> =
            bounds.map(|max| max.map(|max| u64::try_from(max.0.as_millis()).unwrap())).collect();
        self.stages.clear();
        let mut over = at;
        for bound in &bounds {
            over += random.between(0, bound.unwrap_or(4_000));
            // Without a bound there is always evidence in the end: the world is fair.
            let evident = bound.is_none() || random.chance(50);
            let shown = evident.then_some(over + random.between(0, 500));
            self.stages.push(Stage { over, shown, allowed: None });
        }
        // What shows that a stage is over shows it of those before.
        let mut sooner = None;
        for stage in self.stages.iter_mut().rev() {
            stage.shown = [stage.shown, sooner].into_iter().flatten().min();
            sooner = stage.shown;
        }
        let mut allowed = Some(at);
        for (stage, bound) in self.stages.iter_mut().zip(bounds) {
            let by_bound = allowed.zip(bound).map(|(before, bound)| before + bound);
            allowed = [stage.shown, by_bound].into_iter().flatten().min();
            stage.allowed = allowed;
        }
    }

    /// Whether every client knows that it may send requests.
    pub fn joined(&self, now: u64) -> bool {
        self.admitted && self.stages.iter().all(|stage| stage.over <= now)
    }

    /// Whether a client may still send a request.
    pub fn reachable(&self, now: u64) -> bool {
        self.admitted || self.stages.iter().any(|stage| stage.over > now)
    }

    /// When the laws allowed to take the change as known to the last client; `None` while they do not.
    pub fn allowed(&self, now: u64) -> Option<u64> {
        let last = self.stages.last().map_or(Some(0), |stage| stage.allowed);
        last.filter(|at| *at <= now)
    }

    pub fn seen(&self, now: u64) -> PathSeen {
        let shown = |stage: &&Stage| stage.shown.is_some_and(|at| at <= now);
        let shown = self.path.stages.iter().zip(&self.stages).take_while(|(_, stage)| shown(stage));
        PathSeen { admitted: self.admitted, evidence: shown.map(|(stage, _)| stage.name.clone()).collect() }
    }

    /// When something next changes here.
    pub fn events(&self) -> impl Iterator<Item = u64> {
        let stages = self.stages.iter().flat_map(|stage| [Some(stage.over), stage.shown]).flatten();
        self.pending.map(|(at, _)| at).into_iter().chain(stages)
    }
}
