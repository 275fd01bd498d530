//! Reading: values as Kubernetes sees them, and where they stand.

use serde_json::json;

use super::*;

#[test]
fn documents_are_kept_apart_and_empty_ones_are_known() {
    let stream = read("# head\na: 1\n---\n# only a comment\n---\nb: 2\n...\n---\n~\n");
    let all: Vec<_> = stream.documents().iter().map(|one| (one.is_empty(), one.json().clone())).collect();
    assert_eq!(
        all,
        [(false, json!({"a": 1})), (true, json!(null)), (false, json!({"b": 2})), (false, json!(null))]
    );
    assert_eq!(read("# nothing\n").documents().len(), 0);
    assert_eq!(read("").documents().len(), 0);
}

#[test]
fn places_are_counted_in_characters_from_1_behind_a_byte_order_mark_and_crlf() {
    let text = "\u{feff}ä: x\r\nb:\r\n- ü: [1, {c: \"d\"}] # e\r\n";
    let stream = read(text);
    let document = &stream.documents()[0];
    let place = document.place(&way("b.0.ü.1.c")).unwrap();
    assert_eq!((place.line, place.column, &text[place.span]), (3, 14, "\"d\""));
    let place = document.place(&way("ä")).unwrap();
    assert_eq!((place.line, place.column, &text[place.span]), (1, 4, "x"));
    assert_eq!(document.place(&way("b.1")), None);
}

#[test]
fn aliases_and_merge_keys_are_resolved_and_told() {
    let text = "base: &base\n  a: 1\n  b: &b [2]\nuse:\n  <<: *base\n  a: 3\nmany:\n  <<: [*base, {c: 4, a: 5}]\nagain: *b\nown: 1\n";
    let stream = read(text);
    let document = &stream.documents()[0];
    assert_eq!(document.json()["use"], json!({"a": 3, "b": [2]}));
    assert_eq!(document.json()["many"], json!({"a": 1, "b": [2], "c": 4}));
    assert_eq!(document.json()["again"], json!([2]));
    let shared = |at: &str| document.is_shared(&way(at));
    assert!(shared("base") && shared("base.a") && shared("use.b") && shared("many.c") && shared("again.0"));
    assert!(!shared("use") && !shared("use.a") && !shared("own") && !shared("nothing"));
    assert_eq!(document.place(&way("many.c")).unwrap().line, 8);
}

#[test]
fn of_two_equal_keys_the_last_counts_and_both_are_told() {
    let stream = read("a: 1\nb:\n- c: 2\n  \"c\": 3\na: 4\n");
    let document = &stream.documents()[0];
    assert_eq!(document.json(), &json!({"a": 4, "b": [{"c": 3}]}));
    let told: Vec<_> = document
        .duplicates()
        .iter()
        .map(|duplicate| {
            (duplicate.at.to_string(), duplicate.places.iter().map(|place| place.line).collect())
        })
        .collect();
    assert_eq!(told, [(String::from(".a"), vec![1, 5]), (String::from(".b[0].c"), vec![3, 4])]);
}

#[test]
fn scalars_are_read_as_kubernetes_reads_them() {
    let text = "a: yes\nb: 0777\nc: \"yes\"\nd: !!str 5\ne: !!int \"6\"\nf: 5.0\non: 1\n12: 2\ng: |-\n  1\n";
    let value =
        json!({"a": true, "b": 511, "c": "yes", "d": "5", "e": 6, "f": 5, "true": 1, "12": 2, "g": "1"});
    assert_eq!(read(text).documents()[0].json(), &value);
}

#[test]
fn json_is_read_too() {
    let text = "{\n\t\"a\": [1, {\"b\": \"\\u00e4\"}],\n\t\"c\":\"d\"\n}\n";
    assert_eq!(read(text).documents()[0].json(), &json!({"a": [1, {"b": "ä"}], "c": "d"}));
}

#[test]
fn block_scalars_end_with_their_text() {
    let text = "a: |2-\n    x\n   y\n\n\n# c\nb: >+ # header\n  z\n\nc: |\nd: 1\n";
    let stream = read(text);
    let document = &stream.documents()[0];
    let there = |at: &str| &text[document.place(&way(at)).unwrap().span];
    assert_eq!(there("a"), "|2-\n    x\n   y");
    assert_eq!(there("b"), ">+ # header\n  z\n");
    assert_eq!(there("c"), "|");
    assert_eq!(document.json(), &json!({"a": "  x\n y", "b": "z\n\n", "c": "", "d": 1}));
}

#[test]
fn templates_of_other_languages_in_texts_are_texts() {
    for text in [
        "summary: \"{{ $labels.pod }} is down\"\n",
        "summary: Pod {{ $labels.pod }} is down\n",
        "rules: |\n  {{ if .Values.x }}\n  {{ end }}\n",
        "# {{ .Values.x }}\na: 1\n",
        "a: 1 # {{ .Values.x }}\n",
        "a: '{{ .Values.x }}'\n",
    ] {
        assert_eq!(read(text).documents().len(), 1, "{text}");
    }
}
