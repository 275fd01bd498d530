//! `segue inject -o json`: all that is said, for machines, with the keys of docs/inject.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::inject::{WEB, both, inject, recreate, text};

const JOB: &str = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {containers: [{name: j, image: j}]}}}\n";

/// Its exit code and its report; nothing may stand on stderr.
fn report(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = inject(folder, &[&["-o", "json"], arguments].concat(), None);
    assert_eq!(text(&output.stderr), "");
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

/// A workload that is injected, one that is left alone and one that is refused.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.yaml"), both()).unwrap();
    fs::write(folder.path().join("more.yaml"), format!("{JOB}---\n{}", recreate())).unwrap();
    folder
}

fn finding<'r>(report: &'r Value, rule: &str) -> &'r Value {
    let all = report["findings"].as_array().unwrap();
    all.iter().find(|one| one["rule"] == rule).unwrap_or_else(|| panic!("no finding of {rule}: {report:#}"))
}

#[test]
fn every_finding_has_its_rule_object_place_and_text() {
    let folder = folder();
    let (code, report) = report(folder.path(), &["app.yaml", "more.yaml"]);
    assert_eq!(code, 0);
    let sleep = "preStop.sleep 15s";
    let first = finding(&report, "first-rollout");
    assert!(
        first["message"].as_str().unwrap().starts_with(&format!("{sleep}: the first rollout after this"))
    );
    let mut rest = first.clone();
    rest["message"].take();
    assert_eq!(
        rest,
        json!({"rule": "first-rollout", "urgency": "no-promise", "severity": "warning", "object": "Deployment web", "file": "app.yaml",
               "line": 2, "column": 1, "detail": sleep, "message": null, "fix": null})
    );
    let refused = json!({
        "rule": "recreate", "urgency": "refused", "severity": "error", "object": "Deployment db", "file": "more.yaml", "line": 12,
        "column": 20, "detail": null,
        "message": "strategy Recreate stops every pod before the first new one starts: no drain can help",
        "fix": "use RollingUpdate; if two versions can't run side by side, --keep-strategy injects the rest and leaves this gap",
    });
    assert_eq!(report["findings"][0], refused, "what was refused comes first");
    let whole = finding(&report, "kubernetes-version");
    assert_eq!(
        (&whole["object"], &whole["file"], &whole["line"], &whole["severity"]),
        (&Value::Null, &Value::Null, &Value::Null, &json!("info"))
    );
    assert_eq!(
        report["workloads"],
        json!([
            {"object": "Deployment web", "fate": "injected", "file": "app.yaml", "line": 2, "column": 1, "why": []},
            {"object": "Job j", "fate": "left-alone", "file": "more.yaml", "line": 1, "column": 1, "why": []},
            {"object": "Deployment db", "fate": "refused", "file": "more.yaml", "line": 7, "column": 1, "why": [refused]},
        ])
    );
    assert_eq!(report["counts"], json!({"injected": 1, "taken_out": 0, "left_alone": 1, "refused": 1}));
    let top = ["schema", "refused", "written", "objects", "changed"].map(|key| report[key].clone());
    assert_eq!(top, [json!(1), json!(false), json!(false), json!(4), json!(1)]);
}

#[test]
fn it_says_what_people_are_told_and_no_more() {
    let folder = folder();
    let people = inject(folder.path(), &["--guard", "app.yaml", "more.yaml"], None);
    let (_, report) = report(folder.path(), &["--guard", "app.yaml", "more.yaml"]);
    let said = text(&people.stderr);
    for finding in report["findings"].as_array().unwrap() {
        let message = finding["message"].as_str().unwrap();
        let detail = finding["detail"].as_str().map_or(String::new(), |detail| format!("{detail}: "));
        let message = message.strip_prefix(&detail).unwrap();
        assert!(said.contains(message), "people are not told `{message}`: {said}");
    }
    let (notes, _) = said.split_once("\n\nwarning: ").unwrap();
    let notes = notes.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")).count();
    assert_eq!(report["findings"].as_array().unwrap().len(), notes + 1, "with the refusal: {said}");
}

#[test]
fn without_write_or_out_it_is_a_rehearsal_and_with_them_the_manifests_are_written_too() {
    let folder = folder();
    let (_, rehearsed) = report(folder.path(), &["app.yaml"]);
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    let (_, apart) = report(folder.path(), &["--out", "there", "app.yaml"]);
    assert_eq!((&rehearsed["written"], &apart["written"]), (&json!(false), &json!(true)));
    assert_eq!(rehearsed["findings"], apart["findings"]);
    assert!(fs::read_to_string(folder.path().join("there/app.yaml")).unwrap().contains("segue-agent"));
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both());
    let (_, over) = report(folder.path(), &["--write", "app.yaml"]);
    assert_eq!(over["written"], true);
    assert!(fs::read_to_string(folder.path().join("app.yaml")).unwrap().contains("segue-agent"));
    let (code, undone) = report(folder.path(), &["--undo", "--write", "app.yaml"]);
    assert_eq!(
        (code, &undone["counts"]["taken_out"], &undone["workloads"][0]["fate"]),
        (0, &json!(1), &json!("taken-out"))
    );
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both());
}

#[test]
fn a_place_is_that_of_the_input_as_it_was_given() {
    let folder = folder();
    let paused = WEB.replace("  replicas: 4\n", "  replicas: 4\n  paused: true\n");
    fs::write(folder.path().join("app.yaml"), &paused).unwrap();
    let line = |report: &Value| finding(report, "paused")["line"].clone();
    let (_, first) = report(folder.path(), &["--write", "app.yaml"]);
    assert_eq!(line(&first), 8);
    let injected = fs::read_to_string(folder.path().join("app.yaml")).unwrap();
    let now = injected.lines().position(|line| line.contains("paused: true")).unwrap() + 1;
    assert!(now > 8, "the record stands above it: {injected}");
    assert_eq!(line(&report(folder.path(), &["app.yaml"]).1), now);
}

#[test]
fn a_refusal_of_all_is_told_in_json_too_and_exits_2() {
    let folder = folder();
    fs::write(folder.path().join("tab.yaml"), "a:\n\tb: 1\n").unwrap();
    for (arguments, rule, place) in [
        (&["more.yaml"][..], "recreate", json!(["more.yaml", 12])),
        (&["--strict", "--write", "app.yaml", "more.yaml"], "recreate", json!(["more.yaml", 12])),
        (&["tab.yaml"], "unreadable", json!(["tab.yaml", 2])),
        (&["missing.yaml"], "unreadable", json!([null, null])),
    ] {
        let (code, report) = report(folder.path(), arguments);
        assert_eq!(
            (code, &report["refused"], &report["written"]),
            (2, &json!(true), &json!(false)),
            "{arguments:?}"
        );
        let why = &report["findings"][0];
        assert_eq!((&why["rule"], json!([why["file"], why["line"]])), (&json!(rule), place), "{arguments:?}");
        assert_eq!((&why["urgency"], &why["severity"]), (&json!("refused"), &json!("error")));
        assert!(!why["message"].as_str().unwrap().is_empty());
        assert_eq!(report["workloads"].as_array().unwrap().is_empty(), !arguments.contains(&"--strict"));
    }
    assert_eq!(fs::read_to_string(folder.path().join("app.yaml")).unwrap(), both(), "nothing is written");
}

#[test]
fn wrong_use_is_told_on_stderr_and_prints_no_json() {
    let folder = folder();
    for (arguments, words) in [
        (&["-o", "yaml", "app.yaml"][..], "possible values: text, json"),
        (&["-o", "json", "--write", "-"], "--out DIR"),
        (&["-o", "json", "--write", "--out", "x", "app.yaml"], "cannot be used with"),
    ] {
        let output = inject(folder.path(), arguments, None);
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{arguments:?}");
        assert!(text(&output.stderr).contains(words), "{arguments:?}: {}", text(&output.stderr));
    }
}

/// The keys of a report as the table has them.
fn keys(value: &Value, above: &str, all: &mut BTreeSet<String>) {
    match value {
        // Its keys are told in its row.
        Value::Object(map) if above != "counts" => {
            for (key, value) in map {
                let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
                keys(value, &key, all);
                all.insert(key);
            }
        }
        // Why a workload was refused are findings themselves.
        Value::Array(items) if above != "workloads[].why" => {
            for item in items {
                keys(item, &format!("{above}[]"), all);
            }
        }
        _ => {}
    }
}

#[test]
fn the_table_of_keys_has_every_key_and_no_other() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/inject.md");
    let document = fs::read_to_string(document).unwrap();
    let rows = document.lines().skip_while(|line| !line.starts_with("| key |")).skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    let words = |cell: usize| {
        let cells = rows.iter().filter_map(move |row| row.split('|').nth(cell));
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let folder = folder();
    let (_, done) = report(folder.path(), &["app.yaml", "more.yaml"]);
    let mut seen = BTreeSet::new();
    keys(&done, "", &mut seen);
    assert_eq!(words(1), seen, "left: docs/inject.md, right: what is printed");
    let counted = done["counts"].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert!(counted.is_subset(&words(2)), "{counted:?}");
    let (_, all_refused) = report(folder.path(), &["more.yaml"]);
    let top = |report: &Value| report.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(top(&done), top(&all_refused), "a refusal has the same keys");
}
