//! Every small world: each interleaving of what a driver does and of what may happen to it, checked by `stateright`.

mod model;
mod rules;

use crate::exhaustive::check;
use model::{Small, Summary};

#[test]
fn two_are_replaced_one_by_one_beside_the_old_ones() {
    let world = || Small::new((2, 1, 0), (2, 1, 0));
    check("2 → 2, crash", world().crashes(1).sees(&[Summary::Reached, Summary::WentBack, Summary::Cut]));
    check("2 → 2, abort", world().aborts().sees(&[Summary::Reached, Summary::WentBack, Summary::Cut]));
    check("2 → 2, restart", world().restarts(1).sees(&[Summary::Reached, Summary::Cut]));
}

#[test]
fn three_are_replaced_in_place() {
    let world = Small::new((3, 0, 1), (3, 0, 1));
    check("3 → 3", world.sees(&[Summary::Reached, Summary::Cut]));
}

#[test]
fn a_router_that_takes_changes_late_and_clients_that_learn_of_them_later() {
    let world = || Small::new((1, 1, 0), (1, 1, 0)).late_router().late_clients();
    check("1 → 1, late, crash", world().crashes(1).aborts().sees(&[Summary::Reached, Summary::Cut]));
    check("1 → 1, late, restart", world().keeps_router().restarts(1).sees(&[Summary::Reached, Summary::Cut]));
    check("1 → 1, late, abort", world().restarts(1).aborts().sees(&[Summary::WentBack, Summary::Cut]));
}

#[test]
fn readiness_that_comes_and_goes() {
    let world = Small::new((2, 1, 0), (2, 1, 0)).falters(1);
    check("2 → 2, faltering", world.sees(&[Summary::Reached]));
}

#[test]
fn a_version_that_is_never_ready_while_the_driver_dies() {
    let world = Small::new((2, 1, 0), (2, 1, 0)).never_ready().restarts(1).keeps_router().two_at_once();
    check("2 → 2, never ready", world.sees(&[Summary::WentBack]));
}

#[test]
fn fewer_and_more_instances() {
    let world = Small::new((2, 1, 0), (1, 0, 1)).aborts();
    check("2 → 1, abort", world.sees(&[Summary::Reached, Summary::WentBack]));
    let world = Small::new((1, 1, 0), (2, 0, 1)).restarts(1).ignores_stop();
    check("1 → 2, restart", world.sees(&[Summary::Reached, Summary::Killed]));
}
