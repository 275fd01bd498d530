//! The table that people read.

use comfy_table::{Cell, Color, Table};
use segue_demo::row::{Row, full_rate};

use crate::output;

pub(super) fn table(rows: &[Row]) -> Table {
    let mut table =
        output::table(&["RECIPE", "REQUESTS", "DROPPED", "S/INSTANCE", "SECONDS", "DROPS BY KIND"]);
    let full = full_rate(rows);
    for row in rows {
        let dropped = Cell::new(row.dropped).fg(if row.dropped == 0 { Color::Green } else { Color::Red });
        table.add_row(vec![
            // A note below says what the star means.
            Cell::new(format!("{}{}", row.name, if row.is_as_the_others(full) { "" } else { " *" })),
            Cell::new(row.requests),
            dropped,
            Cell::new(format!("{:.1}", row.seconds_per_instance)),
            Cell::new(format!("{:.1}", row.seconds)),
            Cell::new(row.drops_by_kind()),
        ]);
    }
    output::align_right(&mut table, &[1, 2, 3, 4]);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let rows: [(_, &[(&str, u64)]); 4] = [
            ("stop-then-start", &[("http-502", 512), ("truncated", 3)]),
            ("rolling", &[("http-502", 12)]),
            ("rolling-with-sleep", &[("websocket-no-close", 6)]),
            ("segue", &[]),
        ];
        let row = |(name, drops): (_, &[(&str, u64)])| Row {
            name,
            dropped: drops.iter().map(|(_, count)| count).sum(),
            drops: drops.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            requests: 21_204,
            seconds_per_instance: 6.04,
            seconds: 18.12,
            rate: 1000.0,
            valid: true,
            ..Row::default()
        };
        rows.map(row).into()
    }

    #[test]
    fn the_table_shows_every_recipe_on_one_line() {
        insta::assert_snapshot!(table(&rows()).trim_fmt(), @"
        RECIPE              REQUESTS  DROPPED  S/INSTANCE  SECONDS  DROPS BY KIND
        stop-then-start        21204      515         6.0     18.1  http-502 512, truncated 3
        rolling                21204       12         6.0     18.1  http-502 12
        rolling-with-sleep     21204        6         6.0     18.1  websocket-no-close 6
        segue                  21204        0         6.0     18.1
        ");
    }

    #[test]
    fn a_row_under_a_lower_rate_has_a_star() {
        let mut rows = rows();
        rows[1].rate = 500.0;
        let table = table(&rows).trim_fmt();
        let starred: Vec<&str> = table.lines().filter(|line| line.contains(" * ")).collect();
        assert!(starred.len() == 1 && starred[0].starts_with("rolling * "), "{table}");
    }
}
