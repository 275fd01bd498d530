//! What is said where the pods' own network leads to the guard, and where it could.

use super::*;

const SPARE: &str = "--redirect would bring the guard into every way to these pods in one step";

#[test]
fn what_is_other_than_before_is_told_and_what_is_covered_is_not_lamented() {
    let container = "ports: [{name: http, containerPort: 8080, hostPort: 80}, {containerPort: 7000, hostPort: 70}, {containerPort: 8080, protocol: UDP, hostPort: 81}]";
    let text = format!(
        "{}---\n{}",
        Web { container, ..Web::default() }.behind(NUMERIC),
        headless().replace("name: web", "name: all")
    );
    let injected = Injected::of(&text, &redirected());
    injected.says("(port 8080): what comes for it is led to the guard, and nothing else");
    injected.says("the application sees the pod's own address in place of the client's");
    injected.says("(hostPort 80): it leads to the guard too");
    for words in [
        "past the guard",
        "first step",
        "(hostPort 70): it leads",
        "(hostPort 81): it leads",
        SPARE,
        "still come to that number",
    ] {
        injected.is_silent_on(words);
    }
    let sent = Injected::of(&text, &guarded());
    for words in ["led to the guard", "in place of the client's", "(hostPort 80): it leads"] {
        sent.is_silent_on(words);
    }
    let nothing = Injected::of(&Web::default().yaml(), &redirected());
    nothing.is_silent_on("led to the guard");
    nothing.is_silent_on("in place of the client's");
}

#[test]
fn scrapers_come_through_the_guard_by_name_and_by_number() {
    let monitor = "---\napiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: m}\n\
                   spec: {selector: {}, podMetricsEndpoints: [{port: http}, {portNumber: 8080}, {port: metrics}]}\n";
    let container = "ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}]";
    let text = Web { container, ..Web::default() }.behind(NUMERIC) + monitor;
    let injected = Injected::of(&text, &redirected());
    injected.says("(PodMonitor m, port http): it is scraped, and led to the guard; that holds no drain up");
    injected.says("(PodMonitor m, port 8080): it is scraped, and led to the guard");
    injected.is_silent_on("port metrics");
    assert_eq!(injected.plan().discount.paths, ["/metrics"]);
}

#[test]
fn without_the_flag_it_is_said_once_for_the_input_where_it_would_spare_something() {
    let web = |service: &str| Web { container: HTTP, ..Web::default() }.behind(service);
    let two = format!("{}---\n{}", web(NUMERIC), web(NUMERIC).replace("web", "api"));
    let said = Injected::of(&two, &guarded());
    assert_eq!(said.notes.matches(SPARE).count(), 1, "{}", said.notes);
    assert!(said.notes.lines().any(|line| line.starts_with(SPARE)), "it is the input's: {}", said.notes);
    said.says("NET_ADMIN in one init container");
    Injected::of(&format!("{}---\n{}", web(NUMERIC), web(NAMED).replace("web", "api")), &guarded())
        .says(SPARE);
    Injected::of(&web(&headless()), &guarded()).says(SPARE);
    let node = Web { container: HTTP, pod: "hostNetwork: true", ..Web::default() }.behind(NUMERIC);
    let meshed = Web { container: HTTP, meta: "annotations: {linkerd.io/inject: enabled}", ..Web::default() }
        .behind(NUMERIC);
    for (text, options) in [
        (web(NAMED), guarded()),
        (web(NUMERIC), Options::default()),
        (web(NUMERIC), redirected()),
        (web(NUMERIC), Options { second_step: true, ..guarded() }),
        // Where it would be refused it spares nothing.
        (node, guarded()),
        (meshed, guarded()),
    ] {
        Injected::of(&text, &options).is_silent_on(SPARE);
    }
    // What is refused for another reason hears nothing of it.
    let recreate =
        Web { container: HTTP, own: "strategy: {type: Recreate}", ..Web::default() }.behind(NUMERIC);
    let other = web(NAMED).replace("web", "api");
    let outcome = with(&format!("{recreate}---\n{other}"), &guarded()).unwrap();
    assert!(outcome.refused().next().is_some());
    assert!(!outcome.notes.iter().any(|note| note.text.contains(SPARE)));
}
