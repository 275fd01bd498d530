//! The API server takes an object, gives it back and forgets it.

use crate::TestBed;

pub(crate) fn holds(bed: &TestBed) {
    let api = bed.api();
    // A cluster is known by the identity of a namespace that every one has.
    let system = api.get(["namespace", "kube-system"]).unwrap();
    println!("the cluster is {}", system["metadata"]["uid"].as_str().unwrap());
    let name = format!("answers-{}", std::process::id());
    let own = api.new_namespace(&name).unwrap();
    own.apply(
        r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"a": "b"}}"#,
    )
    .unwrap();
    assert_eq!(own.get(["configmap", "words"]).unwrap()["data"]["a"], "b");
    assert_eq!(own.pods("").unwrap(), []);
    assert_eq!(own.pod("none").unwrap(), None);
    api.run(["delete", "namespace", &name, "--wait=false"]).unwrap();
}
