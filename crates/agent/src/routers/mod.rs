//! The routers of the pod's paths: what each is told, what it says, and the task that carries its calls.
//!
//! Each has a task of its own and a cell that the driver reads. So a registry that is slow or dead holds up nobody but the
//! drain that must know of it: not the guard, not the hooks, not another registry.

mod carry;
mod cell;
mod report;
mod send;
#[cfg(test)]
pub(crate) mod tests;

use crate::clock;
use cell::Cell;
pub(crate) use report::RouterReport;
use segue_core::path::{Direction, Path, PathSeen};
use segue_core::pod::{PodPlan, RouterPlan};
use segue_routing::{Goal, Router, Shows};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tokio::task::AbortHandle;

/// All routers of a pod. Dropped, nothing is carried any more.
pub(crate) struct Routers {
    cells: Vec<Rc<Cell>>,
    tasks: Vec<AbortHandle>,
}

impl Routers {
    /// The routers that the plan names; `changed` is called when one says something new.
    pub(crate) fn of(plan: &PodPlan, changed: impl Fn() + Clone + 'static) -> Self {
        let router = |path: &Path| {
            let named = plan.routers.get(&path.name).unwrap_or(&RouterPlan::None);
            (path.name.clone(), segue_routing::of(named))
        };
        Self::carried(plan.drain.paths.iter().map(router).collect(), changed)
    }

    /// These routers, by their paths.
    pub(crate) fn carried(
        routers: Vec<(String, Box<dyn Router>)>,
        changed: impl Fn() + Clone + 'static,
    ) -> Self {
        let cells: Vec<_> = routers.into_iter().map(|(path, router)| Cell::of(path, router)).collect();
        let carry = |cell: &Rc<Cell>| {
            let task = carry::carry(Rc::clone(cell), changed.clone());
            tokio::task::spawn_local(task).abort_handle()
        };
        let tasks = cells.iter().map(carry).collect();
        Self { cells, tasks }
    }

    /// Tells a path's router what is wanted of it. It takes it at once, or goes on until it has.
    pub(crate) fn tell(&self, path: &str, goal: Goal) {
        if let Some(cell) = self.cells.iter().find(|cell| cell.path == path) {
            cell.tell(goal, clock::now());
        }
    }

    /// What is known of each path.
    pub(crate) fn seen(&self) -> BTreeMap<String, PathSeen> {
        self.cells.iter().filter_map(|cell| Some((cell.path.clone(), cell.says().seen()?))).collect()
    }

    /// What each path's router was told last.
    pub(crate) fn told(&self) -> BTreeMap<String, Direction> {
        self.cells.iter().map(|cell| (cell.path.clone(), cell.told().way())).collect()
    }

    /// The paths whose routers know the pod no more.
    pub(crate) fn gone(&self) -> BTreeSet<String> {
        let gone = self.cells.iter().filter(|cell| cell.says().shows == Shows::Gone);
        gone.map(|cell| cell.path.clone()).collect()
    }

    pub(crate) fn report(&self) -> Vec<RouterReport> {
        self.cells.iter().map(|cell| cell.report()).collect()
    }
}

impl Drop for Routers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}
