//! What holds for every text: it reads as what it says, edits are what was meant, and undoing them is exact.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::writer::Writer;
use super::*;
use crate::{Undo, value};

fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9999i64..70000).prop_map(Value::from),
        "[b-k]{1,6}".prop_map(Value::from),
        prop_oneof![
            Just("yes"),
            Just("0777"),
            Just("12:30"),
            Just("a: b"),
            Just("# x"),
            Just("- y"),
            Just("it's"),
            Just("\"q\""),
            Just("{{ x }}"),
            Just("a,b"),
            Just(""),
            Just("*x"),
            Just("%"),
            Just("ü→"),
            Just("x\\y"),
            Just(" s "),
            Just("run\nit\n"),
            Just("no end\nhere"),
            Just("keep\n\n\n"),
            Just("8080"),
            Just("1e3"),
            Just("null"),
            Just("a\tb"),
        ]
        .prop_map(Value::from),
    ]
}

fn keys() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,5}",
        1 => prop_oneof![Just("name"), Just("segue.dev/plan"), Just("on"), Just("a b"), Just("it's: so"), Just("0")]
            .prop_map(String::from),
    ]
}

fn trees() -> impl Strategy<Value = Value> {
    let tree = scalars().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(keys(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(keys(), tree, 1..5).prop_map(|map| Value::Object(map.into_iter().collect()))
}

fn writers() -> impl Strategy<Value = Writer> {
    let indents = prop_oneof![Just((2, 0)), Just((2, 2)), Just((4, 0)), Just((4, 4)), Just((3, 1))];
    (indents, any::<bool>(), prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|((step, dash), crlf, choices)| Writer { step, dash, crlf, choices, next: 0 })
}

/// A stream whose second document is the given value, and in which other documents surround it.
fn stream_of(value: &Value, writer: &Writer, ends: u8) -> String {
    let own = writer.clone().document(value);
    let newline = if writer.crlf { "\r\n" } else { "\n" };
    let bom = if ends & 1 == 1 { "\u{feff}" } else { "" };
    let end = if ends & 2 == 2 {
        format!("...{newline}---{newline}# only a comment{newline}")
    } else {
        String::new()
    };
    let first = format!("{bom}# head{newline}kind: Config{newline}---{newline}");
    let mut text = format!("{first}{own}{end}");
    if ends & 4 == 4 && ends & 2 == 0 && !own.trim_end().is_empty() {
        // Without a final line break, unless a text would lose its own.
        let cut = text.trim_end().to_owned();
        if parse("t", &cut).is_ok_and(|stream| stream.documents()[1].json() == value) {
            text = cut;
        }
    }
    text
}

/// All pointers of a value, the root first.
fn pointers(value: &Value) -> Vec<Pointer> {
    let mut all = Vec::new();
    let mut open = vec![(Pointer::root(), value)];
    while let Some((at, value)) = open.pop() {
        match value {
            Value::Object(object) => {
                open.extend(object.iter().map(|(key, value)| (at.then(key.as_str()), value)));
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(index, value)| (at.then(index), value)));
            }
            _ => {}
        }
        all.push(at);
    }
    all
}

/// Some edit that a value can take, by a number.
fn any_edit(document: &Value, number: usize, new: Value) -> Edit {
    let all = pointers(document);
    let at = all[number / 4 % all.len()].clone();
    match (value::at(document, &at).unwrap(), number % 4) {
        (Value::Object(object), 0 | 1) => {
            Edit::Insert { at: at.then(new_key(object)), value: new, position: Position::Last }
        }
        (Value::Array(items), 0 | 1) => {
            let position = match number / 64 % 3 {
                0 => Position::First,
                1 => Position::Last,
                _ => Position::Before(number / 128 % (items.len() + 1)),
            };
            Edit::Insert { at: at.then(0), value: new, position }
        }
        (Value::Null, 0 | 1) if !at.steps().is_empty() => {
            Edit::Insert { at: at.then("made").then(0).then("deep"), value: new, position: Position::Last }
        }
        (_, 2) if !at.steps().is_empty() => Edit::Remove { at },
        (Value::Object(object), _) if at.steps().is_empty() => {
            Edit::Insert { at: at.then(new_key(object)), value: new, position: Position::Last }
        }
        _ => Edit::Set { at, value: new },
    }
}

fn new_key(object: &Map<String, Value>) -> String {
    let mut key = String::from("new.key");
    while object.contains_key(&key) {
        key.push('x');
    }
    key
}

/// What the document must read as; written anew for the test.
fn meant(document: &Value, edit: &Edit) -> Value {
    let mut document = document.clone();
    let pointer = |at: &Pointer| -> String {
        at.steps()
            .iter()
            .map(|step| match step {
                Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
                Step::Index(index) => format!("/{index}"),
            })
            .collect()
    };
    match edit {
        Edit::Set { at, value } => *document.pointer_mut(&pointer(at)).unwrap() = value.clone(),
        Edit::Remove { at } => {
            let (holder, last) = at.split_last().unwrap();
            match (document.pointer_mut(&pointer(&holder)).unwrap(), last) {
                (Value::Object(object), Step::Key(key)) => drop(object.remove(key)),
                (Value::Array(items), Step::Index(index)) => drop(items.remove(*index)),
                _ => unreachable!(),
            }
        }
        Edit::Insert { at, value, position } => {
            if at.steps().ends_with(way("made.0.deep").steps()) {
                let holder = Pointer(at.steps()[..at.steps().len() - 3].to_vec());
                *document.pointer_mut(&pointer(&holder)).unwrap() = json!({"made": [{"deep": value}]});
                return document;
            }
            let (holder, last) = at.split_last().unwrap();
            match (document.pointer_mut(&pointer(&holder)).unwrap(), last) {
                (Value::Object(object), Step::Key(key)) => drop(object.insert(key.clone(), value.clone())),
                (Value::Array(items), _) => {
                    let index = match position {
                        Position::First => 0,
                        Position::Last => items.len(),
                        Position::Before(index) => *index,
                    };
                    items.insert(index, value.clone());
                }
                _ => unreachable!(),
            }
        }
    }
    document
}

/// Lines that differ, with the lines that are the same at both ends left out.
fn changed_lines<'t>(old: &'t str, new: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[same..], &new[same..]);
    let same = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    (old[..old.len() - same].to_vec(), new[..new.len() - same].to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_style_reads_as_what_it_says(value in trees(), writer in writers(), ends in 0u8..8) {
        let text = stream_of(&value, &writer, ends);
        let stream = read(&text);
        prop_assert_eq!(stream.documents()[1].json(), &value, "{}", text);
        for at in pointers(&value) {
            let place = stream.documents()[1].place(&at).unwrap();
            let there = &text[place.span.clone()];
            // A block scalar that keeps its last lines ends with them.
            let there = there.trim_end_matches(['\r', '\n']);
            prop_assert_eq!(there.trim(), there, "{} in {}", at, text);
        }
    }

    #[test]
    fn every_edit_is_made_as_meant_and_undone_to_the_byte(
        value in trees(),
        writer in writers(),
        ends in 0u8..8,
        edits in prop::collection::vec((any::<u16>(), trees_or_scalars()), 1..5),
    ) {
        let text = stream_of(&value, &writer, ends);
        let stream = read(&text);
        let mut expected = value;
        let mut list = Vec::new();
        for (number, new) in edits {
            let edit = any_edit(&expected, usize::from(number), new);
            expected = meant(&expected, &edit);
            list.push((1, edit));
        }
        let result = edit(&stream, &list);
        let Ok(Edited { text: new, undo: undos }) = result else {
            // The only texts that take no edit behind them are those without an end of their own.
            prop_assert!(text.contains("|+") || text.ends_with(|last: char| last != '\n'), "{}\n{:?}\n{}", text, list, result.unwrap_err());
            return Ok(());
        };
        let after = read(&new);
        prop_assert_eq!(after.documents()[1].json(), &expected, "{}\n{}", text, new);
        let json = serde_json::to_string(&undos).unwrap();
        let undos: Vec<Undo> = serde_json::from_str(&json).unwrap();
        let undone = undo(&read(&new), 1, &undos).unwrap();
        prop_assert_eq!(&undone.text, &text, "{}", new);
        prop_assert_eq!(undone.skipped, vec![]);
    }

    #[test]
    fn whatever_the_text_nothing_panics_and_what_can_be_edited_can_be_undone(
        parts in prop::collection::vec(parts(), 0..24),
        number in any::<u16>(),
        new in trees_or_scalars(),
    ) {
        let text = parts.concat();
        let Ok(stream) = parse("any", &text) else { return Ok(()) };
        for (index, document) in stream.documents().iter().enumerate() {
            for at in pointers(document.json()) {
                let place = document.place(&at).unwrap();
                prop_assert!(text.get(place.span).is_some(), "{} in {:?}", at, text);
            }
            let edit_ = any_edit(document.json(), usize::from(number), new.clone());
            if let Ok(Edited { text: after, undo: undos }) = edit(&stream, &[(index, edit_.clone())]) {
                let after = parse("any", &after).unwrap();
                prop_assert_eq!(after.documents()[index].json(), &meant(document.json(), &edit_));
                prop_assert_eq!(&undo(&after, index, &undos).unwrap().text, &text);
            }
        }
    }

    #[test]
    fn after_others_have_added_theirs_only_ours_is_taken_out(
        value in trees(),
        writer in writers(),
        ours in prop::collection::vec(any::<u16>(), 1..5),
        theirs in prop::collection::vec(any::<u16>(), 1..5),
        new in trees_or_scalars(),
    ) {
        let text = stream_of(&value, &writer, 0);
        let all = pointers(&value);
        let own = |(turn, number): (usize, &u16)| {
            let at = all[usize::from(*number) % all.len()].clone();
            let edit = match value::at(&value, &at).unwrap() {
                Value::Object(_) => {
                    Edit::Insert { at: at.then(format!("ours-{turn}")), value: new.clone(), position: Position::Last }
                }
                Value::Array(_) => return None,
                _ => Edit::Set { at, value: json!("ours") },
            };
            Some((1, edit))
        };
        let ours: Vec<_> = ours.iter().enumerate().filter_map(own).collect();
        let mut expected = value.clone();
        let mut added = Vec::new();
        for (turn, number) in theirs.iter().enumerate() {
            let at = all[usize::from(*number) % all.len()].clone();
            if value::at(&value, &at).unwrap().is_object() {
                let edit = Edit::Insert {
                    at: at.then(format!("theirs-{turn}")),
                    value: json!({"x": [turn]}),
                    position: Position::Last,
                };
                expected = meant(&expected, &edit);
                added.push((1, edit));
            }
        }
        let Ok(Edited { text: with_ours, undo: undos }) = edit(&read(&text), &ours) else { return Ok(()) };
        let Ok(Edited { text: with_both, .. }) = edit(&read(&with_ours), &added) else { return Ok(()) };
        let back = undo(&read(&with_both), 1, &undos).unwrap();
        prop_assert_eq!(back.skipped, vec![], "{}", with_both);
        let back = read(&back.text);
        prop_assert_eq!(back.documents()[1].json(), &expected, "{}\n{}", with_both, back.text());
    }

    #[test]
    fn an_insertion_leaves_every_line_but_at_most_one(value in trees(), writer in writers(), number in any::<u16>()) {
        let text = stream_of(&value, &writer, 0);
        let edit_ = any_edit(&value, usize::from(number) & !3, json!("new"));
        if let Edit::Insert { .. } = &edit_
            && let Ok(Edited { text: new, .. }) = edit(&read(&text), &[(1, edit_.clone())]) {
            let (old, new_lines) = changed_lines(&text, &new);
            prop_assert!(old.len() <= 1, "{:?} in\n{}\nmade\n{}", edit_, text, new);
            if text.contains("\r\n") {
                prop_assert!(new_lines.iter().all(|line| line.ends_with('\r')), "{:?}", new);
            }
        }
    }
}

/// Bits of YAML, for texts that are hardly any.
fn parts() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "name",
        ": ",
        ":",
        "- ",
        "-",
        "? ",
        "\n",
        "\n",
        "\r\n",
        "\r",
        "  ",
        "    ",
        "\t",
        " ",
        "# c",
        " #",
        "{",
        "}",
        "[",
        "]",
        ", ",
        ",",
        "'",
        "\"",
        "\\",
        "|",
        ">",
        "|-\n",
        ">+\n",
        "&x ",
        "*x",
        "<<: ",
        "!!str ",
        "!",
        "%YAML 1.2\n",
        "---",
        "\n---\n",
        "...\n",
        "ü",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "1",
        "0x",
        "yes",
        "~",
        "{{",
        "}}",
        "a: 1\n",
        "  b: 2\n",
        "- c\n",
        "\u{0}",
    ])
}

fn trees_or_scalars() -> impl Strategy<Value = Value> {
    prop_oneof![scalars(), trees(), Just(json!([])), Just(Value::Object(Map::new()))]
}
