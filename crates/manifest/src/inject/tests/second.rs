//! The second step, and its way back.

use serde_json::json;

use super::*;

fn second() -> Options {
    Options { second_step: true, ..Options::default() }
}

fn web() -> String {
    Web { container: HTTP, ..Web::default() }.behind(NUMERIC)
}

#[test]
fn the_second_step_sends_numeric_services_to_the_guard_and_leaves_the_rest_as_it_is() {
    let first = Injected::of(&web(), &guarded());
    let after = Injected::of(&first.text, &second());
    assert_eq!(after.at(1, "/spec/ports/0/targetPort"), Some(&json!(15080)));
    assert_eq!(after.documents[0], first.documents[0]);
    after.says("Service web (port 80): it sends to the guard on 15080 instead of 8080");
    after.says("only once every pod has the guard");
    after.is_silent_on("no workload in the input");
}

#[test]
fn from_the_untouched_manifest_it_comes_to_the_same() {
    let first = Injected::of(&web(), &guarded());
    assert_eq!(Injected::of(&web(), &second()).text, Injected::of(&first.text, &second()).text);
}

#[test]
fn twice_is_once_and_a_first_step_after_it_keeps_it() {
    let after = Injected::of(&web(), &second());
    assert_eq!(Injected::of(&after.text, &second()).text, after.text);
    let again = Injected::of(&after.text, &guarded());
    assert_eq!(again.text, after.text);
    again.is_silent_on("left alone in this first step");
}

#[test]
fn a_service_that_holds_on_to_a_number_keeps_it_when_ports_come_before() {
    let after = Injected::of(&web(), &second());
    let more = after.text.replace(
        "        - {name: http",
        "        - {name: admin, containerPort: 9000}\n        - {name: http",
    );
    let service = NAMED.replace("name: web", "name: admin").replace("http", "admin");
    let text = format!("{more}---\n{service}");
    let again = Injected::of(&text, &guarded());
    let guards: Vec<_> = again.plan().ports.iter().map(|port| (port.application, port.guard)).collect();
    assert_eq!(guards, [(9000, Some(15081)), (8080, Some(15080))]);
}

#[test]
fn it_is_taken_back_in_reverse_services_first() {
    let first = Injected::of(&web(), &guarded());
    let after = Injected::of(&first.text, &second());
    let Refused(reasons) = undo(&streams(&after.text), false).unwrap_err();
    assert!(reasons[0].message.contains("it sends to the guard by number"), "{}", reasons[0]);
    assert!(reasons[0].help.as_ref().unwrap().contains("--undo --second-step"));
    let services = undo(&streams(&after.text), true).unwrap();
    assert_eq!(services.texts.concat(), first.text);
    assert_eq!(undone(&services.texts.concat()).texts.concat(), web());
}

#[test]
fn workloads_that_disagree_are_refused() {
    let other = Web::default().yaml().replace("  name: web\nspec", "  name: green\nspec");
    let text = format!("{}---\n{other}", Injected::of(&web(), &guarded()).text);
    let injected = Injected::of(&text, &Options { second_step: true, ..Options::default() });
    assert_eq!(
        injected.at(1, "/spec/ports/0/targetPort"),
        Some(&json!(15080)),
        "green is injected on the way"
    );
    let green = Injected::of(&other, &Options::default()).text;
    let text = format!("{}---\n{green}", Injected::of(&web(), &guarded()).text);
    assert!(refused(&text, &second()).message.contains("have different guards"));
}

#[test]
fn without_anything_to_do_it_says_so() {
    let named = Web { container: HTTP, ..Web::default() }.behind(NAMED);
    Injected::of(&named, &second()).says("nothing is left to do");
    let alone = Injected::of(NUMERIC, &second());
    alone.says("give the workloads with their Services");
    alone.is_silent_on("nothing is left to do");
}

#[test]
fn headless_services_are_left() {
    let headless =
        NUMERIC.replace("spec: {", "spec: {clusterIP: None, ").replace("{name: web}", "{name: all}");
    let after = Injected::of(&format!("{}---\n{headless}", web()), &second());
    assert_eq!(after.at(2, "/spec/ports/0/targetPort"), Some(&json!(8080)));
}

#[test]
fn the_guard_is_not_taken_from_a_service_that_sends_to_it() {
    let after = Injected::of(&web(), &second()).text;
    let diagnostic = refused(&after, &Options::default());
    assert!(diagnostic.message.contains("Service web: it sends to the guard on 15080"), "{diagnostic}");
    assert_eq!(
        line_of(&diagnostic),
        after.lines().position(|line| line.starts_with("spec: {selector")).unwrap() + 1
    );
}

#[test]
fn a_workload_without_a_namespace_is_taken_to_be_in_its_services_and_that_is_told() {
    let elsewhere = NUMERIC.replace("{name: web}", "{name: web, namespace: third}");
    let second = Options { second_step: true, ..guarded() };
    let told = "Deployment web (Service third/web): it names no namespace and is taken to be in third";
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(&elsewhere), &second);
    assert!(injected.text.contains("targetPort: 15080"), "{}", injected.text);
    injected.says(told);
    Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NUMERIC), &second)
        .is_silent_on("names no namespace");
    // Two namespaces can't both be meant.
    let two = format!("{elsewhere}---\n{}", elsewhere.replace("third", "fourth"));
    let outcome = with(&Web { container: HTTP, ..Web::default() }.behind(&two), &second).unwrap();
    let refused: Vec<_> = outcome.refused().map(|one| one.message.clone()).collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(
        refused[0].contains("which of third and fourth Deployment web is in is not known"),
        "{refused:?}"
    );
    assert!(!outcome.texts.concat().contains("targetPort: 15080"));
}
