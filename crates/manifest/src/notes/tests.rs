//! What is said once, of whom, and in which order.

use segue_yaml::{Pointer, Stream, parse};

use super::*;
use crate::objects::{Object, objects};

const PODS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop}
---
apiVersion: v1
kind: Pod
metadata: {name: b}
---
apiVersion: v1
kind: Pod
metadata: {name: c}
";

fn pods() -> (Vec<Stream>, Vec<Object>) {
    let streams = vec![parse("app.yaml", PODS).unwrap()];
    let objects = objects(&streams).unwrap();
    (streams, objects)
}

fn of(rule: Rule, object: &Object, words: impl Into<Words>) -> Note {
    Note::of(rule, (object, &Pointer::root()), words)
}

/// Each group as `sentence <- its subjects`.
fn shown(notes: &[Note]) -> Vec<String> {
    grouped(notes).iter().map(|one| format!("{} <- {}", one.sentence(), one.subjects().join(", "))).collect()
}

#[test]
fn what_is_true_of_several_objects_is_said_once_with_their_names() {
    let (_, pods) = pods();
    let all: Vec<Note> = pods.iter().map(|pod| of(Rule::Paused, pod, "it is paused")).collect();
    assert_eq!(shown(&all), ["it is paused <- Pod shop/a, Pod b, Pod c"]);
    let other = of(Rule::OnDelete, &pods[1], "it is paused");
    assert_eq!(shown(&[all[0].clone(), other]).len(), 2, "another rule says something else");
    let same = Note { object: Some("Pod shop/a".to_owned()), ..all[1].clone() };
    assert_eq!(shown(&[all[0].clone(), same]), ["it is paused <- Pod shop/a, Pod shop/a"], "of two files");
}

#[test]
fn details_that_differ_stand_beside_the_names_and_one_that_all_have_is_said_once() {
    let (_, pods) = pods();
    let of = |pod: usize, port: &str| of(Rule::HostPort, &pods[pod], (port, "nobody knows"));
    assert_eq!(
        shown(&[of(0, "port 1"), of(0, "port 2"), of(1, "port 1")]),
        ["nobody knows <- Pod shop/a (port 1; port 2), Pod b (port 1)"]
    );
    let parted = [of(0, "port 1"), of(1, "port 2"), of(2, "port 1")];
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        grouped(&parted)[0].parts(),
        [(Some("port 1"), names(&["Pod shop/a", "Pod c"])), (Some("port 2"), names(&["Pod b"]))]
    );
    let all_differ = [of(0, "port 1"), of(1, "port 2")];
    assert_eq!(grouped(&all_differ)[0].parts(), [(None, names(&["Pod shop/a (port 1)", "Pod b (port 2)"]))]);
    assert_eq!(shown(&[of(0, "port 1"), of(1, "port 1")]), ["port 1: nobody knows <- Pod shop/a, Pod b"]);
    assert_eq!(shown(&[of(0, "port 1")]), ["nobody knows <- Pod shop/a (port 1)"]);
    let whole = |detail: &str| Note::of_all(Rule::UnusedBound, (detail, "changes nothing"));
    assert_eq!(
        shown(&[whole("--bound a=D"), whole("--bound b=D")]),
        ["changes nothing <- --bound a=D, --bound b=D"]
    );
    assert_eq!(shown(&[Note::of_all(Rule::NothingToDo, "nothing")]), ["nothing <- "]);
}

#[test]
fn what_needs_doing_comes_first_and_then_the_order_of_the_files_decides() {
    let (_, pods) = pods();
    let mut notes = vec![
        Note::of_all(Rule::UnusedBound, "whole"),
        of(Rule::NothingReplaces, &pods[2], "no promise"),
        of(Rule::KubeProxyJoin, &pods[0], "worth knowing"),
        of(Rule::Paused, &pods[1], "second"),
        of(Rule::OnDelete, &pods[1], "third"),
        of(Rule::Partition, &pods[0], "first"),
    ];
    in_order(&mut notes);
    let texts: Vec<_> = notes.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(texts, ["first", "second", "third", "whole", "no promise", "worth knowing"]);
}

#[test]
fn a_note_has_its_place_in_the_text_that_was_given_and_says_itself_in_one_line() {
    let (streams, pods) = pods();
    let at = Pointer::keys(["metadata", "name"]);
    let note = Note::of(Rule::Paused, (&pods[1], &at), ("why", "it is paused"));
    assert_eq!(note.spot(&streams), Some(Spot { file: "app.yaml".to_owned(), line: 7, column: 18 }));
    assert_eq!(
        (note.to_string().as_str(), note.message().as_str()),
        ("Pod b (why): it is paused", "why: it is paused")
    );
    let deeper =
        Note::of(Rule::Paused, (&pods[1], &Pointer::keys(["metadata", "labels", "app"])), "no label");
    assert_eq!(deeper.spot(&streams).unwrap().line, 7, "the nearest part above that is there");
    assert_eq!(Note::of_all(Rule::Paused, "all").spot(&streams), None);
}

#[test]
fn names_of_rules_are_kebab_case_and_no_two_are_equal() {
    let ids: std::collections::BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for id in ids {
        assert!(
            id.split('-').all(|word| !word.is_empty() && word.chars().all(|one| one.is_ascii_lowercase())),
            "{id}"
        );
    }
}
