//! The table of plain Kubernetes: recipes × applications under all clients at once, on the real cluster of `e2e/cluster`.
//!
//! `cargo xtask table` makes all of it; a run of chosen rows is printed and written nowhere.

mod join;
mod page;
mod rows;
mod timing;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::ValueEnum;
use segue_cluster::{Cluster, Options, ProxyMode};
use segue_e2e::plain::{self, Client, Manners, Recipe, Scenario};

use rows::Row;

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these rows [default: all but full-alb and full-nlb]
    #[arg(long = "row", value_name = "ROW")]
    rows: Vec<Row>,
    /// Only these recipes [default: those of each row]
    #[arg(long = "recipe", value_name = "RECIPE")]
    recipes: Vec<Words>,
    /// Only these applications [default: those of each row]
    #[arg(long = "application", value_name = "APPLICATION")]
    applications: Vec<Application>,
    /// Only the rows, only the times, or what a late kube-proxy costs [default: rows and times, unless rows, recipes or
    /// applications are chosen]
    #[arg(long, value_name = "PART")]
    part: Option<Part>,
    /// How many pods are removed to see how late kube-proxy is
    #[arg(long, value_name = "N", default_value_t = 200)]
    removals: usize,
    /// How often each application is rolled
    #[arg(long, value_name = "N", default_value_t = 2)]
    rolls: u32,
    /// Bounds that `segue inject` is told
    #[arg(long = "bound", value_name = "STAGE=D", default_value = "kube-proxy=3s")]
    bounds: Vec<String>,
    /// What it is told that a request takes at most; the clients' longest take 2 s
    #[arg(long, value_name = "D", default_value = "5s")]
    longest_request: String,
    /// Where ledgers and logs are kept
    #[arg(long, value_name = "DIR", default_value = "target/table")]
    keep: PathBuf,
    /// Where the page is written [default: docs/results/DATE-plain-eks.md, if nothing was left out]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    /// Whether nothing was left out.
    fn is_whole(&self) -> bool {
        self.rows.is_empty() && self.recipes.is_empty() && self.applications.is_empty()
    }
}

/// A part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Rows,
    Times,
    Join,
}

/// A recipe, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Words {
    Nothing,
    Sleep10,
    Agent,
    Guard,
}

impl Words {
    fn recipe(self) -> Recipe {
        match self {
            Self::Nothing => Recipe::Nothing,
            Self::Sleep10 => Recipe::Sleep { seconds: 10 },
            Self::Agent => Recipe::Agent,
            Self::Guard => Recipe::Guard,
        }
    }
}

/// An application, as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Application {
    Rude,
    Polite,
}

impl Application {
    fn manners(self) -> Manners {
        match self {
            Self::Rude => Manners::Rude,
            Self::Polite => Manners::Polite,
        }
    }
}

/// One cell, and what it showed; an error is shown where its numbers would be.
struct Cell {
    row: Row,
    setup: plain::Setup,
    outcome: anyhow::Result<plain::Outcome>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.part == Some(Part::Join) {
        return join::run(args);
    }
    let chosen = if args.rows.is_empty() { Row::usual() } else { args.rows.clone() };
    let chosen = if args.part == Some(Part::Times) { Vec::new() } else { chosen };
    let times = args.part.map_or(args.is_whole(), |part| part == Part::Times);
    let images = plain::deployed::images(true)?;
    let (mut cells, mut figures) = (Vec::new(), String::new());
    for mode in [ProxyMode::Iptables, ProxyMode::Nftables] {
        let rows: Vec<Row> = chosen.iter().copied().filter(|row| row.mode() == mode).collect();
        let times = times && mode == ProxyMode::Iptables;
        if rows.is_empty() && !times {
            continue;
        }
        let options = Options { proxy_mode: mode, images: images.clone(), ..Options::default() };
        let cluster = Cluster::up(&options).context("no cluster")?;
        for row in rows {
            row_of(&cluster, row, args, &mut cells);
        }
        if times {
            figures = timing::run(&cluster, args.removals, &args.keep)?;
        }
        cluster.down()?;
    }
    let page = page::render(args, &cells) + &figures;
    println!("{page}");
    if let Some(file) = out(args) {
        std::fs::write(&file, &page).with_context(|| format!("cannot write {}", file.display()))?;
        eprintln!("written: {}", file.display());
    }
    let missing = cells.iter().filter(|cell| cell.outcome.is_err()).count();
    ensure!(missing == 0, "{missing} of {} cells have no result", cells.len());
    Ok(())
}

impl Args {
    /// What `segue inject` is told.
    fn inject(&self) -> Vec<String> {
        let bounds = self.bounds.iter().flat_map(|bound| ["--bound".to_owned(), bound.clone()]);
        bounds.chain(["--longest-request".to_owned(), self.longest_request.clone()]).collect()
    }
}

fn row_of(cluster: &Cluster, row: Row, args: &Args, cells: &mut Vec<Cell>) {
    for (recipe, manners) in row.cells() {
        let recipes: Vec<Recipe> = args.recipes.iter().map(|words| words.recipe()).collect();
        let applications: Vec<Manners> = args.applications.iter().map(|words| words.manners()).collect();
        if !(recipes.is_empty() || recipes.contains(&recipe))
            || !(applications.is_empty() || applications.contains(&manners))
        {
            continue;
        }
        let mut setup = row.setup(recipe, manners);
        setup.inject.extend(args.inject());
        let name = format!("{}-{}", row.name(), cells.len() + 1);
        eprintln!("{name}: {recipe}, {} application", manners.name());
        let scenario = Scenario {
            setup: setup.clone(),
            namespace: name.clone(),
            rolls: args.rolls,
            stall: None,
            clients: Client::ALL.to_vec(),
            folder: args.keep.join(&name),
        };
        let outcome = plain::run(cluster, &scenario);
        match &outcome {
            Ok(outcome) => eprintln!("  {}", page::line(outcome)),
            Err(error) => eprintln!("  no result: {error:#}"),
        }
        cells.push(Cell { row, setup, outcome });
    }
}

/// Where the page goes: only a whole one is kept without being asked for.
fn out(args: &Args) -> Option<PathBuf> {
    args.out.clone().or_else(|| {
        let date = jiff::Zoned::now().date();
        (args.is_whole() && args.part.is_none())
            .then(|| Path::new("docs/results").join(format!("{date}-plain-eks.md")))
    })
}
