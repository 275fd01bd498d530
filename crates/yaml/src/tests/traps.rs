//! Each trap of editing YAML, as a text before and after.

use serde_json::json;

use super::*;

#[test]
fn a_value_keeps_its_comment_and_its_quotes() {
    let text = "a: 5\t# five\nb: 'x' # ex\nc: \"y\"\nd: # none\ne: [1, 'z'] # flow\n";
    let edits = [set("a", 15080), set("b", "it's"), set("c", "say \"so\""), set("d", 1), set("e.1", "w")];
    let expected =
        "a: 15080\t# five\nb: 'it''s' # ex\nc: \"say \\\"so\\\"\"\nd: 1 # none\ne: [1, 'w'] # flow\n";
    assert_eq!(edited(text, &edits), expected);
}

#[test]
fn a_value_becomes_a_collection_and_back() {
    let text =
        "a: 5 # five\nb:\n# x\n  c: 1\n  d: 2 # two\ne:\n- 1\n- f: 2\n  g: 3\nh: | # script\n  run\ni: 1\n";
    let edits = [
        set("a", json!({"x": [1]})),
        set("b", 7),
        set("e.0", json!({"p": 1, "q": 2})),
        set("e.1", 9),
        set("h", "short"),
    ];
    let expected = "a: # five\n  x:\n  - 1\nb: 7 # two\ne:\n- p: 1\n  q: 2\n- 9\nh: short # script\ni: 1\n";
    assert_eq!(edited(text, &edits), expected);
}

#[test]
fn the_siblings_indentation_is_copied() {
    for (text, expected) in [
        (
            "spec:\n    containers:\n    -   name: a\n        image: b\n",
            "spec:\n    containers:\n    -   name: a\n        image: b\n        lifecycle:\n            preStop:\n                sleep: 1\n    volumes:\n    - name: v\n",
        ),
        (
            "spec:\n  containers:\n    - name: a\n      image: b\n",
            "spec:\n  containers:\n    - name: a\n      image: b\n      lifecycle:\n        preStop:\n          sleep: 1\n  volumes:\n    - name: v\n",
        ),
        (
            "spec:\n  containers:\n  - image: b\n",
            "spec:\n  containers:\n  - image: b\n    lifecycle:\n      preStop:\n        sleep: 1\n  volumes:\n  - name: v\n",
        ),
    ] {
        let edits = [
            insert("spec.containers.0.lifecycle.preStop.sleep", 1),
            insert("spec.volumes.0", json!({"name": "v"})),
        ];
        assert_eq!(edited(text, &edits), expected);
    }
}

#[test]
fn the_first_item_goes_above_the_comment_of_the_former_first() {
    let text = "initContainers: # in order\n  # migrates the database\n  - name: migrate\n";
    let expected = "initContainers: # in order\n  - name: agent\n    restartPolicy: Always\n  # migrates the database\n  - name: migrate\n";
    let edits = [insert_first("initContainers.0", json!({"restartPolicy": "Always", "name": "agent"}))];
    assert_eq!(edited(text, &edits), expected);
    assert_eq!(edited("- - a\n  - b\n", &[insert_first("0.0", "z")]), "- - z\n  - a\n  - b\n");
    let between = Edit::Insert { at: way("0"), value: json!(2), position: Position::Before(1) };
    assert_eq!(edited("- 1 # one\n# three\n- 3\n", &[between]), "- 1 # one\n- 2\n# three\n- 3\n");
}

#[test]
fn line_ends_byte_order_mark_and_a_missing_final_newline_stay() {
    let text = "\u{feff}kind: Pod\r\nspec:\r\n  a: 1 # end";
    assert_eq!(
        edited(text, &[insert("spec.b.c", 2)]),
        "\u{feff}kind: Pod\r\nspec:\r\n  a: 1 # end\r\n  b:\r\n    c: 2"
    );
    assert_eq!(edited("a: 1\nb: 2", &[remove("b")]), "a: 1");
    assert_eq!(edited("a: 1\r\nb: 2", &[remove("b")]), "a: 1");
}

#[test]
fn other_documents_markers_and_comments_between_them_stay() {
    let text = "# head\n---\na: 1\n# tail of a\n...\n# between\n---\n# only\n---\nb: 2\n";
    let stream = read(text);
    let Edited { text: new, undo: undos } =
        edit(&stream, &[(0, insert("c", 3)), (2, insert("d", 4))]).unwrap();
    assert_eq!(new, "# head\n---\na: 1\nc: 3\n# tail of a\n...\n# between\n---\n# only\n---\nb: 2\nd: 4\n");
    let back = undo(&read(&new), 0, &undos[..1]).unwrap();
    assert_eq!(undo(&read(&back.text), 2, &undos[1..]).unwrap().text, text);
}

#[test]
fn missing_null_and_empty_parents_are_made() {
    for (text, expected) in [
        ("metadata:\n  name: x\n", "metadata:\n  name: x\n  annotations:\n    k: v\n"),
        ("metadata:\n  annotations:\n  name: x\n", "metadata:\n  annotations:\n    k: v\n  name: x\n"),
        ("metadata:\n  annotations: {} # none\n", "metadata:\n  annotations: # none\n    k: v\n"),
        ("metadata:\n  annotations: null\n", "metadata:\n  annotations:\n    k: v\n"),
        ("metadata: {name: x}\n", "metadata: {name: x, annotations: {k: v}}\n"),
        ("metadata: { name: x, }\n", "metadata: { name: x, annotations: {k: v}, }\n"),
        ("a: 1\n", "a: 1\nmetadata:\n  annotations:\n    k: v\n"),
    ] {
        assert_eq!(edited(text, &[insert("metadata.annotations.k", "v")]), expected);
    }
    assert_eq!(
        edited("volumes: []\n", &[insert("volumes.0", json!({"name": "v"}))]),
        "volumes:\n- name: v\n"
    );
}

#[test]
fn json_stays_json() {
    let text = "{\n  \"kind\": \"Pod\",\n  \"spec\": {\n    \"list\": [\n      1\n    ],\n    \"none\": {}\n  }\n}\n";
    let edits = [
        insert_first("spec.list.0", json!({"name": "it's", "a": true})),
        insert("spec.none.x", "yes"),
        insert("spec.more", json!([1])),
        set("kind", "Deployment"),
    ];
    let new = edited(text, &edits);
    let expected = "{\n  \"kind\": \"Deployment\",\n  \"spec\": {\n    \"list\": [\n      {\"name\": \"it's\", \"a\": true},\n      1\n    ],\n    \"none\": {\"x\": \"yes\"},\n    \"more\": [1]\n  }\n}\n";
    assert_eq!(new, expected);
    serde_json::from_str::<Value>(&new).unwrap();
}

#[test]
fn a_comma_behind_the_last_child_belongs_to_what_holds_it() {
    let text = "a: {b: {c: 1,\n  },}\nd: [[1, ], 2,\n  ] # two\ne: 3\n";
    let stream = read(text);
    let there = |at: &str| &text[stream.documents()[0].place(&way(at)).unwrap().span];
    assert_eq!((there("a"), there("a.b")), ("{b: {c: 1,\n  },}", "{c: 1,\n  }"));
    assert_eq!((there("d"), there("d.0")), ("[[1, ], 2,\n  ]", "[1, ]"));
    assert_eq!(edited(text, &[remove("a.b"), set("d.0", 1)]), "a: {}\nd: [1, 2,\n  ] # two\ne: 3\n");
}

#[test]
fn block_scalars_around_an_edit_keep_every_line() {
    let text = "a: |+\n  x\n\n\nb:\n  script: |\n    run\n\n    more\n# end\nc: 1\n";
    let new = edited(text, &[insert("b.new", 1), set("a", "short"), set("c", 2)]);
    assert_eq!(new, "a: short\nb:\n  script: |\n    run\n\n    more\n  new: 1\n# end\nc: 2\n");
    // Without a final line break the text's end is the file's: the new key goes before it.
    assert_eq!(edited("a: 1\nb: |\n  x", &[insert("c", 2)]), "a: 1\nc: 2\nb: |\n  x");
    assert!(
        refused("b:\n- |\n  x", insert("b.0", 2)).contains("cannot be edited without changing anything else")
    );
}

#[test]
fn texts_that_some_reader_takes_for_another_type_are_quoted() {
    let texts = [
        "yes", "8080", "0777", "1e3", "12:30", "null", "~", "", "a: b", "x #y", "{a}", "*a", "-", "25", "=",
        "it's", "ü",
    ];
    let mut list = String::from("list:\n- first\n");
    let edits: Vec<_> = texts.iter().map(|text| insert("list.0", *text)).collect();
    let new = edited(&list, &edits);
    list.extend(texts.iter().map(|text| format!("- '{}'\n", text.replace('\'', "''"))));
    assert_eq!(new, list);
    assert_eq!(edited("a: 1\n", &[insert("b", "1\n2\t\u{7}")]), "a: 1\nb: \"1\\n2\\t\\u0007\"\n");
    assert_eq!(edited("a: 1\n", &[insert("yes", "30s")]), "a: 1\n'yes': 30s\n");
}

#[test]
fn a_long_json_text_is_one_single_quoted_scalar() {
    let record = json!({"at": ["a"], "was": "it's"}).to_string();
    assert_eq!(
        edited("a:\n", &[insert("a.record", record)]),
        "a:\n  record: '{\"at\":[\"a\"],\"was\":\"it''s\"}'\n"
    );
}

#[test]
fn keys_and_items_are_taken_out_with_their_lines() {
    let text = "a:\n- x: 1\n  y: 2 # two\n# above z\n- z\nb: {c: 1, d: 2}\ne: [1, 2]\nf:\n  g: 1 # only\n";
    let edits = [remove("a.0.x"), remove("a.1"), remove("b.c"), remove("b.d"), remove("e.1"), remove("f.g")];
    assert_eq!(edited(text, &edits), "a:\n- y: 2 # two\n# above z\nb: {}\ne: [1]\nf: {} # only\n");
}

#[test]
fn explicit_keys_tags_and_anchors_that_nobody_uses_can_be_lived_with() {
    let text = "? a\n: 1\nb: !!map\n  c: &unused 2\nd: &x\n- 1\n";
    let new = edited(text, &[set("a", 5), insert("b.e", 3), insert("d.0", 4), set("b.c", 7)]);
    assert_eq!(new, "? a\n: 5\nb: !!map\n  c: 7\n  e: 3\nd: &x\n- 1\n- 4\n");
}

#[test]
fn a_document_that_needs_directives_before_it_is_edited_in_its_stream() {
    let text = "%TAG !e! tag:example.com,2026:\n---\na: !e!x 1\nb: 2\n---\nc: 3\n";
    assert_eq!(edited(text, &[set("b", 5), insert("d", 4)]), text.replace("b: 2\n", "b: 5\nd: 4\n"));
    let refusal = edit(&read(text), &[(1, insert("d", 6)), (0, insert("b", 1))]).unwrap_err();
    assert_eq!(
        (line_of(&refusal.0), refusal.0.help.as_deref()),
        (4, Some("nothing was changed (this is document 1 of 2)"))
    );
    let refusal = edit(&read(text), &[(1, insert("c", 6))]).unwrap_err();
    assert_eq!(
        (line_of(&refusal.0), refusal.0.help.as_deref()),
        (6, Some("nothing was changed (this is document 2 of 2)"))
    );
}

#[test]
fn aliases_elsewhere_do_not_hinder_an_edit() {
    let text = "labels: &labels\n  app: x\nspec:\n  selector: *labels\n  grace: 30\n";
    assert_eq!(edited(text, &[set("spec.grace", 45)]), text.replace("30", "45"));
    let told = refused(text, insert("spec.selector.new", 1));
    assert_eq!(told, "4:3: .spec.selector is an alias: what it says is written elsewhere");
    let told = refused(text, set("labels", json!({"app": "y"})));
    assert!(told.starts_with("1:9: .labels stands under an anchor that is used elsewhere too"), "{told}");
    let told = refused("a:\n  b: &b 1\nc: *b\nd: 2\n", set("a", 5));
    assert!(told.contains("the result would not be readable"), "{told}");
}

#[test]
fn a_list_of_objects_is_edited_like_any_other_value() {
    let text = "kind: List\nitems:\n- kind: Pod\n  metadata:\n    name: a\n- kind: Pod\n";
    let new = edited(text, &[insert("items.1.spec.grace", 1)]);
    assert_eq!(
        new,
        "kind: List\nitems:\n- kind: Pod\n  metadata:\n    name: a\n- kind: Pod\n  spec:\n    grace: 1\n"
    );
}
