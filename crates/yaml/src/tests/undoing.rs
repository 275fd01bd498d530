//! Undoing after others have edited the text: only what is ours is taken out, and what they changed is left and told.

use serde_json::json;

use super::*;
use crate::Undo;

const POD: &str = "\
# our pod
metadata:
  name: web
spec:
  terminationGracePeriodSeconds: 30 # half a minute
  containers:
    # the server
    - name: web
      image: web:1
      ports:
        - name: http
          containerPort: 8080 # plain
    - name: side
      image: side:1
";

/// What `inject` does, in small; the record of it lies in the text.
fn injected(text: &str) -> String {
    let pod = |at: &str| way(&format!("spec.{at}"));
    let first = |at, value| Edit::Insert { at, value, position: Position::First };
    let last = |at, value| Edit::Insert { at, value, position: Position::Last };
    let edits = [
        first(
            pod("initContainers.0"),
            json!({"name": "segue-agent", "args": ["run"], "restartPolicy": "Always"}),
        ),
        last(pod("volumes.0"), json!({"name": "segue", "emptyDir": {}})),
        last(pod("containers.0.volumeMounts.0"), json!({"name": "segue", "mountPath": "/segue"})),
        last(
            pod("containers.0.lifecycle.preStop"),
            json!({"exec": {"command": ["/segue/segue-agent", "hook"]}}),
        ),
        Edit::Set { at: pod("containers.0.ports.0.containerPort"), value: json!(15080) },
        Edit::Set { at: pod("terminationGracePeriodSeconds"), value: json!(65) },
        last(way("metadata.annotations").then("segue.dev/injected"), json!("")),
    ];
    let edits: Vec<_> = edits.into_iter().map(|edit| (0, edit)).collect();
    let Edited { text: new, undo: mut undos } = edit(&read(text), &edits).unwrap();
    let record = undos.pop().unwrap().whatever_it_holds();
    undos.push(record);
    let at = way("metadata.annotations").then("segue.dev/injected");
    let value = json!(serde_json::to_string(&undos).unwrap());
    edit(&read(&new), &[(0, Edit::Set { at, value })]).unwrap().text
}

/// Undone by the record in the text; what was skipped as text.
fn undone(text: &str) -> (String, Vec<String>) {
    let stream = read(text);
    let record =
        stream.documents()[0].json()["metadata"]["annotations"]["segue.dev/injected"].as_str().unwrap();
    let undos: Vec<Undo> = serde_json::from_str(record).unwrap();
    let back = undo(&stream, 0, &undos).unwrap();
    (back.text, back.skipped.iter().map(|one| format!("{}: {}", one.at, one.reason)).collect())
}

#[test]
fn an_unchanged_output_is_undone_to_the_byte_by_the_record_in_it() {
    for text in [
        POD.to_owned(),
        POD.replace('\n', "\r\n"),
        POD.trim_end().to_owned(),
        POD.replace("metadata:\n", "metadata:\n  annotations: {}\n"),
    ] {
        let new = injected(&text);
        assert_ne!(new, text);
        assert_eq!(undone(&new), (text, vec![]));
    }
}

#[test]
fn edits_elsewhere_stay_and_all_of_ours_goes() {
    let new = injected(POD)
        .replace("image: web:1", "image: web:2")
        .replace("# half a minute", "# a minute and more")
        .replace("    # the server\n", "    - name: new\n      image: new:1\n    # the server\n")
        .replace(
            "  volumes:\n",
            "  dnsPolicy: Default\n  volumes:\n    - name: theirs\n      emptyDir: {}\n",
        );
    let expected = POD
        .replace("image: web:1", "image: web:2")
        .replace("# half a minute", "# a minute and more")
        .replace("    # the server\n", "    - name: new\n      image: new:1\n    # the server\n")
        + "  dnsPolicy: Default\n  volumes:\n    - name: theirs\n      emptyDir: {}\n";
    assert_eq!(undone(&new), (expected, vec![]));
}

#[test]
fn what_someone_has_changed_since_is_left_and_told() {
    let new = injected(POD)
        .replace("terminationGracePeriodSeconds: 65", "terminationGracePeriodSeconds: 90")
        .replace("restartPolicy: Always", "restartPolicy: Always\n      image: mine:1");
    let (text, skipped) = undone(&new);
    let told = [
        ".spec.initContainers[0]: it has been changed since",
        ".spec.terminationGracePeriodSeconds: it has been changed since",
    ];
    assert_eq!(skipped, told);
    assert!(text.contains("terminationGracePeriodSeconds: 90"));
    assert!(text.contains("mine:1"));
    assert!(!text.contains("segue.dev/injected") && !text.contains("15080") && !text.contains("preStop"));
}

#[test]
fn what_is_not_there_any_more_is_told() {
    let new = injected(POD);
    let at = new.find("      volumeMounts:").unwrap();
    let end = new[at..].find("      lifecycle:").unwrap() + at;
    let (text, skipped) = undone(&format!("{}{}", &new[..at], &new[end..]));
    assert_eq!(text, POD);
    assert_eq!(skipped, [".spec.containers[0].volumeMounts[0]: it is not there any more"]);
}

#[test]
fn ours_is_found_in_a_text_that_was_laid_out_anew() {
    let stream = read(&injected(POD));
    let other = serde_json::to_string_pretty(stream.documents()[0].json()).unwrap();
    let (text, skipped) = undone(&other);
    assert_eq!(skipped, Vec::<String>::new());
    assert_eq!(read(&text).documents()[0].json(), read(POD).documents()[0].json());
}

#[test]
fn a_record_in_lines_of_another_kind_goes_without_a_trace() {
    let text = "metadata:\n  annotations: # ours\n    theirs: x # theirs\nspec:\n  terminationGracePeriodSeconds: 30\n  containers:\n  - name: web\n    ports:\n    - containerPort: 80\n";
    let crlf = |text: &str| text.replace('\n', "\r\n");
    assert_eq!(undone(&crlf(&injected(text))), (crlf(text), vec![]));
    assert_eq!(undone(&injected(&crlf(text)).replace("\r\n", "\n")), (text.to_owned(), vec![]));
}

#[test]
fn keys_that_others_put_beside_ours_keep_what_holds_them() {
    let new = injected(POD).replace("  annotations:\n", "  annotations:\n    theirs: x\n");
    let (text, skipped) = undone(&new);
    assert_eq!(skipped, Vec::<String>::new());
    assert_eq!(text, POD.replace("  name: web\nspec", "  name: web\n  annotations:\n    theirs: x\nspec"));
    let new = injected(POD);
    let behind = new.find("\nspec:").unwrap();
    let new = format!("{}\n    theirs: x{}", &new[..behind], &new[behind..]);
    assert_eq!(
        undone(&new).0,
        POD.replace("  name: web\nspec", "  name: web\n  annotations:\n    theirs: x\nspec")
    );
}

#[test]
fn a_removed_key_is_put_back_unless_something_stands_there_again() {
    let text = "a: 1\nb: 2 # two\nc: 3\n";
    let edits = [(0, remove("b"))];
    let Edited { text: new, undo: undos } = edit(&read(text), &edits).unwrap();
    assert_eq!(undo(&read(&new), 0, &undos).unwrap().text, text);
    let moved = "# head\nc: 3\na: 1\n";
    let back = undo(&read(moved), 0, &undos).unwrap();
    assert_eq!(read(&back.text).documents()[0].json(), read(text).documents()[0].json());
    let theirs = "a: 1\nb: 5\nc: 3\n";
    let back = undo(&read(theirs), 0, &undos).unwrap();
    assert_eq!(
        (back.text.as_str(), back.skipped[0].reason.as_str()),
        (theirs, "something stands there again")
    );
}

#[test]
fn a_first_key_comes_back_before_the_empty_lines_behind_it() {
    for behind in ["", "---", "---\nb: 2\n"] {
        assert_eq!(
            edited(&format!("first: 1\n\na: 1\n{behind}"), &[remove("first")]),
            format!("\na: 1\n{behind}")
        );
    }
}

#[test]
fn an_undo_takes_little_room() {
    let edits = [(0, set("spec.containers.0.ports.0.containerPort", 15080))];
    let Edited { undo: undos, .. } = edit(&read(POD), &edits).unwrap();
    let json = serde_json::to_string(&undos[0]).unwrap();
    assert!(json.len() < 250, "{} bytes: {json}", json.len());
}

/// One edit of that text: the text it makes, and its undo.
fn changed(text: &str, change: Edit) -> (String, Undo) {
    let Edited { text, mut undo } = edit(&read(text), &[(0, change)]).unwrap();
    (text, undo.pop().unwrap())
}

#[test]
fn what_is_wrapped_into_a_list_is_found_below_it_and_what_is_not_below_it_is_not() {
    let text = "a:\n  - name: web\n    port: 1\nb: 1\n";
    let wrapped = |inner: &str| format!("items:\n  - {}", inner.trim_end().replace('\n', "\n    ")) + "\n";
    let root = way("items.0");
    for (at, value) in [("a.0.port", json!(2)), ("b", json!(2))] {
        let (new, undone) = changed(text, Edit::Set { at: way(at), value });
        let there = undone.clone().moved(&Pointer::root(), &root).unwrap();
        let back = undo(&read(&wrapped(&new)), 0, std::slice::from_ref(&there)).unwrap();
        assert_eq!((back.text, back.skipped.len()), (wrapped(text), 0), "{at}");
        // And back again.
        assert_eq!(there.moved(&root, &Pointer::root()), Some(undone.clone()), "{at}");
        assert_eq!(undone.moved(&way("c"), &root), None, "{at}");
    }
}

#[test]
fn a_record_says_no_more_than_it_must() {
    let keys = |undo: &Undo| {
        let written = serde_json::to_value(undo).unwrap();
        written.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let (_, set) = changed("a: 1\n", Edit::Set { at: way("a"), value: json!(2) });
    assert_eq!(keys(&set), ["at", "bytes", "do", "head", "length", "new", "old", "top", "was"]);
    let at = way("b");
    let (_, insert) = changed("a: 1\n", Edit::Insert { at, value: json!(2), position: Position::Last });
    assert_eq!(keys(&insert), ["at", "bytes", "do", "head", "length", "new", "top"]);
}

#[test]
fn what_was_there_and_empty_stays_when_the_text_around_has_changed() {
    for (before, at, new, after) in [
        ("labels: {}\n", "labels.x", "labels:\n  x: 1 # mine\n", "labels: {} # mine\n"),
        ("a:\n  labels: {}\n", "a.labels.x", "a:\n  labels: { x: 1 }\n", "a:\n  labels: {}\n"),
        ("a:\n  list: []\n", "a.list.0.x", "a:\n  list: [{x: 1}]\n", "a:\n  list: []\n"),
        ("a:\n  b: 1\n", "a.labels.x", "a:\n  labels: { x: 1 }\n  b: 1\n", "a:\n  b: 1\n"),
    ] {
        let undos = edit(&read(before), &[(0, insert(at, 1))]).unwrap().undo;
        let back = undo(&read(new), 0, &undos).unwrap();
        assert_eq!(back.skipped.len(), 0, "{before}");
        assert_eq!(back.text, after);
    }
}
