//! A whole manifest as people read it, and what is said about it.

use super::*;

#[test]
fn a_shop_behind_an_alb() {
    let injected = Injected::of(include_str!("fixtures/shop.yaml"), &guarded());
    // The record is for machines.
    let shown = injected.text.lines().map(|line| match line.split_once("segue.dev/injected: ") {
        Some((before, _)) => format!("{before}segue.dev/injected: (the record)\n"),
        None => format!("{line}\n"),
    });
    insta::assert_snapshot!("shop", shown.collect::<String>());
    insta::assert_snapshot!("shop_notes", injected.notes);
}

#[test]
fn a_refusal_is_drawn_with_its_place_and_what_would_be_right() {
    let text =
        include_str!("fixtures/shop.yaml").replace("  strategy:\n", "  strategy:\n    type: Recreate\n");
    insta::assert_snapshot!("refusal", with(&text, &guarded()).unwrap_err());
}
