//! Injecting twice, other flags, undoing, and what others have edited since.

use serde_json::json;

use super::*;

fn web() -> String {
    let container = "ports:\n- {name: http, containerPort: 8080}   # the shop\nlifecycle:\n  preStop:\n    sleep:\n      seconds: 5   # a guess";
    Web { container, own: "replicas: 4", ..Web::default() }.behind(NAMED)
}

#[test]
fn injecting_twice_is_injecting_once() {
    let once = Injected::of(&web(), &guarded());
    let twice = Injected::of(&once.text, &guarded());
    assert_eq!(twice.text, once.text);
    assert_eq!(twice.notes, once.notes);
}

#[test]
fn other_flags_plan_anew() {
    let with_guard = Injected::of(&web(), &guarded());
    let other = Options { agent_image: "registry/agent:2".to_owned(), ..Options::default() };
    assert_eq!(Injected::of(&with_guard.text, &other).text, Injected::of(&web(), &other).text);
}

#[test]
fn undoing_gives_the_same_bytes() {
    for text in [
        web(),
        web().replace('\n', "\r\n"),
        web().trim_end().to_owned(),
        format!("\u{feff}# ours\n---\n{}...\n", web()),
    ] {
        let injected = Injected::of(&text, &guarded());
        let undone = undone(&injected.text);
        assert_eq!(undone.texts.concat(), text);
        assert_eq!((undone.changed, undone.notes), (1, Vec::new()));
    }
}

/// A JSON text in lines of its own, its keys in the order they have; `newline` empty: in one line.
fn laid_out(text: &str, newline: &str, step: &str) -> String {
    let (mut out, mut depth, mut quoted, mut escaped) = (String::new(), 0, false, false);
    for letter in text.chars().filter(|letter| !matches!(letter, '\r' | '\n')) {
        let close = !quoted && matches!(letter, '}' | ']');
        depth -= usize::from(close);
        let line =
            if newline.is_empty() { String::new() } else { format!("{newline}{}", step.repeat(depth)) };
        match letter {
            '}' | ']' if close && !out.ends_with(['{', '[']) => out += &line,
            ' ' | '\t' if !quoted => continue,
            _ => {}
        }
        out.push(letter);
        match letter {
            '{' | '[' if !quoted => {
                depth += 1;
                out += &line;
                out += if newline.is_empty() { "" } else { step };
            }
            ',' if !quoted => out += &line,
            ':' if !quoted => out.push(' '),
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
    }
    out
}

#[test]
fn json_that_was_laid_out_anew_is_taken_back_and_planned_anew_as_json() {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"w"},"spec":{"containers":[{"name":"a","image":"x"}]}}"#;
    let noted = pod.replace(r#""w""#, r#""w","annotations":{"theirs":"x"}"#);
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    for (before, newline, step) in [
        (pod, "\n", "    "),
        (pod, "\r\n", "  "),
        (&noted, "\n", "  "),
        (&noted, "\n", "\t"),
        (&noted, "", ""),
    ] {
        let injected = Injected::of(&laid_out(before, "\n", "    "), &Options::default()).text;
        let injected = laid_out(&injected, newline, step);
        let undone = undone(&injected);
        let text = undone.texts.concat();
        assert_eq!((value(&text), undone.notes), (value(before), vec![]), "{text}");
        assert_eq!(laid_out(&text, newline, step), laid_out(before, newline, step));
        let again = Injected::of(&injected, &guarded()).text;
        assert_eq!(value(&again)["spec"], value(&Injected::of(before, &guarded()).text)["spec"]);
    }
}

fn list(objects: &[&str]) -> String {
    let item = |text: &&str| {
        let mut lines = text.lines();
        format!("- {}\n{}", lines.next().unwrap(), indented(2, &lines.collect::<Vec<_>>().join("\n")))
    };
    format!("apiVersion: v1\nkind: List\nitems:\n{}", objects.iter().map(item).collect::<String>())
}

#[test]
fn an_object_that_was_wrapped_into_a_list_is_undone_and_planned_anew_where_it_stands() {
    // As `kubectl get deploy,svc -o yaml` prints what was applied as documents.
    let text = Web { container: HTTP, own: "replicas: 4", ..Web::default() }.yaml();
    let injected = Injected::of(&text, &guarded());
    let wrapped = list(&[NAMED, &injected.text]);
    let items = |text: &str| streams(text)[0].documents()[0].json()["items"].clone();
    let undone = undone(&wrapped);
    assert_eq!(items(&undone.texts.concat())[1], *streams(&text)[0].documents()[0].json());
    assert_eq!(undone.notes, Vec::new());
    let again = Injected::of(&wrapped, &Options::default());
    let afresh = Injected::of(&list(&[NAMED, &text]), &Options::default());
    let spec = "/items/1/spec";
    assert_eq!(again.at(0, spec), afresh.at(0, spec));
}

#[test]
fn an_object_that_was_taken_out_of_a_list_is_undone_where_it_stands() {
    let text = Web { container: HTTP, own: "replicas: 4", ..Web::default() }.yaml();
    let injected = Injected::of(&list(&[NAMED, &text]), &guarded());
    let alone = injected.at(0, "/items/1").unwrap().to_string();
    let undone = undone(&alone);
    assert_eq!(
        streams(&undone.texts.concat())[0].documents()[0].json(),
        streams(&text)[0].documents()[0].json()
    );
    assert_eq!(undone.notes, Vec::new());
}

#[test]
fn a_record_that_does_not_know_its_own_place_is_refused() {
    let injected = Injected::of(&web(), &guarded()).text;
    let own = injected.find(r#",{"at":["metadata","annotations","segue.dev/injected"]"#).unwrap();
    let end = own + injected[own..].find("]}'").unwrap();
    let torn = format!("{}{}", &injected[..own], &injected[end..]);
    let diagnostic = refused(&torn, &guarded());
    assert!(diagnostic.message.contains("its record does not fit it any more"), "{diagnostic}");
    assert!(undo(&streams(&torn), false).is_err());
}

#[test]
fn items_of_a_list_are_injected_and_undone_in_their_places() {
    let list = list(&[NAMED, &Web { container: HTTP, ..Web::default() }.yaml()]);
    let injected = Injected::of(&list, &guarded());
    let port = injected.at(0, "/items/1/spec/template/spec/containers/0/ports/0/containerPort");
    assert_eq!(port, Some(&json!(15080)));
    assert_eq!(undone(&injected.text).texts.concat(), list);
}

#[test]
fn after_other_edits_only_ours_are_taken_out() {
    let injected = Injected::of(&web(), &guarded()).text;
    let edited = injected.replace("replicas: 4", "replicas: 6").replace("image: web", "image: web:2");
    let undone = undone(&edited);
    assert_eq!(
        undone.texts.concat(),
        web().replace("replicas: 4", "replicas: 6").replace("image: web", "image: web:2")
    );
    assert_eq!(undone.notes, []);
}

#[test]
fn what_someone_has_changed_since_is_left_and_told() {
    let injected = Injected::of(&web(), &guarded()).text;
    let edited = injected.replace("terminationGracePeriodSeconds: 62", "terminationGracePeriodSeconds: 90");
    let undone = undone(&edited);
    let text = undone.texts.concat();
    assert!(text.contains("terminationGracePeriodSeconds: 90") && !text.contains("segue"), "{text}");
    assert_eq!(undone.notes.len(), 1);
    assert!(
        undone.notes[0]
            .to_string()
            .contains("(.spec.template.spec.terminationGracePeriodSeconds): it is left as it is")
    );
}

#[test]
fn an_agent_whose_image_was_changed_is_taken_out_all_the_same() {
    let injected = Injected::of(&web(), &guarded()).text;
    let edited = injected.replace("image: segue-agent:dev", "image: registry/agent:2");
    assert_ne!(edited, injected);
    let undone = undone(&edited);
    assert_eq!(undone.texts.concat(), web());
    let again = Injected::of(&edited, &guarded());
    let [again, once] = [again, Injected::of(&web(), &guarded())].map(|one| one.at(0, "/spec").cloned());
    assert_eq!(again, once);
}

#[test]
fn a_container_that_came_since_gets_its_hook() {
    let injected = Injected::of(&web(), &guarded()).text;
    let edited = injected
        .replace("      - name: web\n", "      - name: proxy\n        image: proxy\n      - name: web\n");
    let again = Injected::of(&edited, &guarded());
    for container in [0, 1] {
        let hook = again.pod(&format!("/containers/{container}/lifecycle/preStop/exec/command/0"));
        assert_eq!(hook, Some(&json!("/segue/segue-agent")), "{container}");
    }
    assert_eq!(
        undone(&again.text).texts.concat(),
        web()
            .replace("      - name: web\n", "      - name: proxy\n        image: proxy\n      - name: web\n")
    );
}

#[test]
fn a_record_that_can_not_be_read_is_refused() {
    let injected = Injected::of(&web(), &guarded()).text;
    for (from, to) in [("{\"schema\":1,", "{\"schema\":2,"), ("{\"schema\":1,", "{")] {
        let diagnostic = refused(&injected.replacen(from, to, 1), &guarded());
        assert!(diagnostic.message.contains("record can't be read"), "{diagnostic}");
        assert_eq!(line_of(&diagnostic), 6);
    }
}

#[test]
fn undoing_what_was_never_injected_changes_nothing() {
    let undone = undone(&web());
    assert_eq!((undone.texts.concat(), undone.changed), (web(), 0));
    assert!(undone.notes[0].text.contains("nothing was injected"), "{:?}", undone.notes);
}

#[test]
fn a_policy_is_undone_with_the_rest() {
    let policy = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}, ingress: [{ports: [{port: 8080}]}]}\n";
    let text = format!("{}---\n{policy}", web());
    let injected = Injected::of(&text, &guarded());
    assert!(injected.text.contains("port: 15080"));
    assert_eq!(undone(&injected.text).texts.concat(), text);
    let without = Injected::of(&injected.text, &Options::default());
    assert_eq!(
        without.at(2, "/spec/ingress/0/ports"),
        Some(&json!([{"port": 8080}])),
        "planned anew without the guard"
    );
}

#[test]
fn what_is_left_is_told_by_its_place_in_the_input_whatever_stands_before_it() {
    let edited =
        |text: &str| text.replacen("terminationGracePeriodSeconds: ", "terminationGracePeriodSeconds: 1", 1);
    let web =
        Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &Options::default()).text;
    let (workload, _) = web.split_once("---\n").unwrap();
    let item = |text: &str| format!("- {}\n", text.trim_end().replace('\n', "\n  "));
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item(NAMED), item(&edited(workload)));
    let files = [
        parse("first.yaml", NAMED).unwrap(),
        parse("second.yaml", &format!("{NAMED}---\n{}", edited(workload))).unwrap(),
        parse("third.yaml", &format!("{NAMED}---\n{list}")).unwrap(),
    ];
    let outcome = undo(&files, false).unwrap();
    let spots: Vec<_> = outcome.notes.iter().map(|note| note.spot(&files).unwrap()).collect();
    let line = |file: usize| {
        let lines = files[file].text().lines();
        lines.enumerate().find(|(_, line)| line.trim_start().starts_with("terminationGrace")).unwrap().0 + 1
    };
    let told: Vec<_> = spots.iter().map(|spot| (spot.file.as_str(), spot.line)).collect();
    assert_eq!(told, [("second.yaml", line(1)), ("third.yaml", line(2))]);
}
