//! Recipes whose times are taken.

use segue_e2e::plain::Recipe;

/// What `segue inject` is told where a bound of this bed is meant; without it kube-proxy's default of 15 s holds.
const SHORT: &str = "kube-proxy=3s";

/// A recipe with its bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    pub(super) recipe: Recipe,
    /// The path's bound in seconds; `None` for recipes that have none.
    pub(super) bound: Option<u32>,
}

impl Timed {
    /// What `segue inject` is told.
    pub(super) fn inject(self) -> Vec<String> {
        let short = self.bound == Some(3);
        if short { vec!["--bound".to_owned(), SHORT.to_owned()] } else { Vec::new() }
    }

    /// How long a Deployment's new pod waits for its router, in seconds: a bound that was set is for both ways.
    pub(super) fn join(self) -> f64 {
        if self.bound == Some(3) { 3.0 } else { 0.0 }
    }

    pub(super) fn name(self) -> String {
        match self.bound {
            None => self.recipe.to_string(),
            Some(bound) => format!("{}, bound {bound} s", self.recipe),
        }
    }
}

pub(super) const GUARD: Timed = Timed { recipe: Recipe::Guard, bound: Some(3) };
pub(super) const AGENT: Timed = Timed { recipe: Recipe::Agent, bound: Some(3) };
pub(super) const GUARD_DEFAULT: Timed = Timed { recipe: Recipe::Guard, bound: Some(15) };
pub(super) const SLEEP: Timed = Timed { recipe: Recipe::Sleep { seconds: 30 }, bound: None };
