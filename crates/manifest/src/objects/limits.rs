//! What a namespace allows its pods: resource quotas and limit ranges, as the API server holds new pods to them; and who scales
//! the workloads in it.

use serde_json::{Map, Value};

use super::{Object, PodSpec, Quantity, Resources};

/// A ResourceQuota.
#[derive(Debug, Clone, Default)]
pub struct Quota {
    hard: Map<String, Value>,
    scopes: Vec<Scope>,
}

/// A condition on the pods that a quota counts.
#[derive(Debug, Clone)]
struct Scope {
    name: String,
    operator: String,
    values: Vec<String>,
}

impl Quota {
    /// What a quota says; what has another shape is none.
    pub fn of(object: &Object) -> Self {
        let spec = object.json.get("spec").unwrap_or(&Value::Null);
        let word =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
        let plain = list(spec.get("scopes")).into_iter().filter_map(|name| name.as_str().map(str::to_owned));
        let plain = plain.map(|name| Scope { name, operator: "Exists".to_owned(), values: Vec::new() });
        let selected = list(spec.pointer("/scopeSelector/matchExpressions"));
        let selected = selected.iter().map(|one| Scope {
            name: word(one, "scopeName"),
            operator: word(one, "operator"),
            values: list(one.get("values")).iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        });
        let hard = spec.get("hard").and_then(Value::as_object).cloned().unwrap_or_default();
        Self { hard, scopes: plain.chain(selected).collect() }
    }

    /// How much of one of these it allows, by the first that it names.
    pub fn allows(&self, keys: &[&str]) -> Option<Quantity> {
        keys.iter().find_map(|key| Quantity::of(self.hard.get(*key)?))
    }

    /// Whether it counts such pods.
    pub fn counts(&self, spec: &PodSpec, best_effort: bool) -> bool {
        self.scopes.iter().all(|scope| match scope.name.as_str() {
            "BestEffort" => best_effort,
            "NotBestEffort" => !best_effort,
            "Terminating" => spec.active_deadline_seconds.is_some(),
            "NotTerminating" => spec.active_deadline_seconds.is_none(),
            "PriorityClass" => scope.holds(&spec.priority_class_name),
            _ => false,
        })
    }

    /// Whether it tells pods without requests and limits from others.
    pub fn knows_best_effort(&self) -> bool {
        self.scopes.iter().any(|scope| matches!(scope.name.as_str(), "BestEffort" | "NotBestEffort"))
    }
}

impl Scope {
    fn holds(&self, class: &str) -> bool {
        let among = self.values.iter().any(|value| value == class);
        match self.operator.as_str() {
            "In" => among,
            "NotIn" => !among,
            "DoesNotExist" => class.is_empty(),
            _ => !class.is_empty(),
        }
    }
}

/// What limit ranges ask of one resource of every container, or of every pod.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range {
    /// The least request and limit.
    pub min: Option<Quantity>,
    /// The largest limit and request; there must be a limit.
    pub max: Option<Quantity>,
    /// The limit of a container that has none.
    pub default: Option<Quantity>,
    /// The request of a container that has neither.
    pub default_request: Option<Quantity>,
    /// The largest ratio of limit to request, in thousandths; there must be both.
    pub ratio: Option<Quantity>,
}

impl Range {
    /// What a LimitRange asks of a resource of this type's (`Container`, `Pod`).
    pub fn of(object: &Object, kind: &str, resource: &str) -> Self {
        let items = object.json.pointer("/spec/limits").and_then(Value::as_array).into_iter().flatten();
        let of_kind = items.filter(|item| item.get("type").and_then(Value::as_str) == Some(kind));
        of_kind.fold(Self::default(), |all, item| {
            let one = |key: &str| Quantity::of(item.get(key)?.get(resource)?);
            // The API server takes the largest for the usual where that is missing, and that for the usual request.
            let default = one("default").or_else(|| one("max")).filter(|_| kind == "Container");
            let request = one("defaultRequest").or(default).or_else(|| one("min"));
            all.with(Self {
                min: one("min"),
                max: one("max"),
                default,
                default_request: request.filter(|_| kind == "Container"),
                ratio: one("maxLimitRequestRatio"),
            })
        })
    }

    /// Both together: the stricter of each.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let least = |one: Option<Quantity>, other: Option<Quantity>| [one, other].into_iter().flatten().min();
        Self {
            min: self.min.max(other.min),
            max: least(self.max, other.max),
            default: self.default.or(other.default),
            default_request: self.default_request.or(other.default_request),
            ratio: least(self.ratio, other.ratio),
        }
    }

    /// What a container has of the resource once the API server has filled in what its manifest leaves out: its limit, or what
    /// it asks for.
    pub fn filled(self, resources: &Resources, resource: &str, limits: bool) -> Option<Quantity> {
        let limit = resources.limits.get(resource).and_then(Quantity::of);
        if limits {
            return limit.or(self.default);
        }
        let request = resources.requests.get(resource).and_then(Quantity::of);
        request.or(limit).or(self.default_request)
    }

    /// Whether a container without a limit would be refused or given one.
    pub fn needs_limit(self) -> bool {
        self.max.or(self.default).or(self.ratio).is_some()
    }
}

/// Who changes a workload's number of pods, and to how many.
#[derive(Debug, Clone, Default)]
pub struct Autoscaler {
    kind: String,
    name: String,
    /// At least so many.
    pub least: u64,
    /// At most so many.
    pub most: u64,
}

impl Autoscaler {
    /// What a HorizontalPodAutoscaler, or a ScaledObject of KEDA, says.
    pub fn of(object: &Object) -> Self {
        let at = |pointer: &str| object.json.pointer(pointer);
        let word = |pointer: &str| at(pointer).and_then(Value::as_str).map(str::to_owned);
        let number = |pointer: &str| at(pointer).and_then(Value::as_u64);
        let (least, most) = match object.kind_name.as_str() {
            "ScaledObject" => {
                (number("/spec/minReplicaCount").unwrap_or(0), number("/spec/maxReplicaCount").unwrap_or(100))
            }
            _ => (number("/spec/minReplicas").unwrap_or(1), number("/spec/maxReplicas").unwrap_or(1)),
        };
        Self {
            kind: word("/spec/scaleTargetRef/kind").unwrap_or_else(|| "Deployment".to_owned()),
            name: word("/spec/scaleTargetRef/name").unwrap_or_default(),
            least,
            most,
        }
    }

    /// Whether it scales this workload.
    pub fn scales(&self, object: &Object) -> bool {
        self.kind == object.kind_name && object.meta.name.as_ref() == Some(&self.name)
    }
}
