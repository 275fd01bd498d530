//! What to measure of plain Kubernetes.

use std::path::PathBuf;

use clap::ValueEnum;
use segue_e2e::plain::{Recipe, ShutdownBehaviour};

use super::rows::Row;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these rows [default: all but full-alb and full-nlb]
    #[arg(long = "row", value_name = "ROW")]
    pub(super) rows: Vec<Row>,
    /// Only these recipes [default: those of each row]
    #[arg(long = "recipe", value_name = "RECIPE")]
    pub(super) recipes: Vec<Words>,
    /// Only these applications [default: those of each row]
    #[arg(long = "application", value_name = "APPLICATION")]
    pub(super) applications: Vec<Application>,
    /// Only the rows, only the times, or what a late kube-proxy costs [default: rows and times, unless rows, recipes or
    /// applications are chosen]
    #[arg(long, value_name = "PART")]
    pub(super) part: Option<Part>,
    /// How many pods are removed to see how late kube-proxy is
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(super) removals: usize,
    /// How often each application is rolled
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub(super) rolls: u32,
    /// Bounds that `segue inject` is told
    #[arg(long = "bound", value_name = "STAGE=D", default_value = "kube-proxy=3s")]
    pub(super) bounds: Vec<String>,
    /// What it is told that a request takes at most; the clients' longest take 2 s
    #[arg(long, value_name = "D", default_value = "5s")]
    pub(super) longest_request: String,
    /// Where ledgers and logs are kept
    #[arg(long, value_name = "DIR", default_value = "target/table")]
    pub(super) keep: PathBuf,
    /// Where the page is written [default: docs/results/DATE-plain-eks.md, if nothing was left out]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
}

impl Args {
    /// Whether nothing was left out.
    pub(super) fn is_whole(&self) -> bool {
        self.rows.is_empty() && self.recipes.is_empty() && self.applications.is_empty()
    }

    /// What `segue inject` is told.
    pub(super) fn inject(&self) -> Vec<String> {
        let bounds = self.bounds.iter().flat_map(|bound| ["--bound".to_owned(), bound.clone()]);
        bounds.chain(["--longest-request".to_owned(), self.longest_request.clone()]).collect()
    }
}

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    Rows,
    Times,
    Join,
}

/// A recipe, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Words {
    Nothing,
    Sleep10,
    Agent,
    Guard,
    Redirect,
}

impl Words {
    pub(super) fn recipe(self) -> Recipe {
        match self {
            Self::Nothing => Recipe::Nothing,
            Self::Sleep10 => Recipe::Sleep { seconds: 10 },
            Self::Agent => Recipe::Agent,
            Self::Guard => Recipe::Guard,
            Self::Redirect => Recipe::Redirect,
        }
    }
}

/// An application, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Application {
    Rude,
    Polite,
}

impl Application {
    pub(super) fn shutdown(self) -> ShutdownBehaviour {
        match self {
            Self::Rude => ShutdownBehaviour::Rude,
            Self::Polite => ShutdownBehaviour::Polite,
        }
    }
}
