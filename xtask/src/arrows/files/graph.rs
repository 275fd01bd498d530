//! Which file uses which, and the circles among them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

use super::module::{Modules, Place};
use super::names::{Named, resolve};

/// The files of all crates; of each, the files that it uses, with the first line that does so.
pub(super) type Graph = BTreeMap<PathBuf, BTreeMap<PathBuf, usize>>;

/// Adds the arrows between the files of one crate.
pub(super) fn add(modules: &Modules, graph: &mut Graph) {
    for (place, module) in modules {
        let uses = graph.entry(module.file.clone()).or_default();
        let mut arrow = |to: &Place, line: usize| {
            let Some(to) = modules.get(to).map(|module| &module.file).filter(|to| **to != module.file) else {
                return;
            };
            let first = uses.entry(to.clone()).or_insert(line);
            *first = line.min(*first);
        };
        for import in &module.imports {
            match resolve(modules, place, &import.path) {
                Some(Named::Item(to) | Named::Module(to)) if import.is_public && to.starts_with(place) => {}
                Some(Named::Item(to)) => arrow(&to, import.line),
                Some(Named::Module(to)) if import.name.is_none() => arrow(&to, import.line),
                // A module's name by itself uses nothing of it: the paths that begin with it do.
                Some(Named::Module(_)) | None => {}
            }
        }
        for mention in &module.mentions {
            if let Some(Named::Item(to)) = resolve(modules, place, &mention.path) {
                arrow(&to, mention.line);
            }
        }
    }
}

/// Whether there is a way from one file to another.
fn leads(graph: &Graph, from: &Path, to: &Path) -> bool {
    way(graph, from, to).is_some()
}

/// The shortest way from one file to another, both included.
fn way(graph: &Graph, from: &Path, to: &Path) -> Option<Vec<PathBuf>> {
    let mut came_from: BTreeMap<&Path, &Path> = BTreeMap::new();
    let mut next = VecDeque::from([from]);
    while let Some(file) = next.pop_front() {
        for used in graph.get(file).into_iter().flat_map(BTreeMap::keys) {
            if !came_from.contains_key(used.as_path()) {
                came_from.insert(used.as_path(), file);
                next.push_back(used.as_path());
            }
        }
        if came_from.contains_key(to) {
            let mut way = vec![to.to_owned()];
            let mut file = to;
            while let Some(before) = came_from.get(file) {
                way.push((*before).to_owned());
                file = before;
                if file == from {
                    break;
                }
            }
            way.reverse();
            return Some(way);
        }
    }
    None
}

/// Files that all lead to each other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Knot {
    /// Its shortest circle; the first file is the last one, too.
    pub(super) circle: Vec<PathBuf>,
    pub(super) others: Vec<PathBuf>,
}

pub(super) fn knots(graph: &Graph) -> Vec<Knot> {
    let mut seen: BTreeSet<&PathBuf> = BTreeSet::new();
    let mut knots = Vec::new();
    for file in graph.keys() {
        if seen.contains(file) || !leads(graph, file, file) {
            continue;
        }
        let tied: Vec<&PathBuf> =
            graph.keys().filter(|other| leads(graph, file, other) && leads(graph, other, file)).collect();
        let circles = tied.iter().filter_map(|file| way(graph, file, file));
        let Some(circle) = circles.min_by_key(Vec::len) else { continue };
        let others = tied.iter().filter(|file| !circle.contains(file)).map(|file| (*file).clone()).collect();
        knots.push(Knot { circle, others });
        seen.extend(tied);
    }
    knots
}
