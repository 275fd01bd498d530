//! The table of plain Kubernetes: recipes × applications under all clients at once, on the real cluster of `e2e/cluster`.
//!
//! `cargo xtask table` makes all of it; a run of chosen rows is printed and written nowhere.

mod args;
mod cell;
mod join;
mod page;
mod rows;
mod timing;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use segue_cluster::{Cluster, Options, ProxyMode};
use segue_e2e::plain::{self, Client, Recipe, Scenario, ShutdownBehaviour};

pub(crate) use args::Args;
use args::Part;
use cell::Cell;
use rows::Row;

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

fn row_of(cluster: &Cluster, row: Row, args: &Args, cells: &mut Vec<Cell>) {
    for (recipe, shutdown) in row.cells() {
        let recipes: Vec<Recipe> = args.recipes.iter().map(|words| words.recipe()).collect();
        let applications: Vec<ShutdownBehaviour> =
            args.applications.iter().map(|words| words.shutdown()).collect();
        if !(recipes.is_empty() || recipes.contains(&recipe))
            || !(applications.is_empty() || applications.contains(&shutdown))
        {
            continue;
        }
        let mut setup = row.setup(recipe, shutdown);
        setup.inject.extend(args.inject());
        let name = format!("{}-{}", row.name(), cells.len() + 1);
        eprintln!("{name}: {recipe}, {} application", shutdown.name());
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
