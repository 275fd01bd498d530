//! Items edited each by itself come to the same as all of them at once.

use super::*;
use crate::splice::Position;
use crate::{Pointer, Step, parse};

/// As `kubectl get` prints them, and as people write them.
const LISTS: [&str; 4] = [
    "apiVersion: v1\nitems:\n- kind: A\n  metadata:\n    name: a\n  spec:\n    one: 1\n- kind: B\n  metadata: {name: b}\n- kind: C\nkind: List\nmetadata:\n  resourceVersion: \"\"\n",
    "kind: List   # all\nitems:   # of them\n  # first\n  - kind: A\n    spec: |+\n      kept\n\n\n  # second\n\n  - kind: B   # b\n    spec:\n      - x\n  -   kind: C\n      # the end",
    "kind: List\r\nitems:\r\n- kind: A\r\n- kind: B\r\n  list:\r\n  - b\r\n- kind: C\r\n# after\r\nz: 1\r\n",
    "items:\n- kind: A\n-\n  kind: B\n- \n  kind: C\n",
];

fn insert(dotted: &str, value: u32) -> Edit {
    let step = |word: &str| word.parse().map_or_else(|_| Step::from(word), Step::Index);
    Edit::Insert {
        at: Pointer(dotted.split('.').map(step).collect()),
        value: value.into(),
        position: Position::Last,
    }
}

/// One edit after the other, each in the whole.
fn at_once(stream: &Stream, edits: &[&Edit]) -> (Stream, Vec<Undo>) {
    let (mut now, mut undos) = (stream.clone(), Vec::new());
    for edit in edits {
        let (next, undo) = apply(&now, 0, edit, Undo::of).unwrap();
        now = next;
        undos.push(undo);
    }
    (now, undos)
}

#[test]
fn items_that_are_edited_each_by_itself_come_to_the_same_as_at_once() {
    let edits = ["items.2.new.way", "items.0.metadata.labels.x", "items.2.new.more", "items.1.last"];
    let edits: Vec<_> = edits.into_iter().zip(1..).map(|(at, value)| insert(at, value)).collect();
    let edits: Vec<_> = edits.iter().collect();
    for text in LISTS {
        let list = parse("list.yaml", text).unwrap();
        let (after, undos) = edit(&list, &edits).unwrap_or_else(|| panic!("not by items: {text:?}"));
        let (wanted, wanted_undos) = at_once(&list, &edits);
        assert_eq!(after.text(), wanted.text(), "{text:?}");
        assert_eq!(undos, wanted_undos, "{text:?}");
        assert_eq!(undo::all(&after, &undos).text(), text);
    }
}

#[test]
fn what_items_share_and_what_is_not_within_one_is_left_to_who_edits_at_once() {
    let of = |text: &str, at: &str| edit(&parse("list.yaml", text).unwrap(), &[&insert(at, 1)]).is_none();
    assert!(of("items:\n- a: &x {b: 1}\n- a: *x\n", "items.0.a.c"), "the other item would change too");
    assert!(of("items:\n- a: &x {b: 1}\n- a: *x\n", "items.1.c"), "the alias alone says nothing");
    assert!(of(LISTS[0], "items.3"), "a new item");
    assert!(of(LISTS[0], "metadata.name"), "beside the items");
    assert!(of("items: [{a: 1}, {b: 1}]\n", "items.0.c"), "no lines of their own");
    assert!(of("items:\n- a: 1\n", "items.0.c"), "nothing to be saved");
    assert!(of("items:\n- a: 1\n- b: 1\n", "items.2.c"), "there is no such item");
}
