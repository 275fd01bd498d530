//! The arrows between our crates point one way.
//!
//! ```text
//! cli → demo → {local, kube, audit, probe, sim} → {proxy, guard, sockets, redirect, routing, manifest, supervisor} → {core, wire, yaml}
//! agent →                                         {       guard, sockets, redirect, routing                      } → {core, wire}
//! ```
//! Rooms of one layer do not see each other. Workshops (e2e, bench, xtask) may use any room; no room uses them.

use std::collections::BTreeMap;

use anyhow::bail;

use super::metadata::{Metadata, Package};

/// Where a crate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A room of the house: it may use any room of a lower layer.
    Layer(u8),
    /// The agent: as a driver, but without the proxy, so that it stays small.
    Agent,
    /// Not a part of the product.
    Workshop,
}

const PLACES: &[(&str, Place)] = &[
    ("segue-core", Place::Layer(0)),
    ("segue-wire", Place::Layer(0)),
    ("segue-yaml", Place::Layer(0)),
    ("segue-proxy", Place::Layer(1)),
    ("segue-guard", Place::Layer(1)),
    ("segue-sockets", Place::Layer(1)),
    ("segue-redirect", Place::Layer(1)),
    ("segue-routing", Place::Layer(1)),
    ("segue-manifest", Place::Layer(1)),
    ("segue-supervisor", Place::Layer(1)),
    ("segue-local", Place::Layer(2)),
    ("segue-kube", Place::Layer(2)),
    ("segue-audit", Place::Layer(2)),
    ("segue-probe", Place::Layer(2)),
    ("segue-sim", Place::Layer(2)),
    ("segue-agent", Place::Agent),
    ("segue-demo", Place::Layer(3)),
    ("segue", Place::Layer(4)),
    ("segue-e2e", Place::Workshop),
    ("segue-cluster", Place::Workshop),
    ("segue-bench", Place::Workshop),
    ("xtask", Place::Workshop),
];

const FOR_THE_AGENT: &[&str] =
    &["segue-guard", "segue-sockets", "segue-redirect", "segue-routing", "segue-core", "segue-wire"];

/// A workspace's crates, each with those of our crates that it depends on.
type Graph = BTreeMap<String, Vec<String>>;

/// One line about the arrows between the crates; an error when one of them is wrong.
pub(super) fn check(metadata: &Metadata) -> anyhow::Result<String> {
    let graph = read(metadata);
    let wrong = wrong_arrows(&graph);
    if !wrong.is_empty() {
        bail!("wrong arrows between crates:\n  {}", wrong.join("\n  "));
    }
    let arrows: usize = graph.values().map(Vec::len).sum();
    Ok(format!("{} crates, {arrows} arrows between them, all pointing down", graph.len()))
}

/// What is a path dependency is ours, whatever kind it is of: tests follow the arrows too.
fn read(metadata: &Metadata) -> Graph {
    let ours = |package: &Package| {
        let paths = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
        (package.name.clone(), paths.map(|dependency| dependency.name.clone()).collect())
    };
    metadata.packages.iter().map(ours).collect()
}

fn place(name: &str) -> Option<Place> {
    PLACES.iter().find(|(known, _)| *known == name).map(|(_, place)| *place)
}

fn wrong_arrows(graph: &Graph) -> Vec<String> {
    let mut wrong = Vec::new();
    for (from, uses) in graph {
        let Some(from_place) = place(from) else {
            wrong.push(format!("{from}: no place in the house; give it one in xtask/src/arrows/crates.rs"));
            continue;
        };
        for to in uses {
            // A crate without a place is reported once, by itself.
            let Some(to_place) = place(to) else { continue };
            if let Err(why) = allowed(from_place, to, to_place) {
                wrong.push(format!("{from} → {to}: {why}"));
            }
        }
    }
    wrong
}

fn allowed(from: Place, to: &str, to_place: Place) -> Result<(), &'static str> {
    match (from, to_place) {
        (Place::Workshop, _) => Ok(()),
        (_, Place::Workshop) => Err("the product does not use its workshops"),
        (Place::Agent, _) if FOR_THE_AGENT.contains(&to) => Ok(()),
        (Place::Agent, _) => Err("the agent may use guard, sockets, redirect, routing, core and wire alone"),
        (_, Place::Agent) => Err("the agent is a program of its own: nothing links it"),
        (Place::Layer(from), Place::Layer(to)) if from > to => Ok(()),
        (Place::Layer(from), Place::Layer(to)) if from == to => {
            Err("rooms of one layer do not see each other")
        }
        (Place::Layer(_), Place::Layer(_)) => Err("a lower layer does not know a higher one"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::metadata;
    use super::*;

    fn wrong(from: &str, to: &str) -> Vec<String> {
        let graph = Graph::from([(from.to_owned(), vec![to.to_owned()]), (to.to_owned(), Vec::new())]);
        wrong_arrows(&graph)
    }

    #[test]
    fn an_arrow_down_is_right_also_over_a_layer() {
        assert_eq!(wrong("segue", "segue-local"), Vec::<String>::new());
        assert_eq!(wrong("segue", "segue-core"), Vec::<String>::new());
        assert_eq!(wrong("segue-probe", "segue-wire"), Vec::<String>::new());
        assert_eq!(wrong("segue-agent", "segue-guard"), Vec::<String>::new());
        assert_eq!(wrong("segue-e2e", "segue"), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_up_is_wrong() {
        assert_eq!(
            wrong("segue-core", "segue-local"),
            ["segue-core → segue-local: a lower layer does not know a higher one"]
        );
    }

    #[test]
    fn an_arrow_between_neighbours_is_wrong() {
        assert_eq!(
            wrong("segue-local", "segue-probe"),
            ["segue-local → segue-probe: rooms of one layer do not see each other"]
        );
        assert_eq!(wrong("segue-core", "segue-wire").len(), 1);
    }

    #[test]
    fn the_agent_does_not_use_the_proxy_and_no_room_uses_a_workshop() {
        assert_eq!(wrong("segue-agent", "segue-proxy").len(), 1);
        assert_eq!(wrong("segue-local", "segue-agent").len(), 1);
        assert_eq!(wrong("segue", "segue-bench").len(), 1);
    }

    #[test]
    fn a_crate_without_a_place_is_wrong() {
        assert_eq!(wrong("segue-attic", "segue-core").len(), 1);
    }

    #[test]
    fn path_dependencies_of_every_kind_are_arrows_and_others_are_not() {
        let metadata = br#"{"packages": [{"name": "segue-core", "dependencies": [
            {"name": "serde", "path": null, "kind": null},
            {"name": "segue-local", "path": "/a/b", "kind": "dev"}]}]}"#;
        assert_eq!(
            read(&metadata::read(metadata).unwrap()),
            Graph::from([("segue-core".to_owned(), vec!["segue-local".to_owned()])])
        );
    }

    #[test]
    fn the_arrows_of_this_workspace_are_right() {
        check(&metadata::ask().unwrap()).unwrap();
    }
}
