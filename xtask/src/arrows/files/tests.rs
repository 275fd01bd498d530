//! Small crates, a text per file.

use std::path::{Path, PathBuf};

use super::judge;

/// What is said of a crate of these files, whose first one is the root.
fn said(files: &[(&str, &str)]) -> Result<String, String> {
    let read = |path: &Path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned())
    };
    judge(&[PathBuf::from(files[0].0)], &read).map_err(|error| format!("{error:#}"))
}

/// The arrows of the circle that is told, each as `file:line`.
fn circle(files: &[(&str, &str)]) -> Vec<String> {
    let told = said(files).expect_err("there is a circle");
    let lines = told.lines().filter_map(|line| line.strip_prefix("    "));
    lines.map(|line| line.split(": ").next().unwrap().to_owned()).collect()
}

#[track_caller]
fn has_none(files: &[(&str, &str)], arrows: usize) {
    let said = said(files).unwrap();
    assert!(said.contains(&format!(" {arrows} arrows")), "{said}");
}

const TWO: [(&str, &str); 3] = [
    ("lib.rs", "mod a; mod b;"),
    ("a.rs", "use crate::b::Back;\npub struct Front(Back);"),
    ("b.rs", "pub struct Back;\n\nfn from(\n    front: super::a::Front,\n) {}"),
];

#[test]
fn two_files_that_use_each_other_are_told_with_the_lines_that_do_so() {
    let told = said(&TWO).unwrap_err();
    assert_eq!(
        told,
        "files that use each other in a circle:\n\n\
         \x20 a.rs uses b.rs\n\
         \x20   a.rs:1: use crate::b::Back;\n\
         \x20 b.rs uses a.rs\n\
         \x20   b.rs:4: front: super::a::Front,\n"
    );
}

#[test]
fn a_circle_of_three_is_told_in_its_order() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::c::C; pub struct A(C);"),
        ("b.rs", "use crate::a::A; pub struct B(A);"),
        ("c.rs", "use crate::{b::B, d::D}; pub struct C(B, D);"),
        ("d.rs", "pub struct D;"),
    ];
    assert_eq!(circle(&files), ["a.rs:1", "c.rs:1", "b.rs:1"]);
}

#[test]
fn files_that_longer_circles_tie_to_it_are_named() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use crate::{a::A, c::C}; pub struct B(A, C);"),
        ("c.rs", "use crate::a::A; pub struct C(A);"),
    ];
    assert!(said(&files).unwrap_err().contains("longer circles: c.rs"));
}

#[test]
fn one_way_is_no_circle() {
    has_none(
        &[
            ("lib.rs", "mod a; mod b; mod c;"),
            ("a.rs", "use crate::b::B; use crate::c::C; pub struct A(B, C);"),
            ("b.rs", "use crate::c::C; pub struct B(C);"),
            ("c.rs", "pub struct C;"),
        ],
        3,
    );
}

#[test]
fn a_parent_that_hands_its_child_on_uses_nothing_of_it() {
    has_none(
        &[
            ("lib.rs", "mod x; pub use x::{Thing, deeper::*}; pub struct Shared;"),
            ("x.rs", "pub mod deeper; use crate::Shared; pub struct Thing(Shared);"),
            ("x/deeper.rs", "pub struct Deep(crate::Shared);"),
        ],
        2,
    );
}

#[test]
fn a_parent_whose_own_code_uses_its_child_does() {
    let child = ("x/mod.rs", "use super::Shared; pub struct Thing(Shared);");
    let named = "mod x; pub use x::Thing;\npub struct Shared;\npub fn run(thing: &Thing) {}";
    assert_eq!(circle(&[("lib.rs", named), child]), ["lib.rs:3", "x/mod.rs:1"]);
    let by_path = "mod x; pub struct Shared;\npub fn run() { x::Thing::new(); }";
    assert_eq!(circle(&[("lib.rs", by_path), child]), ["lib.rs:2", "x/mod.rs:1"]);
}

#[test]
fn a_re_export_of_a_stranger_is_a_use() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub use crate::b::Back; pub struct Front;"),
        ("b.rs", "pub struct Back(crate::a::Front);"),
    ];
    assert_eq!(circle(&files), ["a.rs:1", "b.rs:1"]);
}

#[test]
fn what_is_re_exported_belongs_to_the_file_that_defines_it() {
    // b uses a's child, and so not a, which uses b.
    has_none(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a/mod.rs", "mod low; pub use low::*; pub fn run() { crate::b::help() }"),
            ("a/low.rs", "pub struct Low; pub mod inline { pub struct Lowest; }"),
            ("b.rs", "use crate::a; use a::inline; pub fn help() { let _: (a::Low, inline::Lowest); }"),
        ],
        2,
    );
}

#[test]
fn code_for_tests_is_left_out() {
    has_none(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::Back; pub struct Front(Back); #[cfg(test)] mod tests;"),
            ("a/tests.rs", "use super::Front;"),
            (
                "b.rs",
                "pub struct Back; #[cfg(test)] use crate::a::Front; #[cfg(all(test, unix))] fn of(front: crate::a::Front) {}
                 impl Back { #[cfg(test)] fn front(&self) -> crate::a::Front {} }
                 #[cfg(test)] mod tests { use super::super::a::Front; }",
            ),
        ],
        1,
    );
    let but_not = [TWO[0], TWO[1], ("b.rs", "pub struct Back; #[cfg(not(test))] use crate::a::Front;")];
    assert_eq!(circle(&but_not).len(), 2);
}

#[test]
fn groups_globs_and_renames_are_read() {
    for line in [
        "use crate::{other, a::{self, Front}};",
        "use super::a::*;",
        "use crate::a::Front as _;",
        "use crate::a as front; fn of(_: front::Front) {}",
        "fn of() { use super::a::Front; }",
        "mod inner { use super::super::a::Front; }",
    ] {
        let back = format!("pub struct Back;\n{line}");
        assert_eq!(circle(&[TWO[0], TWO[1], ("b.rs", &back)]), ["a.rs:1", "b.rs:2"], "{line}");
    }
}

#[test]
fn paths_in_code_macros_and_attributes_are_read() {
    for line in [
        "fn of() -> Vec<crate::a::Front> {}",
        "impl From<super::a::Front> for Back {}",
        "fn of() { println!(\"{}\", f(1, crate::a::Front::new())) }",
        "macro_rules! front { () => { $crate::a::Front } }",
        "#[derive(Deserialize)] struct Raw { #[serde(default, with = \"crate::a::Front\")] key: u8 }",
        "#[arg(value_parser = super::a::Front::parse)] struct Raw;",
    ] {
        let back = format!("pub struct Back;\n{line}");
        assert_eq!(circle(&[TWO[0], TWO[1], ("b.rs", &back)]), ["a.rs:1", "b.rs:2"], "{line}");
    }
}

#[test]
fn other_crates_and_bare_names_of_modules_are_no_arrows() {
    has_none(
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b; use serde::b::Other; pub fn a(value: b::Back) {}"),
            (
                "b.rs",
                "use crate::a; use b::a as c; pub struct Back; fn of(a: u8) { ::a::run(); c::b(); x.a }",
            ),
        ],
        1,
    );
}

#[test]
fn a_function_that_has_its_modules_name_is_the_function() {
    let files = [("lib.rs", "mod a; pub fn a() {}"), ("a.rs", "pub fn of() { crate::a(); crate::a::of(); }")];
    has_none(&files, 1);
}

#[test]
fn a_file_at_a_named_path_is_found_and_a_missing_one_is_told() {
    has_none(
        &[
            ("tests/all.rs", "#[path = \"parts/one.rs\"] mod one; fn run() { one::run() }"),
            ("tests/parts/one.rs", "pub fn run() {}"),
        ],
        1,
    );
    assert!(said(&[("lib.rs", "mod gone;")]).unwrap_err().contains("gone/mod.rs"));
    assert!(said(&[("lib.rs", "fn {")]).unwrap_err().contains("lib.rs is not Rust"));
}
