//! A row that this machine was too busy for is measured again, at last under less load; here, and told in plain words.

use crate::folder::Folder;
use crate::picture::Panel;
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::row::{Row, SEGUE};
use crate::settings::Settings;

/// What share of the rate each try of a row is under: once more the whole, for what came between may be over by then.
const SHARES: [f64; 3] = [1.0, 1.0, 0.5];

/// Measures a row until it is valid, or has been tried often enough.
pub(crate) async fn measured(
    recipe: Recipe,
    settings: &Settings,
    folder: &Folder,
    line: &mut dyn Progress,
) -> anyhow::Result<Panel> {
    let mut share = SHARES[0];
    let mut tries = 1;
    loop {
        let mut panel = recipe.perform(&settings.with_share(share), folder, line).await?;
        panel.row.tries = tries;
        let Some(next) = again(&panel.row) else { return Ok(panel) };
        let rate = settings.with_share(next).rate;
        let under = if next < share { format!(", now under {rate:.0} requests/s") } else { String::new() };
        line.say(&format!(
            "{}: this machine is too busy to send on time ({}), so it is measured again{under}",
            recipe.what(),
            panel.row.reason()
        ));
        share = next;
        tries += 1;
    }
}

/// The share of the rate for the next try; none if this one is kept.
fn again(row: &Row) -> Option<f64> {
    // What Segue dropped is told, never tried away.
    let told = row.name == SEGUE && row.dropped > 0;
    if row.valid || told { None } else { SHARES.get(row.tries).copied() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, tries: usize, valid: bool, dropped: u64) -> Row {
        let invalid_because = (!valid).then(|| "late".to_owned());
        Row { name, dropped, tries, valid, invalid_because, ..Row::default() }
    }

    #[test]
    fn what_is_valid_is_kept() {
        assert_eq!(again(&row("rolling", 1, true, 0)), None);
        assert_eq!(again(&row(SEGUE, 2, true, 3)), None);
    }

    #[test]
    fn what_is_not_is_tried_once_more_then_under_half_and_then_kept() {
        let next = |tries| again(&row("rolling", tries, false, 12));
        assert_eq!([next(1), next(2), next(3)], [Some(1.0), Some(0.5), None]);
    }

    #[test]
    fn a_drop_of_segue_s_is_never_tried_away() {
        assert_eq!(again(&row(SEGUE, 1, false, 1)), None);
        assert_eq!(again(&row(SEGUE, 1, false, 0)), Some(1.0));
    }
}
