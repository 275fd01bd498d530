//! How long it takes: kube-proxy to learn of a removal, a pod to drain, a workload to roll.

mod drains;
mod removals;
mod rollouts;

use std::path::Path;

use segue_cluster::Cluster;
use segue_e2e::plain::Recipe;

/// What `segue inject` is told where a bound of this bed is meant; without it kube-proxy's default of 15 s holds.
const SHORT: &str = "kube-proxy=3s";

/// A recipe with its bound.
#[derive(Debug, Clone, Copy)]
struct Timed {
    recipe: Recipe,
    /// The path's bound in seconds; `None` for recipes that have none.
    bound: Option<u32>,
}

impl Timed {
    /// What `segue inject` is told.
    fn inject(self) -> Vec<String> {
        let short = self.bound == Some(3);
        if short { vec!["--bound".to_owned(), SHORT.to_owned()] } else { Vec::new() }
    }

    /// How long a Deployment's new pod waits for its router, in seconds: a bound that was set is for both ways.
    fn join(self) -> f64 {
        if self.bound == Some(3) { 3.0 } else { 0.0 }
    }

    fn name(self) -> String {
        match self.bound {
            None => self.recipe.to_string(),
            Some(bound) => format!("{}, bound {bound} s", self.recipe),
        }
    }
}

const GUARD: Timed = Timed { recipe: Recipe::Guard, bound: Some(3) };
const AGENT: Timed = Timed { recipe: Recipe::Agent, bound: Some(3) };
const GUARD_DEFAULT: Timed = Timed { recipe: Recipe::Guard, bound: Some(15) };
const SLEEP: Timed = Timed { recipe: Recipe::Sleep { seconds: 30 }, bound: None };

/// All of it, as Markdown.
pub(super) fn run(cluster: &Cluster, removals: usize, folder: &Path) -> anyhow::Result<String> {
    let mut text = "\n## Times\n\n".to_owned();
    text += &removals::run(cluster, removals)?;
    text += "\n";
    text += &drains::run(cluster)?;
    text += "\n";
    text += &rollouts::run(cluster, folder)?;
    Ok(text)
}
