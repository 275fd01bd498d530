//! JSON objects behind each other, as Kubernetes' reader takes them.

use serde_json::json;

use super::*;

const BREAKS: [&str; 6] = ["\n", "", "  ", "\t", "\r\n", "\n\n  \n"];

fn values(text: &str) -> Vec<Value> {
    read(text).documents().iter().map(|document| document.json().clone()).collect()
}

#[test]
fn json_objects_behind_each_other_are_documents() {
    let (one, two) = ("{\"a\": 1}", "{\n\t\"b\": [\n\t\t{\"ü\": \"{}\\ud83e\\udd80\"}\n\t]\n}");
    let expected = [json!({"a": 1}), json!({"b": [{"ü": "{}\u{1f980}"}]}), json!({"a": 1})];
    for between in BREAKS {
        for end in ["", "\n", " \r\n"] {
            let text = format!("{between}{one}{between}{two}{between}{one}{end}");
            assert_eq!(values(&text), expected, "{text}");
        }
    }
}

#[test]
fn each_of_them_is_edited_alone_and_undone_to_the_byte() {
    for between in BREAKS {
        let text = format!("{{\"a\": {{\"x\": 1}}}}{between}{{\"b\": []}}{between}{{\"c\": \"ü\"}}");
        let edits = [
            (1, insert("b.0", json!({"n": 2}))),
            (0, set("a.x", "é")),
            (2, insert("d", true)),
            (0, remove("a.x")),
        ];
        let Edited { text: new, undo: undos } = edit(&read(&text), &edits).unwrap();
        let expected = format!(
            "{{\"a\": {{}}}}{between}{{\"b\": [{{\"n\": 2}}]}}{between}{{\"c\": \"ü\", \"d\": true}}"
        );
        assert_eq!(new, expected);
        let mut back = new;
        for ((document, _), one) in edits.iter().zip(&undos).rev() {
            back = undo(&read(&back), *document, std::slice::from_ref(one)).unwrap().text;
        }
        assert_eq!(back, text);
    }
}

#[test]
fn places_in_them_are_those_of_the_whole_text() {
    let text = "{\"a\": 1}{\"b\": 2}\n  {\"c\": {}}\n";
    let place = |document: usize, at: &str| {
        let place = read(text).documents()[document].place(&way(at)).unwrap();
        (place.line, place.column, text[place.span].to_owned())
    };
    assert_eq!(place(1, "b"), (1, 15, "2".to_owned()));
    assert_eq!(place(2, "c"), (2, 9, "{}".to_owned()));
    let deep = format!("{{\"a\": 1}}\n{{\"b\": {}{}}}", "[".repeat(210), "]".repeat(210));
    assert!(parse("app.yaml", &deep).is_err());
    let refusal = edit(&read(text), &[(2, insert("c", 6))]).unwrap_err();
    assert_eq!(refusal.0.line_and_column(), Some((2, 4)));
}

#[test]
fn behind_a_single_json_object_yaml_may_follow() {
    let text = "{\"a\": 1}\nb: [\n] # none\n---\nc: 3\n";
    assert_eq!(values(text), [json!({"a": 1}), json!({"b": []}), json!({"c": 3})]);
    let edits = [(0, set("a", 4)), (1, insert("d", 5)), (2, set("c", 6))];
    let Edited { text: new, .. } = edit(&read(text), &edits).unwrap();
    assert_eq!(new, "{\"a\": 4}\nb: [\n] # none\nd: 5\n---\nc: 6\n");
    assert_eq!(values("{\"a\": 1}\n---\nc: 3\n"), [json!({"a": 1}), json!({"c": 3})]);
    let told = parse("app.yaml", "{\"a\": 1}\nb: 1\n c: 2\n").unwrap_err().0;
    assert_eq!(told.line_and_column(), Some((3, 3)), "{told}");
}

#[test]
fn where_kubectl_would_read_only_the_first_it_is_said_what_to_do() {
    for text in [
        "---\n{\"a\": 1}\n{\"b\": 2}\n",
        "# two\n{\"a\": 1}{\"b\": 2}\n",
        "{\"a\": 1}\n{\"b\": 2}\n---\n{\"c\": 3}\n",
        "{\"a\": 1}\n---\n{\"b\": 2}\n{\"c\": 3}\n",
    ] {
        let told = parse("app.yaml", text).unwrap_err().to_string();
        assert!(told.contains("put a line `---` between"), "{told}");
    }
}

#[test]
fn behind_a_byte_order_mark_objects_are_read_as_without_it() {
    let text = "\u{feff}{\"a\": 1}\n{\"b\": {}}\n {\"c\": 3}\n";
    assert_eq!(values(text), [json!({"a": 1}), json!({"b": {}}), json!({"c": 3})]);
    let edits = [(0, set("a", 4)), (1, insert("b.d", 5)), (2, set("c", 6))];
    let Edited { text: new, .. } = edit(&read(text), &edits).unwrap();
    assert_eq!(new, "\u{feff}{\"a\": 4}\n{\"b\": {\"d\": 5}}\n {\"c\": 6}\n");
    assert_eq!(values("\u{feff}{\"a\": 1}\nb: 2\n"), [json!({"a": 1}), json!({"b": 2})]);
    // With one of its own each of two is read, as kubectl 1.33 does.
    assert_eq!(values("\u{feff}{\"a\": 1}\n\u{feff}{\"b\": 2}\n"), [json!({"a": 1}), json!({"b": 2})]);
}

#[test]
fn a_byte_order_mark_right_behind_a_line_of_dashes_is_passed_over_and_stays() {
    for (one, two) in [
        ("a: 1\nb:\n- 2\n", "c: 3\nd:\n- 4\n"),
        ("{\"a\": 1}\n", "{\"c\": 3}\n"),
        ("# ü\na: 1\n", "# ü\nc: 3\n"),
    ] {
        for line in ["---\n", "--- # next\n", "---\r\n"] {
            let text = format!("\u{feff}{one}{line}\u{feff}{two}{line}\u{feff}c: 5\n");
            let stream = read(&text);
            let place = stream.documents()[1].place(&way("c")).unwrap();
            assert_eq!(&text[place.span], "3", "{text}");
            assert_eq!(stream.documents().len(), 3, "{text}");
            let edits = [(1, set("c", 6)), (1, insert("e", 7)), (2, insert("f", 8))];
            let Edited { text: new, undo: undos } = edit(&stream, &edits).unwrap();
            assert_eq!(new.matches('\u{feff}').count(), 3);
            let last = read(&new).documents()[1].json().clone();
            assert_eq!((&last["c"], &last["e"]), (&json!(6), &json!(7)), "{new}");
            let mut back = new;
            for ((document, _), one) in edits.iter().zip(&undos).rev() {
                back = undo(&read(&back), *document, std::slice::from_ref(one)).unwrap().text;
            }
            assert_eq!(back, text);
        }
    }
}

#[test]
fn a_byte_order_mark_elsewhere_is_refused_in_words() {
    for (text, line) in [
        ("{\"a\": 1}\n\u{feff}{\"b\": 2}\n\u{feff}{\"c\": 3}\n", 3),
        ("{\"a\": 1}\n{\"b\": 2}\n\u{feff}{\"c\": 3}\n", 3),
        ("a: 1\n---\n\n\u{feff}b: 2\n", 4),
        ("a:\n- \u{feff}b\n", 2),
    ] {
        let told = parse("app.yaml", text).unwrap_err().0;
        assert_eq!(
            (line_of(&told), told.message.as_str()),
            (line, "a byte order mark stands where kubectl does not read it"),
            "{text}"
        );
        assert!(told.help.as_ref().unwrap().contains("take it out"), "{told}");
    }
}

#[test]
fn what_is_no_json_behind_the_end_of_a_json_object_is_refused_where_it_stands() {
    for (text, line, column) in [
        ("{\"a\": 1} garbage", 1, 10),
        ("{\"a\": 1}\ngarbage\n", 2, 1),
        ("{\"a\": 1}\n  5\n", 2, 3),
        ("{\"a\": 1}\n[1]\n", 2, 1),
        ("{\"a\": 1}\n}\n", 2, 1),
        ("{\"a\": 1},\n{\"b\": 2}\n", 1, 9),
        ("{\"a\": 1}\n{\"b\": 2}\nc: 3\n", 3, 1),
        ("{\"a\": 1}\n{\"b\": 2}\n# end\n", 3, 1),
        ("{\"a\": 1}\n5\n{\"b\": 2}\n", 2, 1),
        ("{\"a\": 1}\n{\"b\": 2}\n{\"c\": 3\n", 3, 1),
        ("{\"a\": 1}\n{\"b\": 2}\n\"c\"\n", 3, 1),
    ] {
        let told = parse("app.yaml", text).unwrap_err().0;
        assert!(told.message.starts_with("behind the end of a JSON object stands "), "{text}\n{told}");
        assert_eq!(told.line_and_column(), Some((line, column)), "{text}\n{told}");
        assert!(told.help.is_some(), "{told}");
    }
    for text in ["{\"a\": 1}\n# end\n", "{\"a\": 1}\n{\"b\": 2}\nnull\n", "{\"a\": 1}\n---\n"] {
        parse("app.yaml", text).unwrap();
    }
}
