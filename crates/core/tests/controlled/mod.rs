//! Small worlds in which a controller replaces the instances, and what watches it may only pause it, let it go on or turn it back:
//! each interleaving of both, of crashes, and of somebody else who scales, pauses or rolls meanwhile.

mod model;
mod rules;

use crate::exhaustive::check;
use model::{Small, Summary};

#[test]
fn a_controller_is_held_until_the_last_client_knows_the_new_one() {
    let one = || Small::new((1, 1, 0));
    check("1, crash", one().crashes(1).sees(&[Summary::Reached, Summary::WentBack]));
    check("1, faltering", one().falters(1).sees(&[Summary::Reached]));
    check("1, abort", one().aborts().sees(&[Summary::Reached, Summary::WentBack]));
    check("2", Small::new((2, 1, 0)).sees(&[Summary::Reached, Summary::Held]));
    check("2, in place", Small::new((2, 0, 1)).sees(&[Summary::Reached]));
}

#[test]
fn a_version_that_is_never_ready_is_undone() {
    let world = || Small::new((2, 1, 0)).never_ready();
    check("never ready", world().sees(&[Summary::WentBack]));
    check("never ready, abort, restart", world().aborts().restarts(1).sees(&[Summary::WentBack]));
}

#[test]
fn whoever_watches_may_be_away() {
    check("restart", Small::new((2, 1, 0)).restarts(1).sees(&[Summary::Reached, Summary::Held]));
}

#[test]
fn somebody_else_scales_pauses_or_rolls_meanwhile() {
    check("1 → 2", Small::new((1, 1, 0)).scaled_to(2).sees(&[Summary::Reached]));
    check("2 → 1", Small::new((2, 0, 1)).scaled_to(1).sees(&[Summary::Reached]));
    check("paused", Small::new((2, 1, 0)).others_pause().sees(&[Summary::Reached]));
    check("rolled", Small::new((1, 1, 0)).others_roll().sees(&[Summary::Reached, Summary::TakenOver]));
}

/// What the pause cannot help against: a controller that acts before anybody has looked. So an instance must also be left some
/// time between ready and counted, as `minReadySeconds` does.
#[test]
fn a_controller_that_takes_before_it_is_looked_at_goes_below_the_floor() {
    check("hasty", Small::new((2, 1, 0)).hasty().sees(&[Summary::Reached, Summary::BelowFloor]));
    check("late", Small::new((1, 1, 0)).late().sees(&[Summary::Reached, Summary::BelowFloor]));
}
