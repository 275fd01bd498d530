//! The table as Markdown.

use std::fmt::Write;

use segue_e2e::plain::outcome::Total;
use segue_e2e::plain::{Client, Outcome};

use super::args::Args;
use super::cell::Cell;
use super::rows::Row;
use crate::spread::Spread;

/// The whole page.
pub(crate) fn render(args: &Args, cells: &[Cell]) -> String {
    let mut text = format!(
        "Four pods on two nodes, rolled {} times under {} clients at once (six kinds from a pod and from the node \
         itself, on both nodes), with 1 s kubelet probes and a scraper that never stops. `segue inject` was told \
         `{}`.\n",
        args.rolls,
        Client::ALL.len() * 4,
        args.inject().join(" "),
    );
    let mut rows: Vec<Row> = cells.iter().map(|cell| cell.row).collect();
    rows.dedup();
    for row in rows {
        let cells: Vec<&Cell> = cells.iter().filter(|cell| cell.row == row).collect();
        // Writing to a string does not fail.
        let _ = write!(text, "\n## {}\n\n{}", row.title(), table(&cells));
    }
    text
}

/// One cell in one line, for progress.
pub(crate) fn line(outcome: &Outcome) -> String {
    let all = outcome.all();
    let each = Client::ALL.map(|client| format!("{} {}", client.name(), drops(&outcome.client(client))));
    format!(
        "{}{} of {} dropped ({:.0}/s): {}; {}",
        outcome.invalid().map(|why| format!("INVALID ({why}): ")).unwrap_or_default(),
        all.dropped,
        all.requests,
        outcome.rate(),
        each.join(", "),
        leaving(outcome),
    )
}

fn table(cells: &[&Cell]) -> String {
    let mut text = "| recipe | application |".to_owned();
    for client in Client::ALL {
        let _ = write!(text, " {} |", client.name());
    }
    text += " requests (per second) | s from delete to gone: min, median, max | s per rollout: done, old pods gone | \
             `closed_idle` | `raced` | `cut` |\n|---|---|";
    text += &"---|".repeat(Client::ALL.len() + 6);
    text += "\n";
    for cell in cells {
        let _ = write!(text, "| {} | {} |", cell.setup.recipe, cell.setup.shutdown.name());
        match &cell.outcome {
            Ok(outcome) => text += &numbers(outcome),
            Err(error) => {
                let _ = write!(text, " no result: {error:#} |");
            }
        }
        text += "\n";
    }
    text
}

fn numbers(outcome: &Outcome) -> String {
    let mut text = String::new();
    if let Some(why) = outcome.invalid() {
        return format!(" invalid: {why} |");
    }
    for client in Client::ALL {
        let _ = write!(text, " {} |", drops(&outcome.client(client)));
    }
    let all = outcome.all();
    let _ = write!(text, " {} ({:.0}) | {} |", all.requests, outcome.rate(), leaving(outcome));
    let rollouts = outcome.rollouts.iter().map(|roll| format!("{:.1}, {:.1}", roll.done, roll.gone));
    let _ = write!(text, " {} |", rollouts.collect::<Vec<_>>().join("; "));
    for counter in ["closed_idle", "raced", "cut"] {
        let count = outcome.counter(counter).map_or("–".to_owned(), |count| count.to_string());
        let _ = write!(text, " {count} |");
    }
    text
}

/// `0`, or how many of how many, and of what kinds.
fn drops(total: &Total) -> String {
    if total.dropped == 0 {
        return if total.requests == 0 { "–".to_owned() } else { "0".to_owned() };
    }
    let kinds: Vec<_> = total.drops.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    format!("**{}** of {} ({})", total.dropped, total.requests, kinds.join(", "))
}

fn leaving(outcome: &Outcome) -> String {
    let mut seconds: Vec<f64> = outcome.removals.iter().map(|removal| removal.seconds).collect();
    let Spread { min, median, max } = Spread::of(&mut seconds);
    format!("{min:.1}, {median:.1}, {max:.1}")
}
