//! Our reader beside kubectl's, on texts that are made for it: what kubectl reads, we read as the same.

use segue_yaml::parse;
use serde_json::Value;

use super::meant::{self, values};
use super::reader::{Reader, build};

/// How a scalar is held; `@` is where it stands.
const HOLDERS: [&str; 8] = [
    "@\n",
    "a: @\n",
    "a:\n  b: @\n  c: 1\n",
    "a:\n- b: @\n  c: 1\n- d\n",
    "a:\n  - - @\n    - x\n",
    "a:\n  b: [@, x]\nc: 1\n",
    "a:\n  b: {c: @, d: 1}\ne: 1\n",
    "a:\n  b:\n    @\n  c: 1\n",
];

/// Parts of scalars, between two of which a line may end.
const PARTS: [&str; 7] = ["x", "y z", "'", "# n", "k: v", "- w", "ü,"];

/// What stands between two parts: a line's end, and how the next one is indented.
const BREAKS: [&str; 11] = [
    "\n",
    "\n ",
    "\n  ",
    "\n    ",
    "\n          ",
    "\n\t",
    "\n  \t",
    "\n\n",
    "\n \n  ",
    "\n\t\n    ",
    " \\\n  ",
];

/// What kubectl reads of a text and we don't, or otherwise; `None` where all is well, or where kubectl refuses it too.
fn disagreement(text: &str, reader: &mut Reader) -> Option<String> {
    let seen = reader.read(text).unwrap();
    if seen.error.is_some() {
        return None;
    }
    match parse("made.yaml", text) {
        Ok(stream) => {
            let ours = values(&stream);
            (!meant::equal(&seen.documents, &ours)).then(|| {
                format!("{text:?}: kubectl reads {}", meant::first_difference(&seen.documents, &ours))
            })
        }
        Err(error) => {
            Some(format!("{text:?}: kubectl reads {:?}, and we: {}", seen.documents, error.0.message))
        }
    }
}

fn agree(texts: impl Iterator<Item = String>) {
    let mut reader = Reader::start(&build().unwrap()).unwrap();
    let (mut tried, mut wrong) = (0, Vec::new());
    for text in texts {
        tried += 1;
        wrong.extend(disagreement(&text, &mut reader));
    }
    let told: Vec<_> = wrong.iter().take(40).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{} of {tried} are read otherwise:\n{}", wrong.len(), told.join("\n"));
    assert!(tried > 100);
}

#[test]
fn a_text_over_several_lines_is_read_as_kubectl_reads_it_however_it_is_indented() {
    let mut texts = Vec::new();
    for (open, close) in [("\"", "\""), ("'", "'"), ("", "")] {
        for between in BREAKS {
            for part in PARTS {
                // A quote in quotes of its own kind ends them.
                let part = if part == open { "it" } else { part };
                for scalar in [
                    format!("{open}a{between}{part}{close}"),
                    format!("{open}{part}{between}b{between}{part}{close}"),
                    format!("{open}{between}{part}{between}{close}"),
                ] {
                    texts.extend(HOLDERS.iter().map(|holder| holder.replace('@', &scalar)));
                }
            }
        }
    }
    // A comment behind a tab, in brackets that are indented less: nobody has that.
    agree(texts.into_iter().filter(|text| !text.contains("\t# n")));
}

#[test]
fn json_behind_json_is_read_as_kubectl_reads_it() {
    let values = ["{}", "{\"a\": [1, \"}{\", {\"ü\": null}]}", "{\n\t\"b\": 1\n}", "[{\"c\": 1}]"];
    let mut texts = Vec::new();
    for between in ["", "\n", " ", "\r\n", "\n\n", "\t\n", "\n---\n", "\n--- # x\n"] {
        for first in values {
            for second in values {
                for last in ["", "\n", "{\"d\": 1}", "\ne: 1\n", "\n---\ne: 1\n"] {
                    texts.push(format!("{first}{between}{second}{last}"));
                    texts.push(format!("{first}{last}"));
                }
            }
        }
    }
    // Where kubectl reads no more than the first, we refuse and say so.
    texts.retain(|text| !text.contains("---") && !text.starts_with('['));
    // Its decoder hands on a list behind an object, and kubectl stops there: it is no object. So do we.
    let (lists, objects): (Vec<_>, Vec<_>) = texts.into_iter().partition(|text| text.contains("[{"));
    for text in lists {
        let error = parse("made.yaml", &text).unwrap_err();
        assert!(
            error.0.message.starts_with("behind the end of a JSON object"),
            "{text:?}: {}",
            error.0.message
        );
    }
    agree(objects.into_iter());
}

#[test]
fn what_a_plain_word_is_is_told_as_kubectl_tells_it() {
    let words = [
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "~",
        "null",
        "Null",
        "",
        "0777",
        "0o17",
        "0x1F",
        "0b11",
        "1_000",
        "+5",
        "-0",
        "5.0",
        "1e3",
        "1E-2",
        ".5",
        "-.5",
        "12:30",
        "1:2:3",
        "2026-01-01",
        "2026-01-01T00:00:00Z",
        "25%",
        "1.2.3",
        "0800",
        "08",
        "1e400",
        "9223372036854775808",
        "18446744073709551616",
        "=",
        "<<",
        "-",
        "1,000",
        "0.1",
        "100m",
        "1Gi",
    ];
    let values = words
        .iter()
        .flat_map(|word| [format!("a: {word}\n"), format!("- {word}\n"), format!("a: [{word}]\n")]);
    // A key that is no small number is written as Go writes it.
    let short = words.iter().filter(|word| word.len() < 19);
    let keys = short.flat_map(|word| [format!("{{{word}: 1}}\n"), format!("{word}: 1\n")]);
    let texts = values.chain(keys);
    agree(texts.chain((0..100).map(|number| format!("a: {number}\n"))));
}

#[test]
fn only_what_inject_is_there_to_change_counts_as_meant() {
    let parsed = |text: &str| parse("a.yaml", text).unwrap();
    let before =
        parsed("kind: Deployment\nspec: {replicas: 1, template: {spec: {containers: [{name: a}]}}}\n");
    for (after, strange) in [
        (
            "kind: Deployment\nspec: {replicas: 1, minReadySeconds: 5, template: {spec: {containers: [{name: a, lifecycle: {preStop: {}}}]}}}\n",
            None,
        ),
        (
            "kind: Deployment\nspec: {replicas: 2, template: {spec: {containers: [{name: a}]}}}\n",
            Some("spec/replicas"),
        ),
        (
            "kind: Deployment\nspec: {replicas: 1, template: {spec: {containers: [{name: a, image: b}]}}}\n",
            Some("spec/template/spec/containers/0/image"),
        ),
        (
            "kind: Deployment\nspec: {replicas: 1, template: {spec: {containers: [{name: a}, {name: b}]}}}\n",
            Some("spec/template/spec/containers"),
        ),
        (
            "kind: Deployment\nspec: {replicas: 1, template: {spec: {containers: [{name: a}]}}}\n---\na: 1\n",
            Some("the number of documents"),
        ),
    ] {
        let found = meant::strange(&before, &parsed(after));
        assert_eq!(found.as_deref(), strange, "{after}");
    }
    assert!(meant::equal(&[Value::from(1.0)], &[Value::from(1)]));
}
