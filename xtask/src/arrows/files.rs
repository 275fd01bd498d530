//! No circle between the files of one crate: whoever reads a file need not read on in those that use it.
//!
//! A file uses another where its code names something that the other one defines: by a `use`, or by a path inside of the
//! code, of a macro or of an attribute. A re-export is followed to the file that defines the thing, so a parent that
//! says `mod x; pub use x::Thing;` uses nothing by that; it does once its own code says `Thing`. The name of a module by
//! itself uses nothing either, what is taken from it does. Code for tests alone is left out, and what needs no name is
//! not seen: a method, a field, an `impl` of a type of another file.

mod graph;
mod module;
mod names;
#[cfg(test)]
mod tests;
mod tree;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::bail;

use self::graph::Graph;
use super::metadata::Metadata;
use crate::command::root;

/// One line about the arrows between files; an error with a circle where there is one.
pub(super) fn check(metadata: &Metadata) -> anyhow::Result<String> {
    let targets = metadata.packages.iter().flat_map(|package| &package.targets);
    let roots: Vec<PathBuf> = targets
        .map(|target| target.src_path.strip_prefix(root()).unwrap_or(&target.src_path).into())
        .collect();
    let read = |file: &Path| fs::read_to_string(root().join(file)).ok();
    judge(&roots, &read)
}

fn judge(roots: &[PathBuf], read: tree::Read<'_>) -> anyhow::Result<String> {
    let mut graph = Graph::new();
    for root in roots {
        graph::add(&tree::read(root, read)?, &mut graph);
    }
    let (files, arrows) = (graph.len(), graph.values().map(BTreeMap::len).sum::<usize>());
    let knots = graph::knots(&graph);
    if !knots.is_empty() {
        let told: Vec<String> = knots.iter().map(|knot| tell(knot, &graph, read)).collect();
        bail!("files that use each other in a circle:\n\n{}", told.join("\n"));
    }
    Ok(format!("{files} files, {arrows} arrows between them, no circle"))
}

/// The circle's files in their order, under each the line that uses the next one.
fn tell(knot: &graph::Knot, graph: &Graph, read: tree::Read<'_>) -> String {
    let mut told = Vec::new();
    for pair in knot.circle.windows(2) {
        let [from, to] = pair else { continue };
        let line = graph.get(from).and_then(|uses| uses.get(to)).copied().unwrap_or_default();
        let text = read(from).unwrap_or_default();
        let code = text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim();
        let from = from.display();
        told.push(format!("  {from} uses {}\n    {from}:{line}: {code}\n", to.display()));
    }
    if !knot.others.is_empty() {
        let others: Vec<String> = knot.others.iter().map(|file| file.display().to_string()).collect();
        told.push(format!("  tied to it by longer circles: {}\n", others.join(", ")));
    }
    told.concat()
}
