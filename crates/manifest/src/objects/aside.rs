//! What has a pod's template and is no workload to drain: pods that end by themselves, and parts of workloads.

use serde_json::Value;

use super::{Kind, Object, Template};

/// Annotations by which Helm and Argo CD run something around an upgrade and wait for its end.
const HOOKS: [(&str, &str); 2] = [("helm.sh/hook", "Helm"), ("argocd.argoproj.io/hook", "Argo CD")];

/// Hooks that are there for `helm test` alone.
const TESTS: [&str; 3] = ["test", "test-success", "test-failure"];

/// Keys that only patches have; the last two go on behind a slash.
const DIRECTIVES: [&str; 4] = ["$patch", "$retainKeys", "$setElementOrder", "$deleteFromPrimitiveList"];

/// Why an object with a pod's template is no workload to drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aside {
    /// It is a part of one, as patches are.
    Part {
        /// What shows that, in words.
        lack: String,
    },
    /// It is run around an upgrade, and its end is waited for.
    Hook {
        /// Who runs it.
        of: &'static str,
        /// When, as the annotation says it.
        when: String,
    },
    /// Its pod ends by itself.
    Ends {
        /// Its `restartPolicy`.
        policy: String,
    },
}

/// Why an object with this template is left alone; `None` if it is a workload.
pub fn aside(object: &Object, template: &Template) -> Option<Aside> {
    if let Some(lack) = lack(object, template) {
        return Some(Aside::Part { lack });
    }
    hook(object).or_else(|| ends(object, template))
}

/// What a whole workload would have, or only a part has.
fn lack(object: &Object, template: &Template) -> Option<String> {
    if let Some(directive) = directive(&object.json) {
        return Some(format!("it has the key {directive}"));
    }
    let spec = object.value(&template.spec_at())?;
    let containers =
        spec.get("containers").and_then(Value::as_array).filter(|containers| !containers.is_empty());
    let Some(containers) = containers else { return Some("it has no containers".to_owned()) };
    for container in containers {
        if container.get("image").and_then(Value::as_str).is_none_or(str::is_empty) {
            let name = container.get("name").and_then(Value::as_str).unwrap_or("one");
            return Some(format!("container {name} has no image"));
        }
    }
    if matches!(object.kind, Kind::Pod | Kind::PodTemplate) {
        return None;
    }
    // A ReplicationController's selector is its template's labels by default.
    let selects = object.kind_name == "ReplicationController"
        || object.json.pointer("/spec/selector").is_some_and(|selector| !selector.is_null());
    match (selects, template.meta.labels.is_empty()) {
        (false, _) => Some("it has no selector".to_owned()),
        (_, true) => Some("its pods have no labels".to_owned()),
        _ => None,
    }
}

/// A key that only a patch has, anywhere in a value.
fn directive(value: &Value) -> Option<&str> {
    match value {
        Value::Object(object) => object.iter().find_map(|(key, value)| {
            let word = key.split('/').next().unwrap_or_default();
            if DIRECTIVES.contains(&word) { Some(key.as_str()) } else { directive(value) }
        }),
        Value::Array(items) => items.iter().find_map(directive),
        _ => None,
    }
}

/// A pod that is run around an upgrade, or anything that only `helm test` runs.
fn hook(object: &Object) -> Option<Aside> {
    HOOKS.iter().find_map(|(annotation, of)| {
        let hooks = object.meta.annotation(annotation)?;
        let tests = hooks.split(',').all(|hook| TESTS.contains(&hook.trim()));
        (object.kind == Kind::Pod || tests).then(|| Aside::Hook { of, when: hooks.to_owned() })
    })
}

fn ends(object: &Object, template: &Template) -> Option<Aside> {
    let policy = object.value(&template.spec_at())?.get("restartPolicy")?.as_str()?;
    let bare = matches!(object.kind, Kind::Pod | Kind::PodTemplate);
    (bare && ["Never", "OnFailure"].contains(&policy)).then(|| Aside::Ends { policy: policy.to_owned() })
}

/// Whether it is a pod that stays an object once it has ended, until somebody deletes it. A hook's is deleted by the tool that runs it.
pub fn stays_ended(object: &Object, template: &Template) -> bool {
    object.kind == Kind::Pod
        && lack(object, template).is_none()
        && hook(object).is_none()
        && ends(object, template).is_some()
}
