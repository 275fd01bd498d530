//! Objects as they stand in files, and how they find each other.

use segue_yaml::{Pointer, parse};

use super::*;
use crate::workload::World;

fn all(text: &str) -> Vec<Object> {
    objects(&[parse("app.yaml", text).unwrap()]).unwrap()
}

#[test]
fn documents_and_items_of_lists_are_objects_and_other_documents_are_not() {
    let text = "\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Service, metadata: {name: a}}
- apiVersion: v1
  kind: ServiceList
  items:
  - {apiVersion: v1, kind: Service, metadata: {name: b, namespace: shop}}
---
# nothing
---
values: 1
---
apiVersion: v1
kind: PriceList
";
    let objects = all(text);
    let shown: Vec<_> = objects.iter().map(|one| (one.to_string(), one.address.root.to_string())).collect();
    let expected = [
        ("Service a", ".items[0]"),
        ("Service shop/b", ".items[1].items[0]"),
        ("PriceList (without a name)", "."),
    ];
    assert_eq!(shown, expected.map(|(name, root)| (name.to_owned(), root.to_owned())));
}

#[test]
fn the_group_decides_what_a_kind_is() {
    for (api, name, kind) in [
        ("apps/v1", "Deployment", Kind::Deployment),
        ("argoproj.io/v1alpha1", "Rollout", Kind::Rollout),
        ("v1", "Service", Kind::Service),
        ("serving.knative.dev/v1", "Service", Kind::Other),
        ("networking.k8s.io/v1", "NetworkPolicy", Kind::NetworkPolicy),
        ("crd.projectcalico.org/v1", "NetworkPolicy", Kind::OtherPolicy),
        ("batch/v1", "CronJob", Kind::Job),
        ("apps.kruise.io/v1alpha1", "StatefulSet", Kind::Other),
    ] {
        assert_eq!(Kind::of(api, name), kind, "{api} {name}");
    }
}

#[test]
fn null_stands_for_an_empty_list_or_mapping() {
    let text = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: null, annotations: }
spec: {template: {metadata: null, spec: {containers: [{name: web, ports: null, lifecycle: , env: }], volumes: }}}
";
    let objects = all(text);
    let template = Template::of(&objects[0]).unwrap().unwrap();
    assert_eq!(template.spec.containers.len(), 1);
    assert_eq!(template.spec.containers[0].ports, []);
}

#[test]
fn a_place_that_is_missing_is_shown_where_it_would_be() {
    let streams = [parse("app.yaml", "apiVersion: v1\nkind: Pod\nspec:\n  a: 1\n").unwrap()];
    let object = &objects(&streams).unwrap()[0];
    let place = object.place(&streams, &Pointer::keys(["spec", "containers"]).then(0)).unwrap();
    assert_eq!(place.line, 4);
}

#[test]
fn objects_meet_in_their_namespace_and_one_without_goes_anywhere() {
    let joined = |deployment: &str, service: &str| {
        let text = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{deployment}}}\nspec: {{template: {{metadata: {{labels: {{a: b, c: d}}}}, \
             spec: {{}}}}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: web{service}}}\nspec: {{selector: {{a: b}}}}\n"
        );
        let objects = all(&text);
        let world = World::of(&objects, Service::of).unwrap();
        world.workload(&objects[0]).unwrap().unwrap().bindings.len()
    };
    assert_eq!(joined("", ""), 1);
    assert_eq!(joined(", namespace: shop", ", namespace: shop"), 1);
    assert_eq!(joined(", namespace: shop", ""), 1);
    assert_eq!(joined(", namespace: shop", ", namespace: other"), 0);
}

#[test]
fn who_replaces_a_workloads_pods_may_say_so_in_a_list() {
    let text = |reference: &str| {
        format!(
            "apiVersion: flagger.app/v1\nkind: Plan\nmetadata: {{name: plan}}\nspec: {{targets: [{{name: x}}, {{workloadRef: {reference}}}]}}\n---\n\
             apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\n"
        )
    };
    let steers = |reference| {
        let objects = all(&text(reference));
        objects[0].steers(&objects[1])
    };
    assert!(steers("{kind: Deployment, name: web}"));
    assert!(!steers("{kind: Deployment, name: other}"));
    assert!(!steers("{kind: StatefulSet, name: web}"));
}

#[test]
fn each_kind_that_makes_pods_keeps_their_template_where_its_api_has_it() {
    let place = |kind: Kind| kind.template().map(|at| at.to_string());
    for kind in [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::Rollout] {
        assert_eq!(place(kind).as_deref(), Some(".spec.template"), "{kind:?}");
    }
    assert_eq!(place(Kind::Pod).as_deref(), Some("."));
    assert_eq!(place(Kind::PodTemplate).as_deref(), Some(".template"));
    assert_eq!((place(Kind::Job), place(Kind::Service)), (None, None));
    assert!(Kind::Job.is_workload() && !Kind::Service.is_workload());
}
