//! Texts that the parser refuses and Kubernetes' readers take.

use serde_json::json;

use super::*;

#[test]
fn a_flow_collection_may_be_indented_less_than_what_holds_it() {
    for (text, value) in [
        ("a: [\n]\nb: c\n", json!({"a": [], "b": "c"})),
        ("a: [\nx\ny\n]\n", json!({"a": ["x y"]})),
        ("a:\n  b: [\n    x\n  ]\n  c: d\n", json!({"a": {"b": ["x"], "c": "d"}})),
        ("a:\n- b: [\n  \"x\", # its ü\n  z # ü\n\n  # ü more\n  ]\n", json!({"a": [{"b": ["x", "z"]}]})),
        (
            "a: {\nb: [\n'x #',\nz\n] # end\n} # end\nc: [\n1\n,\n2 ]\n",
            json!({"a": {"b": ["x #", "z"]}, "c": [1, 2]}),
        ),
        (
            "t: |\n  f {\n  }\na:\n  b: {\n    c: \"x\n      # y\"\n  }\n",
            json!({"t": "f {\n}\n", "a": {"b": {"c": "x # y"}}}),
        ),
    ] {
        for text in
            [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}# ü\n---\nü: [\n]\n---\n{text}")]
        {
            let last = read(&text).documents().last().unwrap().json().clone();
            assert_eq!(last, value, "{text}");
        }
    }
    for text in ["a:\n  b: [\n    'x'\n c: d\n", "a:\n  b: 1\n c: 2\n", "a: \"x\n]\n"] {
        assert!(parse("app.yaml", text).is_err(), "{text}");
    }
}

#[test]
fn such_a_collection_is_edited_and_undone_to_the_byte() {
    let text = "spec:\n  list:\n  - command: [\n      \"a\", # ü\n    ]\n    env: {\n      b: 1 # one\n    }\n    none: [\n    ]\n  c: d # e\n";
    let edits = [
        insert("spec.list.0.command.0", "x"),
        insert("spec.list.0.env.k", 2),
        insert("spec.list.0.none.0", 3),
        insert("spec.list.0.new", json!({"deep": [4]})),
        set("spec.c", "f"),
    ];
    let expected = "spec:\n  list:\n  - command: [\n      \"a\",\n      x, # ü\n    ]\n    env: {\n      b: 1,\n      k: 2 # one\n    }\n    none:\n    - 3\n    new:\n      deep:\n      - 4\n  c: f # e\n";
    let crlf = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(edited(text, &edits), expected);
    assert_eq!(edited(&crlf(text), &edits), crlf(expected));
    let gone = [remove("spec.list.0.command"), set("spec.list.0.env", 1), remove("spec.list.0.none")];
    assert_eq!(edited(text, &gone), "spec:\n  list:\n  - env: 1\n  c: d # e\n");
}

#[test]
fn characters_that_json_writes_as_a_pair_of_escapes_are_read_and_stay() {
    let json = r#"{"a": "\ud83e\udd80 \\ud83e \u00e4", "\ud83e\udd80": {"b": 1}}"#;
    let text = format!("{json}\n---\nü: [\n]\n---\n{json}\n");
    let stream = read(&text);
    for document in [&stream.documents()[0], &stream.documents()[2]] {
        assert_eq!(document.json(), &json!({"a": "\u{1f980} \\ud83e ä", "\u{1f980}": {"b": 1}}));
    }
    let edits = [insert("\u{1f980}.c", 2), insert("d", "\u{1f980}"), set("a", 5)];
    let expected = json.replace("1}", "1, \"c\": 2}, \"d\": \"\u{1f980}\"");
    let at = expected.find("\"\\ud83e").unwrap();
    let end = expected.find(", \"\\ud83e").unwrap();
    assert_eq!(edited(json, &edits), format!("{}5{}", &expected[..at], &expected[end..]));
    for text in [r#"a: "\ud83e\udd80""#, r#"{"a": "\ud83e"}"#] {
        let told = parse("app.yaml", text).unwrap_err().to_string();
        assert!(told.contains("pairs of `\\u` are JSON's"), "{told}");
    }
}

#[test]
fn a_quoted_text_may_go_on_at_any_indentation() {
    for (text, value) in [
        ("a:\n  b: \"x\ny\"\nc: d\n", json!({"a": {"b": "x y"}, "c": "d"})),
        ("a:\n  b: 'x\n it''s\n\n  y ü'\nc: d\n", json!({"a": {"b": "x it's\ny ü"}, "c": "d"})),
        ("a:\n  - - \"x \\\n  y\\\n\t\\tz\"\n    - w\n", json!({"a": [["x y\tz", "w"]]})),
        ("a:\n  b: \"x\n\ty\" # z\n  c: 1\n", json!({"a": {"b": "x y", "c": 1}})),
        (
            "a:\n  b: [\"x\ny\", {c: 'd\n e'}, \"ü\n\"]\nf: 1\n",
            json!({"a": {"b": ["x y", {"c": "d e"}, "ü "]}, "f": 1}),
        ),
        ("a:\n  b: &x !!str \"1\n2\"\n  c: *x\n", json!({"a": {"b": "1 2", "c": "1 2"}})),
        ("a:\n  b: \"# x\n# y\n'{[\n: - z\"\n", json!({"a": {"b": "# x # y '{[ : - z"}})),
    ] {
        for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}ü: 1\n---\n{text}")] {
            let last = read(&text).documents().last().unwrap().json().clone();
            assert_eq!(last, value, "{text}");
        }
    }
    for text in
        ["a:\n  \"x\ny\": 1\n", "a:\n  b: {\"x\ny\": 1}\n", "a:\n  b: \"x\n---\ny\"\n", "a:\n  b: \"x\ny\n"]
    {
        assert!(parse("app.yaml", text).is_err(), "{text}");
    }
}

#[test]
fn beside_such_a_text_is_edited_and_undone_to_the_byte() {
    let text = "spec:\n  list:\n  - command:\n    - run\n    - \"a \\\n    --b \\\n  --c # ü\n--d\" # e\n    env: 1\n  f: 'g\n h'\n";
    let edits = [insert("spec.list.0.command.2", "x"), set("spec.list.0.env", 2), insert("spec.k", 3)];
    let expected = text.replace("# e\n", "# e\n    - x\n").replace("env: 1", "env: 2") + "  k: 3\n";
    let crlf = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(edited(text, &edits), expected);
    assert_eq!(edited(&crlf(text), &edits), crlf(&expected));
    let gone = [remove("spec.list.0.command.1"), set("spec.f", "i")];
    assert_eq!(edited(text, &gone), "spec:\n  list:\n  - command:\n    - run\n    env: 1\n  f: 'i'\n");
}

#[test]
fn an_unquoted_text_in_brackets_may_go_on_at_any_indentation() {
    for (text, value) in [
        ("a:\n  b: [x\ny, z]\nc: 1\n", json!({"a": {"b": ["x y", "z"]}, "c": 1})),
        ("a:\n  b: {c: x\n\n\ny z, d: 1}\n", json!({"a": {"b": {"c": "x\n\ny z", "d": 1}}})),
        ("a:\n  b: {c: # ü\n1}\n", json!({"a": {"b": {"c": 1}}})),
        ("a:\n  b: [&x\n'y', *x, &z\n{}, *z]\n", json!({"a": {"b": ["y", "y", {}, {}]}})),
        ("a:\n  b: [x, !!str\n1, !!str &y\n2\n3]\n", json!({"a": {"b": ["x", "1", "2 3"]}})),
        ("a:\n  b: [!!str\nx\n\ny]\n", json!({"a": {"b": ["x\ny"]}})),
        ("a:\n  b: {?\nx: 1}\n", json!({"a": {"b": {"x": 1}}})),
        ("a:\n  b: [\nx, !!str\n, !!str ]\n", json!({"a": {"b": ["x", "", ""]}})),
        ("a:\n  b: [\nx, &x , *x]\n", json!({"a": {"b": ["x", null, null]}})),
        (
            "a:\n  b: {c:\n1\n, d: [-], e: [ü\n-\n]}\n",
            json!({"a": {"b": {"c": 1, "d": ["-"], "e": ["ü -"]}}}),
        ),
    ] {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            assert_eq!(read(&text).documents()[0].json(), &value, "{text}");
        }
    }
    let text = "a:\n  b: [x\ny, z] # ü\n";
    assert_eq!(edited(text, &[insert("a.b.0", 1), insert("a.c", 2)]), "a:\n  b: [x\ny, z, 1] # ü\n  c: 2\n");
    assert_eq!(edited(text, &[remove("a.b.0")]), "a:\n  b: [z] # ü\n");
    for text in ["a:\n  b: [x # c\ny, z]\n", "a:\n  b: [x\n", "a:\n  b:\n\tc\n", "a:\n  - b,\n\tc: 1\n"] {
        assert!(parse("app.yaml", text).is_err(), "{text}");
    }
}

#[test]
fn tabs_may_stand_for_indentation_in_brackets_only() {
    for (text, value) in [
        ("a: [\n\tb]\n", json!({"a": ["b"]})),
        ("a: {\n\tb: 1\n}\n", json!({"a": {"b": 1}})),
        ("a:\n  b: [x,\n\tz]\n", json!({"a": {"b": ["x", "z"]}})),
        ("a: [\n\t]\n", json!({"a": []})),
        ("a: [\"x\"\n\t]\n", json!({"a": ["x"]})),
        ("a: ['x'\n\t, z]\nb: 1\n", json!({"a": ["x", "z"], "b": 1})),
    ] {
        for text in [text.to_owned(), text.replace('\n', "\r\n")] {
            assert_eq!(read(&text).documents()[0].json(), &value, "{text:?}");
        }
    }
    for text in ["a:\n\t[b]\n", "a:\n  b:\n\tc\n", "a: [x\n\ty]\n", "a: {\n\tx\n\t: y}\n"] {
        assert!(parse("app.yaml", text).is_err(), "{text:?}");
    }
}

#[test]
fn a_pair_that_has_no_braces_gets_no_second_key() {
    for text in ["a: [b: 1, c]\n", "a: [b: ]\n", "a: [b: {c: 1}]\n"] {
        let told = edit(&read(text), &[(0, insert("a.0.n", 2))]).unwrap_err().to_string();
        assert!(told.contains("its style is not one that can be edited"), "{told}");
    }
    assert_eq!(edited("a: [b: 1, c]\n", &[set("a.0", 2)]), "a: [2, c]\n");
    assert_eq!(edited("a: [b: 1, c]\n", &[set("a.0.b", 2)]), "a: [b: 2, c]\n");
}

#[test]
fn an_anchor_or_a_tag_ends_where_a_bracket_begins() {
    for text in ["a:\n  b: [: \n&b[{]\n", "a:\n  b: {\n&b[[*a}\n", "a:\n  b: [!t \n&b&b[[]\n"] {
        assert!(parse("app.yaml", text).is_err(), "{text}");
    }
    let text = "a:\n  b: [&x, !<tag:yaml.org,2002:str> 1, &y\n'z', *y]\n";
    assert_eq!(read(text).documents()[0].json(), &json!({"a": {"b": [null, "1", "z", "z"]}}));
    assert_eq!(edited(text, &[insert("a.b.4", 1)]), text.replace("*y", "*y, 1"));
}

#[test]
fn a_key_that_is_nothing_is_refused_as_kubernetes_readers_do() {
    for text in ["null: 1\n", "~: 1\n", "a: {: 1}\n", "? \n: 1\n", "a: {null}\n", "a: &x\nb: {*x : 2}\n"] {
        let told = parse("app.yaml", text).unwrap_err().to_string();
        assert!(told.contains("a key must be a text") && told.contains("quote it"), "{told}");
    }
    assert_eq!(read("'null': 1\n1e3: 2\n").documents()[0].json(), &json!({"null": 1, "1000": 2}));
}
