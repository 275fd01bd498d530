//! What leads requests from outside to a Service: Ingresses, Gateway API routes and target group bindings.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Kind, Object};

const ALB_ACTIONS: &str = "alb.ingress.kubernetes.io/actions.";

/// An Ingress: its class and the Services that it sends to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingress {
    /// Its class, by field or by annotation.
    pub class: Option<String>,
    /// Names of Services in its own namespace.
    pub services: BTreeSet<String>,
}

/// A route of the Gateway API, or a target group binding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Names of Services, each with its namespace if it is not the route's own.
    pub services: BTreeSet<(Option<String>, String)>,
}

impl Ingress {
    /// What an Ingress says. A part of it that has another shape names no Service.
    pub fn of(object: &Object) -> Self {
        let spec = object.json.get("spec").unwrap_or(&Value::Null);
        // The annotation is older than the field, and wins.
        let field = spec.get("ingressClassName").and_then(Value::as_str);
        let class = object.meta.annotation("kubernetes.io/ingress.class").or(field);
        let class = class.filter(|name| !name.is_empty());
        let mut services = BTreeSet::new();
        walk(spec, &mut |key, value| {
            // `backend`, `defaultBackend` and items of `paths`; networking.k8s.io/v1 and the versions before it.
            if matches!(key, "backend" | "defaultBackend") {
                let name = value.pointer("/service/name").or_else(|| value.get("serviceName"));
                services.extend(name.and_then(Value::as_str).map(str::to_owned));
            }
        });
        // A rule may send to an action of its name, which an annotation of the AWS controller describes as JSON.
        let actions = object.meta.annotations.iter().filter(|(key, _)| key.starts_with(ALB_ACTIONS));
        for action in actions.filter_map(|(_, json)| serde_json::from_str::<Value>(json).ok()) {
            walk(&action, &mut |key, value| {
                if key.eq_ignore_ascii_case("serviceName") {
                    services.extend(value.as_str().map(str::to_owned));
                }
            });
        }
        Self { class: class.map(str::to_owned), services }
    }
}

impl Route {
    /// What a route or a target group binding says.
    pub fn of(object: &Object) -> Self {
        #[derive(Deserialize)]
        struct Backend {
            kind: Option<String>,
            name: String,
            namespace: Option<String>,
        }
        let spec = object.json.get("spec").unwrap_or(&Value::Null);
        let mut services = BTreeSet::new();
        if object.kind == Kind::TargetGroupBinding {
            let name = spec.pointer("/serviceRef/name").and_then(Value::as_str);
            services.extend(name.map(|name| (None, name.to_owned())));
        }
        walk(spec, &mut |key, value| {
            if key == "backendRefs" {
                let backends = value.as_array().into_iter().flatten();
                let backends = backends.filter_map(|backend| Backend::deserialize(backend).ok());
                let of_services =
                    backends.filter(|one| one.kind.as_deref().is_none_or(|kind| kind == "Service"));
                services.extend(of_services.map(|one| (one.namespace, one.name)));
            }
        });
        Self { services }
    }
}

/// Visits every key below a value.
fn walk(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                visit(key, value);
                walk(value, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}
