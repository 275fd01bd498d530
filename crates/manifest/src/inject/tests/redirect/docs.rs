//! What docs/inject.md promises of the three ways to the guard, and of this one.

use super::*;
use crate::inject::tests::docs::{DOCS, quoted, table};
use crate::rules::mesh::Mesh;

fn section() -> &'static str {
    DOCS.split("\n## Redirect\n").nth(1).unwrap().split("\n## ").next().unwrap()
}

/// What a command line with these flags asks for.
fn options(flags: &str) -> Options {
    let has = |flag: &str| flags.split(' ').any(|one| one == flag);
    Options {
        guard: has("--guard"),
        redirect: has("--redirect"),
        second_step: has("--second-step"),
        ..Options::default()
    }
}

#[test]
fn each_of_the_three_ways_brings_the_guard_to_those_for_whom_it_is() {
    let rows = table("way");
    let ways: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(ways, ["name", "two steps", "redirect"]);
    let after = |row: usize, service: &str| {
        let web = Web { container: HTTP, ..Web::default() }.behind(service);
        let steps = quoted(&rows[row][1]);
        steps.iter().fold(web, |text, flags| Injected::of(&text, &options(flags)).text)
    };
    let finds = |text: &str, numbers: &str| assert!(text.contains(numbers), "{numbers}: {text}");
    finds(&after(0, NAMED), "containerPort: 15080");
    finds(&after(1, NUMERIC), "targetPort: 15080");
    for service in [NAMED, NUMERIC, &headless()] {
        finds(&after(2, service), "8080:15180");
    }
    // What the others' costs say of clients of the pods' own addresses.
    for row in [0, 1] {
        assert!(rows[row][3].contains("go past the guard"));
        assert!(!after(row, &headless()).contains("15080"));
    }
}

#[test]
fn every_mesh_that_is_refused_is_documented() {
    let row = section().lines().find(|line| line.starts_with("| pods in a mesh")).unwrap();
    for mesh in [Mesh::Istio, Mesh::Linkerd, Mesh::Aws, Mesh::Kuma, Mesh::Consul] {
        assert!(row.contains(mesh.name()), "{}", mesh.name());
    }
    assert!(row.contains("ambient") && Mesh::IstioAmbient.name().contains("ambient"));
    let levels = section().lines().find(|line| line.starts_with("| a Namespace")).unwrap();
    assert_eq!(quoted(levels)[..2], ["pod-security.kubernetes.io/enforce: restricted", "baseline"]);
}

#[test]
fn a_tcp_probe_becomes_the_documented_one() {
    let container = "readinessProbe: {tcpSocket: {port: 8080}}";
    let injected = Injected::of(&Web { container, ..Web::default() }.behind(NUMERIC), &redirected());
    let shown = quoted(section()).into_iter().find(|one| one.contains("tcp-probe")).unwrap();
    let documented = streams(&format!("{{{shown}}}"))[0].documents()[0].json().clone();
    assert_eq!(injected.pod("/containers/0/readinessProbe"), Some(&documented));
}
