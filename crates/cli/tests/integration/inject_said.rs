//! What `segue inject` says to people: once, with all names, and what needs doing first.

use std::path::Path;

use crate::inject::{SERVICE, WEB, both, inject, printed, recreate, text};

const NAMES: [&str; 12] = [
    "web", "api", "cart", "search", "checkout", "catalog", "account", "mail", "stock", "price", "review",
    "ledger",
];

/// A Deployment and its Service of each name, which sends to the number of every third one.
fn twelve() -> String {
    let project = NAMES.iter().enumerate().map(|(index, name)| {
        let target = if index % 3 == 0 { "8080" } else { "http" };
        let service = SERVICE.replace("http", target).replace("web", name);
        format!("{}---\n{service}", WEB.replace("web", name))
    });
    project.collect::<Vec<_>>().join("---\n")
}

fn said(input: &str, flags: &[&str]) -> String {
    let output = inject(Path::new("/"), &[flags, &["-"]].concat(), Some(input));
    printed(&output);
    text(&output.stderr)
}

/// The names that stand under a sentence.
fn names_under(said: &str, sentence: &str) -> Vec<String> {
    let mut lines = said.lines().skip_while(|line| !line.contains(sentence)).skip(1);
    let names: Vec<&str> = lines.by_ref().take_while(|line| line.starts_with("      ")).collect();
    assert!(names.iter().all(|line| line.chars().count() <= 80), "wider than 80 columns: {names:#?}");
    names.join(" ").split(", ").map(|name| name.trim().to_owned()).collect()
}

#[test]
fn what_is_true_of_twelve_deployments_is_said_once_with_all_their_names() {
    let said = said(&twelve(), &["--guard"]);
    let all: Vec<_> = NAMES.iter().map(|name| format!("Deployment {name}")).collect();
    for sentence in
        ["the first rollout after this still removes", "no minReadySeconds is needed for kube-proxy"]
    {
        assert_eq!(said.matches(sentence).count(), 1, "{said}");
        assert_eq!(names_under(&said, sentence), all, "{said}");
    }
    assert!(said.contains("preStop.sleep 15s: the first rollout"), "what all have is said once: {said}");
    let second = "a Service has its number as targetPort";
    let some: Vec<_> = NAMES.iter().step_by(3).map(|name| format!("Deployment {name}")).collect();
    assert_eq!(said.matches(second).count(), 1, "{said}");
    assert_eq!(names_under(&said, second), some);
    assert_eq!(said.matches("needs Kubernetes 1.29").count(), 1, "{said}");
    assert!(said.ends_with("injected: Deployment ledger\n12 injected\n"), "{said}");
}

#[test]
fn details_that_differ_stand_beside_the_names() {
    let sleep = |seconds| {
        WEB.to_owned() + &format!("          lifecycle: {{preStop: {{sleep: {{seconds: {seconds}}}}}}}\n")
    };
    let other = sleep(7).replace("web", "api").replace("8080", "8081");
    let input = format!("{}---\n{other}---\n{}", sleep(5), WEB.replace("web", "db"));
    let said = said(&input, &[]);
    let names = "      Deployment web (container web, 5 s), Deployment api (container api, 7 s)\n";
    assert!(said.contains(&format!("(--keep-sleep keeps it)\n{names}")), "{said}");
    let third = sleep(5).replace("name: web", "name: third").replace("app: web", "app: third");
    let third = third.replacen("- name: third", "- name: web", 1);
    let parted = self::said(&format!("{input}---\n{third}"), &[]);
    let names = "      container web, 5 s: Deployment web, Deployment third\n      container api, 7 s: Deployment api\n";
    assert!(parted.contains(&format!("(--keep-sleep keeps it)\n{names}")), "{parted}");
    let alone = self::said(&sleep(5), &[]);
    assert!(
        alone.contains("  Deployment web (container web, 5 s): its preStop hook that only slept is dropped"),
        "of one it is a sentence: {alone}"
    );
}

#[test]
fn what_needs_doing_comes_first_and_then_the_order_of_the_files() {
    let set = WEB.replace("kind: Deployment", "kind: StatefulSet").replace("replicas: 4", "replicas: 1");
    let paused = WEB.replace("  replicas: 4\n", "  paused: true\n").replace("web", "late");
    let input = format!("{}---\n{paused}---\n{}---\n{}", set.replace("web", "one"), both(), recreate());
    let said = said(&input, &[]);
    let order = [
        "To do:\n",
        "no Service in the input selects these pods",
        "Deployment late: it is paused",
        "\n\nNo promise holds:\n",
        "StatefulSet one: one replica that is replaced in place",
        "\n\nWorth knowing:\n",
        "no minReadySeconds is needed",
        "the agent needs Kubernetes 1.29 or later",
        "\nwarning: Deployment db: strategy Recreate",
        "\ninjected: StatefulSet one\ninjected: Deployment late\ninjected: Deployment web\nrefused: Deployment db,",
        "\n3 injected, 1 refused\n",
    ];
    let places: Vec<_> = order.iter().map(|words| said.find(words)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}\n{said}");
    assert_eq!(said.matches(":\n  ").count(), 3, "no heading without anything below it: {said}");
}
