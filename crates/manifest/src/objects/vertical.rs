//! Who changes what the containers of a workload's pods ask for.

use serde_json::Value;

use super::Object;

/// A VerticalPodAutoscaler.
#[derive(Debug, Clone, Copy)]
pub struct VerticalAutoscaler<'o>(&'o Value);

impl<'o> VerticalAutoscaler<'o> {
    /// What a VerticalPodAutoscaler says; `None` if it is none of this workload.
    pub fn of(object: &'o Object, workload: &Object) -> Option<Self> {
        let spec = object.json.get("spec")?;
        let target = |key: &str| spec.get("targetRef")?.get(key)?.as_str();
        let its =
            target("kind") == Some(&workload.kind_name) && target("name") == workload.meta.name.as_deref();
        its.then_some(Self(spec))
    }

    /// Whether it may size a container of this name: what is said of the name counts before what is said of all, and nothing is
    /// said against it where neither is.
    pub fn may_size(self, container: &str) -> bool {
        let off = |value: Option<&Value>| value.and_then(Value::as_str) == Some("Off");
        if off(self.0.pointer("/updatePolicy/updateMode")) {
            return false;
        }
        let policies = self.0.pointer("/resourcePolicy/containerPolicies").and_then(Value::as_array);
        let named = |name: &str| policies?.iter().find(|policy| policy["containerName"] == name);
        let policy = named(container).or_else(|| named("*"));
        !off(policy.and_then(|policy| policy.get("mode")))
    }
}
