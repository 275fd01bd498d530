//! Which router stands behind an Ingress or a route: its class says it, and the class's parameters say more.
//!
//! An Ingress finds its IngressClass (or the cluster's default one), a route its Gateway and that one's GatewayClass. Classes
//! often are not in the input: then only their names can be judged, and the caller must count with the slower kind.

use serde_json::{Map, Value};

use crate::objects::{Kind, Object};

/// Controllers that make load balancers of AWS, and whether they take the pods' addresses where nothing is said.
const CONTROLLERS: [(&str, Balances, bool); 4] = [
    ("ingress.k8s.aws/alb", Balances::Requests, false),
    ("eks.amazonaws.com/alb", Balances::Requests, true),
    ("gateway.k8s.aws/alb", Balances::Requests, false),
    ("gateway.k8s.aws/nlb", Balances::Connections, false),
];

/// Parts of the names that people give to classes of controllers whose proxies run in the cluster.
pub(crate) const IN_CLUSTER: [&str; 12] = [
    "nginx",
    "traefik",
    "haproxy",
    "contour",
    "kong",
    "istio",
    "cilium",
    "envoy",
    "apisix",
    "ambassador",
    "openshift",
    "linkerd",
];

/// Parts of the names of controllers that make load balancers outside of the cluster of which no bound is known.
const OUTSIDE: [&str; 4] =
    ["amazonaws.com/", "application-networking.k8s.aws/", "networking.gke.io/", "azure"];

const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";

/// What sends requests on.
#[derive(Debug, Clone, PartialEq)]
pub enum Router {
    /// Proxies that run in the cluster.
    InCluster,
    /// A load balancer of AWS.
    Balancer(Balancer),
    /// Its class is not in the input and its name tells nothing, or its bounds are not known.
    Unknown {
        /// What it may be at worst.
        at_worst: Balances,
        /// What is missing, in words.
        missing: String,
    },
}

/// What a load balancer balances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balances {
    /// Requests: an ALB.
    Requests,
    /// Connections: an NLB.
    Connections,
}

/// A load balancer of AWS, as far as its class and the configuration around it tell.
#[derive(Debug, Clone, PartialEq)]
pub struct Balancer {
    /// What it balances.
    pub balances: Balances,
    /// Whether its controller takes the pods' addresses where nothing is said.
    pub ip_by_default: bool,
    /// What its class says of all its target groups; it wins over annotations.
    pub target_type: Option<String>,
    /// What its class refers to and is not in the input.
    pub missing: Option<String>,
    /// For a gateway: the properties of the target group, by their keys in a TargetGroupConfiguration.
    pub properties: Map<String, Value>,
}

impl Balancer {
    fn new(balances: Balances, ip_by_default: bool) -> Self {
        Self { balances, ip_by_default, target_type: None, missing: None, properties: Map::new() }
    }

    fn of(controller: &str) -> Option<Self> {
        let known = CONTROLLERS.iter().find(|(name, ..)| *name == controller);
        known.map(|(_, balances, ip)| Self::new(*balances, *ip))
    }

    /// Where a gateway's health check asks, as one value of its properties.
    pub fn health_check(&self, key: &str) -> Option<String> {
        match self.properties.get("healthCheckConfig")?.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// The router of an Ingress of this class.
pub(super) fn of_ingress(objects: &[Object], ingress: &Object, class: Option<&str>) -> Router {
    let mut classes = objects.iter().filter(|object| object.kind == Kind::IngressClass);
    let found: Vec<_> = match class {
        Some(name) => classes.find(|one| one.meta.name.as_deref() == Some(name)).into_iter().collect(),
        None => classes.filter(|one| one.meta.annotation(DEFAULT_CLASS) == Some("true")).collect(),
    };
    // Of several defaults any may be taken: the slower counts.
    let routers: Vec<_> = found.into_iter().map(|one| of_class(objects, one)).collect();
    if let Some(router) = routers.iter().find(|one| **one != Router::InCluster).or(routers.first()) {
        return router.clone();
    }
    let annotated = ingress.meta.annotations.keys().any(|key| key.starts_with("alb.ingress.kubernetes.io/"));
    if class == Some("alb") || annotated {
        return Router::Balancer(Balancer::new(Balances::Requests, false));
    }
    let missing = match class {
        Some(name) if is_in_cluster(name) => return Router::InCluster,
        Some(name) => format!("its class {name} is not in the input"),
        None => "it names no class, and no IngressClass in the input is the default".to_owned(),
    };
    Router::Unknown { at_worst: Balances::Requests, missing }
}

fn of_class(objects: &[Object], class: &Object) -> Router {
    let word = |at: &str| class.json.pointer(at).and_then(Value::as_str);
    let controller = word("/spec/controller").unwrap_or_default();
    let Some(mut balancer) = Balancer::of(controller) else {
        return of_another(controller, Balances::Requests);
    };
    if let Some(name) = word("/spec/parameters/name") {
        let named =
            |one: &&Object| one.kind == Kind::IngressClassParams && one.meta.name.as_deref() == Some(name);
        match objects.iter().find(named) {
            Some(parameters) => balancer.target_type = said(parameters.json.pointer("/spec/targetType")),
            None => balancer.missing = Some(format!("IngressClassParams {name}")),
        }
    }
    Router::Balancer(balancer)
}

/// The router of a controller that is not the AWS Load Balancer Controller's.
fn of_another(controller: &str, at_worst: Balances) -> Router {
    if OUTSIDE.iter().any(|part| controller.contains(part)) {
        let missing = format!(
            "its controller {controller} makes a load balancer outside of the cluster, of which no bound is known"
        );
        return Router::Unknown { at_worst, missing };
    }
    Router::InCluster
}

fn said(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn is_in_cluster(class: &str) -> bool {
    IN_CLUSTER.iter().any(|part| class.contains(part))
}

/// The routers of a Gateway API route to one Service: one for each gateway that it names.
pub(super) fn of_route(objects: &[Object], route: &Object, service: &Object) -> Vec<Router> {
    let parents = route.json.pointer("/spec/parentRefs").and_then(Value::as_array).into_iter().flatten();
    let mut routers: Vec<Router> = parents.map(|parent| of_parent(objects, route, parent, service)).collect();
    if routers.is_empty() {
        routers.push(Router::InCluster);
    }
    routers
}

fn of_parent(objects: &[Object], route: &Object, parent: &Value, service: &Object) -> Router {
    let word = |key: &str| parent.get(key).and_then(Value::as_str);
    let name = word("name").unwrap_or_default();
    match word("kind") {
        None | Some("Gateway") => {}
        Some("ListenerSet" | "XListenerSet") => {
            let is_it =
                |one: &&Object| one.kind == Kind::ListenerSet && one.meta.name.as_deref() == Some(name);
            let above = objects.iter().find(is_it).and_then(|set| set.json.pointer("/spec/parentRef"));
            if let Some(above) = above {
                return of_parent(objects, route, above, service);
            }
        }
        // A mesh's: its proxies are in the cluster.
        Some(_) => return Router::InCluster,
    }
    let namespace = word("namespace").or(route.meta.namespace.as_deref());
    let gateway = find(objects, Kind::Gateway, name, namespace);
    let class = gateway.and_then(|one| one.json.pointer("/spec/gatewayClassName")).and_then(Value::as_str);
    let by_name = |class: &&Object| class.kind == Kind::GatewayClass;
    let known = class
        .and_then(|class| objects.iter().filter(by_name).find(|one| one.meta.name.as_deref() == Some(class)));
    let own = own_properties(objects, route, service);
    let at_worst = match route.kind_name.as_str() {
        "HTTPRoute" | "GRPCRoute" => Balances::Requests,
        _ => Balances::Connections,
    };
    if let Some(known) = known {
        let controller = known.json.pointer("/spec/controllerName").and_then(Value::as_str);
        let controller = controller.unwrap_or_default();
        let Some(mut balancer) = Balancer::of(controller) else { return of_another(controller, at_worst) };
        (balancer.properties, balancer.missing) = properties(objects, route, (gateway, known), own);
        return Router::Balancer(balancer);
    }
    // Nobody but the AWS controller reads a TargetGroupConfiguration.
    if let Some(own) = own {
        let properties = own;
        return Router::Balancer(Balancer { properties, ..Balancer::new(at_worst, false) });
    }
    let missing = match class {
        Some(class) if is_in_cluster(class) => return Router::InCluster,
        Some(class) => format!("its GatewayClass {class} is not in the input"),
        None => format!("its Gateway {name} is not in the input"),
    };
    Router::Unknown { at_worst, missing }
}

fn find<'o>(objects: &'o [Object], kind: Kind, name: &str, namespace: Option<&str>) -> Option<&'o Object> {
    let here = |one: &Object| match (one.meta.namespace.as_deref(), namespace) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    objects.iter().find(|one| one.kind == kind && one.meta.name.as_deref() == Some(name) && here(one))
}

/// What the Service's own TargetGroupConfiguration says for this route.
fn own_properties(objects: &[Object], route: &Object, service: &Object) -> Option<Map<String, Value>> {
    let own = objects.iter().find(|one| {
        let reference = one.json.pointer("/spec/targetReference");
        let word = |key: &str| reference.and_then(|reference| reference.get(key)).and_then(Value::as_str);
        one.kind == Kind::TargetGroupConfiguration
            && one.shares_namespace(service)
            && matches!(word("kind"), None | Some("Service"))
            && word("name").is_some_and(|name| service.meta.name.as_deref() == Some(name))
    })?;
    Some(for_route(own, route))
}

/// A TargetGroupConfiguration's properties for a route: those for the routes that it names before its defaults.
fn for_route(configuration: &Object, route: &Object) -> Map<String, Value> {
    let spec = |key: &str| configuration.json.get("spec")?.get(key);
    let routes = spec("routeConfigurations").and_then(Value::as_array).into_iter().flatten();
    let names = |one: &&Value| {
        let identifier = one.get("routeIdentifier");
        let is = |key: &str, own: Option<&str>| {
            let asked = identifier.and_then(|identifier| identifier.get(key)).and_then(Value::as_str);
            asked.is_none_or(|asked| asked.is_empty() || own.is_none_or(|own| own == asked))
        };
        is("kind", Some(&route.kind_name))
            && is("namespace", route.meta.namespace.as_deref())
            && is("name", route.meta.name.as_deref())
    };
    // The one that says most of the route is the closest.
    let said = |one: &&Value| one.get("routeIdentifier").and_then(Value::as_object).map_or(0, Map::len);
    let closest = routes.filter(names).max_by_key(said).and_then(|one| one.get("targetGroupProps"));
    merged([closest, spec("defaultConfiguration")])
}

/// Properties where each key is the first one's that has it.
fn merged<'v>(values: impl IntoIterator<Item = Option<&'v Value>>) -> Map<String, Value> {
    let mut all = Map::new();
    for (key, value) in values.into_iter().flatten().filter_map(Value::as_object).flatten() {
        if !value.is_null() {
            all.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    all
}

/// The target group's properties: the Service's own before the defaults that the gateway or its class refers to; and what is
/// referred to and not in the input.
fn properties(
    objects: &[Object],
    route: &Object,
    (gateway, class): (Option<&Object>, &Object),
    own: Option<Map<String, Value>>,
) -> (Map<String, Value>, Option<String>) {
    let by_gateway = gateway.and_then(|one| one.json.pointer("/spec/infrastructure/parametersRef"));
    let gateways = by_gateway.zip(gateway).map(|(reference, one)| (reference, one.meta.namespace.as_deref()));
    let by_class = class.json.pointer("/spec/parametersRef");
    let classes = by_class.map(|reference| (reference, reference.get("namespace").and_then(Value::as_str)));
    let mut missing = None;
    let mut defaults = Vec::new();
    let mut class_wins = true;
    for (is_class, (reference, namespace)) in
        [(true, classes), (false, gateways)].into_iter().filter_map(|(is, found)| Some((is, found?)))
    {
        let name = reference.get("name").and_then(Value::as_str).unwrap_or_default();
        let Some(balancer) = find(objects, Kind::LoadBalancerConfiguration, name, namespace) else {
            missing = Some(format!("LoadBalancerConfiguration {name}"));
            continue;
        };
        if is_class {
            class_wins =
                balancer.json.pointer("/spec/mergingMode").and_then(Value::as_str) != Some("prefer-gateway");
        }
        let default =
            balancer.json.pointer("/spec/defaultTargetGroupConfiguration/name").and_then(Value::as_str);
        let Some(name) = default else { continue };
        match find(objects, Kind::TargetGroupConfiguration, name, balancer.meta.namespace.as_deref()) {
            Some(default) => defaults.push(Value::Object(for_route(default, route))),
            None => missing = Some(format!("TargetGroupConfiguration {name}")),
        }
    }
    if !class_wins {
        defaults.reverse();
    }
    let own = own.map(Value::Object);
    (merged(std::iter::once(own.as_ref()).chain(defaults.iter().map(Some))), missing)
}

#[cfg(test)]
mod tests;
