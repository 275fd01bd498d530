//! From the other ways to the guard to this one, back again, and out.

use super::*;

fn web(service: &str) -> String {
    Web { container: HTTP, ..Web::default() }.behind(service)
}

fn second() -> Options {
    Options { second_step: true, ..guarded() }
}

/// Taken back in a second step's way: the Services alone.
fn services_undone(text: &str) -> String {
    undo(&streams(text), true).unwrap_or_else(|refused| panic!("{refused}")).texts.concat()
}

#[test]
fn twice_is_once_and_undo_gives_every_byte_back() {
    for service in [NAMED.to_owned(), NUMERIC.to_owned(), headless()] {
        let once = Injected::of(&web(&service), &redirected());
        assert_eq!(Injected::of(&once.text, &redirected()).text, once.text);
        let back = undone(&once.text);
        assert_eq!(back.texts.concat(), web(&service));
        assert_eq!(back.notes, vec![]);
    }
}

#[test]
fn from_a_name_and_back_in_one_rollout_each() {
    let named = Injected::of(&web(NAMED), &guarded());
    assert_eq!(named.pod("/containers/0/ports/0/containerPort"), Some(&json!(15080)));
    let over = Injected::of(&named.text, &redirected());
    // The old pods have the name at the guard's number, the new ones at their own: the Service finds both.
    assert_eq!(over.pod("/containers/0/ports/0/containerPort"), Some(&json!(8080)));
    assert_eq!(over.text, Injected::of(&web(NAMED), &redirected()).text);
    assert_eq!(Injected::of(&over.text, &guarded()).text, named.text);
}

#[test]
fn from_a_numeric_first_step_and_back() {
    let first = Injected::of(&web(NUMERIC), &guarded());
    let over = Injected::of(&first.text, &redirected());
    assert_eq!(ports(&over), [(8080, None, Some(15180))]);
    assert_eq!(over.text, Injected::of(&web(NUMERIC), &redirected()).text);
    assert_eq!(Injected::of(&over.text, &guarded()).text, first.text);
}

#[test]
fn a_policy_that_pods_from_before_still_need_is_told() {
    let told = "NetworkPolicy in: it does not let requests through any more to where the guard was: pods from before take them there, so apply it once they are gone";
    let by_number = POLICY.replace(", {ports: [{port: http}]}", "");
    let by_name = POLICY.replace("{ports: [{port: 8080}]}, ", "");
    for (service, policy, is_told) in [
        (NAMED, &by_number, true),
        (NUMERIC, &by_number, true),
        (NUMERIC, &by_name, true),
        // Of a name each pod has its own number.
        (NAMED, &by_name, false),
    ] {
        let text = format!("{}---\n{policy}", web(service));
        let over = Injected::of(&Injected::of(&text, &guarded()).text, &redirected());
        assert_eq!(over.notes.contains(told), is_told, "{service}{policy}{}", over.notes);
        Injected::of(&over.text, &redirected()).is_silent_on("where the guard was");
        Injected::of(&text, &redirected()).is_silent_on("where the guard was");
        let without = Injected::of(&Injected::of(&text, &guarded()).text, &Options::default());
        assert_eq!(without.notes.contains(told), is_told, "{service}{policy}");
        Injected::of(&Injected::of(&text, &guarded()).text, &guarded()).is_silent_on("where the guard was");
    }
    let both = format!("{}---\n{by_number}", web(NUMERIC));
    Injected::of(&Injected::of(&both, &second()).text, &redirected()).is_silent_on("where the guard was");
}

#[test]
fn from_a_second_step_pods_take_both_ways_until_the_services_are_taken_back() {
    let policy = format!("{}---\n{POLICY}", web(NUMERIC));
    let stepped = Injected::of(&policy, &second());
    assert_eq!(stepped.at(1, "/spec/ports/0/targetPort"), Some(&json!(15080)));
    let both = Injected::of(&stepped.text, &redirected());
    assert_eq!(ports(&both), [(8080, Some(15080), Some(15180))]);
    assert_eq!(rules(&both), ["redirect", "8080:15180"]);
    assert_eq!(both.documents[1], stepped.documents[1], "the Service sends where it did");
    assert_eq!(both.documents[2]["spec"], stepped.documents[2]["spec"], "policies let through to both");
    assert_eq!(
        both.at(0, "/spec/template/metadata/annotations/segue.dev~1ports"),
        Some(&json!("15079,15080,15180"))
    );
    both.says(
        "roll this out; then take the Services back with `segue inject --undo --second-step` and apply them; then inject once more",
    );
    assert_eq!(Injected::of(&both.text, &redirected()).text, both.text);
    // As it says: the pods' Services, then the pods once more.
    let services = services_undone(&both.text);
    assert!(services.contains("targetPort: 8080") && services.contains("15080"), "{services}");
    let last = Injected::of(&services, &redirected());
    assert_eq!(last.text, Injected::of(&policy, &redirected()).text);
    last.is_silent_on("second step");
    assert_eq!(undone(&last.text).texts.concat(), policy);
}

#[test]
fn from_a_second_step_it_can_be_gone_back_to() {
    let stepped = Injected::of(&web(NUMERIC), &second());
    let both = Injected::of(&stepped.text, &redirected());
    assert_eq!(Injected::of(&both.text, &guarded()).text, stepped.text);
    let Refused(reasons) = undo(&streams(&both.text), false).unwrap_err();
    assert!(reasons[0].message.contains("it sends to the guard by number"), "{}", reasons[0]);
    assert_eq!(undone(&services_undone(&both.text)).texts.concat(), web(NUMERIC));
}

#[test]
fn only_the_port_that_a_service_still_sends_to_takes_both_ways() {
    let container = "ports: [{name: http, containerPort: 8080}, {name: admin, containerPort: 9000}]";
    let admin = NAMED.replace("name: web", "name: admin").replace("http", "admin");
    let text = format!("{}---\n{admin}", Web { container, ..Web::default() }.behind(NUMERIC));
    let both = Injected::of(&Injected::of(&text, &second()).text, &redirected());
    assert_eq!(ports(&both), [(8080, Some(15080), Some(15180)), (9000, None, Some(15181))]);
    assert_eq!(
        both.notes.matches("takes both").count() + both.notes.matches("take both").count(),
        1,
        "{}",
        both.notes
    );
    // A manifest from before, behind a live Service in its second step: it holds on to its number all the same.
    let stepped = Injected::of(&web(NUMERIC), &second());
    let service = stepped.text.split_once("---\n").unwrap().1;
    assert_eq!(ports(&Injected::of(&web(service), &redirected())), [(8080, Some(15080), Some(15180))]);
}

#[test]
fn a_second_step_has_nothing_to_do_for_them_and_says_so() {
    let nothing = "no Service is to be sent to a guard: what comes for the number of a redirected port is led there by the pods themselves, so there is nothing to do";
    let redirected_once = Injected::of(&web(NUMERIC), &redirected());
    for (text, options) in [
        (web(NUMERIC), Options { second_step: true, ..redirected() }),
        (redirected_once.text.clone(), Options { second_step: true, ..redirected() }),
        (redirected_once.text.clone(), second()),
    ] {
        let after = Injected::of(&text, &options);
        assert_eq!(after.text, redirected_once.text);
        after.says(nothing);
        after.is_silent_on("no workload with a guard is in the input");
    }
    // Half way over, the Service that sends to the guard keeps what it has, and no other is sent there.
    let both = Injected::of(&Injected::of(&web(NUMERIC), &second()).text, &redirected()).text;
    let more = format!("{both}---\n{}", NUMERIC.replace("name: web", "name: late"));
    let after = Injected::of(&more, &second());
    assert_eq!(after.text, more);
    after.says(nothing);
    // Beside pods that are not, a Service of those goes on.
    let other = web(NUMERIC).replace("web", "api");
    let other = Injected::of(&other, &guarded()).text;
    let after = Injected::of(&format!("{}---\n{other}", redirected_once.text), &second());
    assert_eq!(after.at(1, "/spec/ports/0/targetPort"), Some(&json!(8080)));
    assert_eq!(after.at(3, "/spec/ports/0/targetPort"), Some(&json!(15080)));
    after.is_silent_on(nothing);
}

#[test]
fn a_service_of_pods_that_are_led_and_of_others_that_are_not_is_not_sent_to_the_guard() {
    let green =
        Web { container: HTTP, ..Web::default() }.yaml().replace("  name: web\nspec", "  name: green\nspec");
    let green = Injected::of(&green, &guarded()).text;
    let text = format!("{}---\n{green}", Injected::of(&web(NUMERIC), &redirected()).text);
    assert!(refused(&text, &second()).message.contains("have different guards"));
}

#[test]
fn undo_takes_the_init_container_out_whatever_was_changed_in_it() {
    let text = web(NUMERIC);
    let injected = Injected::of(&text, &redirected()).text;
    for (old, new) in [
        ("- redirect\n", "- redirect\n          - --verbose\n"),
        ("- NET_ADMIN\n", "- NET_ADMIN\n              - NET_RAW\n"),
        ("- redirect\n", "- other\n"),
        ("name: segue-redirect\n", "name: segue-redirect\n        imageTag: x\n"),
    ] {
        let changed = injected.replacen(old, new, 1);
        assert_ne!(changed, injected, "{old}");
        let back = undone(&changed);
        assert_eq!(back.texts.concat(), text, "{old}");
        assert_eq!(back.notes, vec![], "{old}");
    }
    // Both changed, and another beside them.
    let changed = injected.replace("imagePullPolicy: IfNotPresent", "imagePullPolicy: Always");
    assert_eq!(undone(&changed).texts.concat(), text);
    let beside = "initContainers:\n- {name: migrate, image: migrate}";
    let text = Web { container: HTTP, pod: beside, ..Web::default() }.behind(NUMERIC);
    let changed = Injected::of(&text, &redirected())
        .text
        .replace("imagePullPolicy: IfNotPresent", "imagePullPolicy: Always");
    assert_eq!(undone(&changed).texts.concat(), text);
}

#[test]
fn one_that_is_left_without_its_record_is_refused() {
    let injected = Injected::of(&web(NUMERIC), &redirected());
    let mut without = injected.documents[0].clone();
    without["metadata"]["annotations"].as_object_mut().unwrap().remove("segue.dev/injected").unwrap();
    let init = |one: &Value| one["spec"]["template"]["spec"]["initContainers"].clone();
    // Also where only one of our two containers is left.
    for only in [init(&without), json!([init(&without)[0]]), json!([init(&without)[1]])] {
        without["spec"]["template"]["spec"]["initContainers"] = only;
        let Refused(reasons) = undo(&streams(&without.to_string()), false).unwrap_err();
        assert!(reasons[0].message.contains("no record of what it replaced"), "{}", reasons[0]);
    }
}
