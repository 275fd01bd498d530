//! docs/inject.md is a promise: its tables and lists are read here, and each of their values is seen in what is injected.

use std::time::Duration;

use super::*;
use crate::notes::Rule;
use crate::paths::known_stages;

pub(super) const DOCS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/inject.md"));

/// The rows of the table whose head begins with this cell, cut into cells.
pub(super) fn table(first: &str) -> Vec<Vec<String>> {
    let head = format!("| {first} |");
    let lines = DOCS.lines().skip_while(|line| !line.starts_with(&head)).skip(2);
    let rows: Vec<Vec<String>> = lines
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "no table begins with `{first}`");
    rows
}

/// What stands in backticks.
pub(super) fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// `15 s` or `2,000`; nothing where there is no number.
fn number(cell: &str) -> Option<u64> {
    let digits: String = cell.chars().take_while(|one| one.is_ascii_digit() || *one == ',').collect();
    digits.replace(',', "").parse().ok()
}

/// The list in parentheses that begins with this word.
fn listed(first: &str) -> Vec<&'static str> {
    let from = DOCS.find(&format!("({first}")).unwrap_or_else(|| panic!("no list begins with {first}")) + 1;
    let list = &DOCS[from..];
    list[..list.find(')').unwrap()]
        .split([',', '\n'])
        .map(|one| one.trim().trim_matches('`'))
        .filter(|one| !one.is_empty())
        .collect()
}

#[test]
fn the_table_of_stages_has_every_stage_with_its_bounds() {
    let mut documented = Vec::new();
    for row in table("stage") {
        let names = quoted(row[0].split('(').next().unwrap()).into_iter().map(str::to_owned);
        let bounds = |cell: &str| cell.split(", ").map(|one| number(one).unwrap_or(0)).collect::<Vec<_>>();
        let (join, leave) = (bounds(&row[1]), bounds(&row[2]));
        // One bound for all of a row's stages, or one for each.
        let at = |bounds: &[u64], index: usize| *bounds.get(index).unwrap_or(&bounds[0]);
        documented.extend(names.enumerate().map(|(index, name)| (name, at(&join, index), at(&leave, index))));
    }
    let seconds = |bound: Duration| bound.as_secs();
    let known = known_stages().map(|(name, join, leave)| (name.to_owned(), seconds(join), seconds(leave)));
    assert_eq!(documented, known.collect::<Vec<_>>());
}

/// The stage of the one router beside `service/web`, as `join/leave` in seconds.
fn router(around: &str) -> (String, u64, u64) {
    let injected = Injected::of(
        &Web { container: HTTP, ..Web::default() }.behind(&format!("{NAMED}---\n{around}")),
        &Options::default(),
    );
    let path = injected.plan().drain.paths.pop().unwrap();
    let stage = path.stages[0].clone();
    (stage.name, stage.join.max.unwrap().0.as_secs(), stage.leave.max.unwrap().0.as_secs())
}

fn ingress(class: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: shop}}\nspec: {{ingressClassName: {class}, defaultBackend: {{service: {{name: web, \
         port: {{number: 80}}}}}}}}\n"
    )
}

#[test]
fn the_table_of_classes_that_are_not_in_the_input_says_what_is_taken() {
    let rows = table("class not in the input");
    assert_eq!(rows.len(), 3);
    for row in rows {
        let name = quoted(&row[0])[0];
        let kinds: Vec<_> = row[0].split_whitespace().filter(|word| word.ends_with("Route")).collect();
        let routes = kinds.iter().map(|kind| {
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: {kind}\nmetadata: {{name: shop}}\nspec: {{parentRefs: [{{name: edge}}], rules: [{{backendRefs: \
                 [{{name: web, port: 80}}]}}]}}\n"
            )
        });
        let around: Vec<_> = if kinds.is_empty() { vec![ingress("public")] } else { routes.collect() };
        for around in around {
            let expected = (name.to_owned(), number(&row[1]).unwrap(), number(&row[2]).unwrap());
            assert_eq!(router(&around), expected, "{around}");
        }
    }
}

#[test]
fn the_names_that_tell_a_proxy_in_the_cluster_are_those_that_are_documented() {
    let names = listed("nginx,");
    assert_eq!(names, crate::workload::IN_CLUSTER);
    for name in names {
        assert_eq!(router(&ingress(name)), ("ingress".to_owned(), 30, 30), "{name}");
    }
}

#[test]
fn the_labels_that_are_passed_over_are_those_that_are_documented() {
    let labels = listed("`rollouts-pod-template-hash");
    assert_eq!(labels.len(), 6);
    for label in labels {
        let service = NAMED.replace("{app: web}", &format!("{{app: web, {label}: web-0}}"));
        let web = Web { kind: Some("StatefulSet"), container: HTTP, ..Web::default() };
        Injected::of(&web.behind(&service), &guarded())
            .is_silent_on("no Service in the input selects these pods");
    }
}

#[test]
fn every_annotation_of_the_table_is_written_where_it_says() {
    let meta = "annotations:\n  sidecar.istio.io/inject: 'true'\n  traffic.sidecar.istio.io/includeInboundPorts: '8080'\n  linkerd.io/inject: enabled\n  \
                config.linkerd.io/opaque-ports: '8080'";
    let injected = Injected::of(&Web { container: HTTP, meta, ..Web::default() }.behind(NAMED), &guarded());
    let of_pods = &injected.documents[0]["spec"]["template"]["metadata"]["annotations"];
    let of_objects = &injected.documents[0]["metadata"]["annotations"];
    let mut documented: Vec<String> = Vec::new();
    for row in table("annotation") {
        for name in quoted(&row[0]) {
            let holder = if row[1].contains("every changed object") { of_objects } else { of_pods };
            assert!(holder[name].is_string(), "{name} is not in {}", row[1]);
            documented.push(name.to_owned());
        }
    }
    let given = streams(&Web { meta, ..Web::default() }.yaml())[0].documents()[0].json().clone();
    let given = given["spec"]["template"]["metadata"]["annotations"].clone();
    let written = of_pods.as_object().unwrap().iter().chain(of_objects.as_object().unwrap());
    for (name, _) in written.filter(|(name, value)| given.get(*name) != Some(*value)) {
        assert!(documented.contains(name), "{name} is written and not documented");
    }
}

#[test]
fn the_defaults_of_the_table_of_flags_are_those_that_are_taken() {
    let default = |flag: &str| {
        let rows = table("flag");
        let row = rows.into_iter().find(|row| quoted(&row[0])[0].split(' ').next() == Some(flag));
        row.unwrap_or_else(|| panic!("{flag} is not documented")).remove(1)
    };
    let options = Options::default();
    for (flag, duration) in [
        ("--longest-request", options.longest_request),
        ("--stop-time", options.stop_time),
        ("--idle-after", options.idle_after),
    ] {
        assert_eq!(number(&default(flag)), Some(duration.as_secs()), "{flag}");
    }
    assert_eq!(number(&default("--max-connections")), Some(options.max_connections.into()));
    assert_eq!(quoted(&default("--agent-image"))[0], options.agent_image);
    for (flag, is_on) in [
        ("--guard", options.guard),
        ("--redirect", options.redirect),
        ("--keep-strategy", options.keep_strategy),
        ("--keep-sleep", options.keep_sleep),
        ("--second-step", options.second_step),
    ] {
        assert_eq!((default(flag).as_str(), is_on), ("off", false), "{flag}");
    }
}

#[test]
fn the_sum_of_the_grace_period_is_the_documented_one() {
    let text = DOCS.split("The grace period is *").nth(1).unwrap();
    let sum = text.split('*').next().unwrap();
    let seconds: Vec<u64> = sum.split(" + ").filter_map(number).collect();
    let [quiet, margin] = seconds[..] else { panic!("{sum}") };
    let options = Options {
        longest_request: Duration::from_secs(100),
        stop_time: Duration::from_secs(20),
        ..guarded()
    };
    let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), &options);
    let known = known_stages().find(|(name, ..)| *name == "kube-proxy").unwrap().2.as_secs();
    let grace = injected.pod("/terminationGracePeriodSeconds").unwrap().as_u64();
    assert_eq!(grace, Some(known + quiet + 100 + 20 + margin));
}

#[test]
fn the_agents_documented_memory_is_what_it_asks_for() {
    let text = DOCS.split("the agent asks for ").nth(1).unwrap();
    let (base, rest) = text.split_once(" MiB + ").unwrap();
    let (each, rest) = rest.split_once(" KiB × N of memory (").unwrap();
    let without = rest.split(' ').next().unwrap();
    let memory = |options: &Options| {
        let injected = Injected::of(&Web { container: HTTP, ..Web::default() }.behind(NAMED), options);
        injected.pod("/initContainers/0/resources/requests/memory").unwrap().as_str().unwrap().to_owned()
    };
    let base: u64 = base.parse().unwrap();
    let each: u64 = each.parse().unwrap();
    let guarded = Options { max_connections: 6400, ..guarded() };
    assert_eq!(memory(&guarded), format!("{}Mi", base + each * 6400 / 1024));
    assert_eq!(memory(&Options::default()), format!("{without}Mi"));
}

#[test]
fn the_table_of_rules_has_every_rule_with_what_it_asks() {
    let documented: Vec<_> =
        table("rule").into_iter().map(|row| (quoted(&row[0])[0].to_owned(), row[1].clone())).collect();
    let known = Rule::ALL.iter().map(|rule| (rule.id().to_owned(), rule.urgency().id().to_owned()));
    assert_eq!(documented, known.collect::<Vec<_>>());
}
