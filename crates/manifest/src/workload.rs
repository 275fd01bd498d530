//! A workload joined with what concerns its pods: the Services that select them, what leads to those, and the policies
//! and monitors that name their ports.
//!
//! A selector picks pods by *all* of its labels, in its own namespace. Only what is in the input is known.

mod router;

use crate::objects::{
    Address, Autoscaler, Ingress, Kind, Monitor, NetworkPolicy, Object, Quota, Route, Service, ShapeError,
    Template, aside, stays_ended,
};

#[cfg(test)]
pub(crate) use router::IN_CLUSTER;
pub use router::{Balancer, Balances, Router};

/// A part of an object that is not of the shape that Kubernetes gives it, and which object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misshapen {
    /// Which object.
    pub address: Address,
    /// Which part of it, and why.
    pub error: ShapeError,
}

/// All objects of the input, read as far as they concern pods.
#[derive(Debug, Default)]
pub struct World<'o> {
    objects: &'o [Object],
    services: Vec<(&'o Object, Service)>,
    frontends: Vec<Frontend<'o>>,
    policies: Vec<(&'o Object, NetworkPolicy)>,
    other_policies: Vec<&'o Object>,
    monitors: Vec<(&'o Object, Monitor)>,
    namespaces: Vec<&'o Object>,
}

/// What leads requests from outside to Services.
#[derive(Debug, Clone)]
pub struct Frontend<'o> {
    /// The Ingress, route or target group binding.
    pub object: &'o Object,
    /// The Services that it leads to, each with its namespace if it is not the frontend's own.
    services: Vec<(Option<String>, String)>,
    /// An Ingress's class.
    class: Option<String>,
    /// Behind a Service: what sends requests on from it; none for a target group binding.
    pub routers: Vec<Router>,
}

/// A Service that selects a workload's pods, and what leads to it.
#[derive(Debug, Clone)]
pub struct ServiceBinding<'o> {
    /// The object.
    pub object: &'o Object,
    /// What it says.
    pub service: Service,
    /// Ingresses, routes and target group bindings that lead to it.
    pub frontends: Vec<Frontend<'o>>,
}

/// A workload whose pods can be drained.
#[derive(Debug, Clone)]
pub struct Workload<'o> {
    /// The object.
    pub object: &'o Object,
    /// Its pods.
    pub template: Template,
    /// The Services that select them.
    pub bindings: Vec<ServiceBinding<'o>>,
    /// NetworkPolicies that rule them or name them as a peer of outgoing traffic.
    pub policies: Vec<(&'o Object, NetworkPolicy)>,
    /// Policies of other kinds in their namespace: whom they concern is not read.
    pub other_policies: Vec<&'o Object>,
    /// Monitors that scrape them.
    pub monitors: Vec<(&'o Object, Monitor)>,
    /// Their namespace, if it is in the input.
    pub namespace: Option<&'o Object>,
    /// What their namespace allows all its pods.
    pub quotas: Vec<(&'o Object, Quota)>,
    /// What it allows each.
    pub limit_ranges: Vec<&'o Object>,
    /// Who scales the workload.
    pub autoscaler: Option<(&'o Object, Autoscaler)>,
    /// Where there are quotas: the other workloads that they count.
    pub neighbours: Vec<Neighbour>,
}

/// Another workload of a namespace.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// Its pods.
    pub template: Template,
    /// At least so many run beside the others for good.
    pub least: u64,
    /// At least so many are there, those that have ended among them.
    pub objects: u64,
}

impl<'o> World<'o> {
    /// Reads them. `service` reads a Service: the injector sees some as they were before it changed them.
    pub fn of(
        objects: &'o [Object],
        service: impl Fn(&Object) -> Result<Service, ShapeError>,
    ) -> Result<Self, Misshapen> {
        let mut world = Self { objects, ..Self::default() };
        for object in objects {
            world
                .take(object, &service)
                .map_err(|error| Misshapen { address: object.address.clone(), error })?;
        }
        Ok(world)
    }

    fn take(
        &mut self,
        object: &'o Object,
        service: &impl Fn(&Object) -> Result<Service, ShapeError>,
    ) -> Result<(), ShapeError> {
        match object.kind {
            Kind::Service => self.services.push((object, service(object)?)),
            Kind::Ingress => {
                let Ingress { class, services } = Ingress::of(object);
                let services = services.into_iter().map(|name| (None, name)).collect();
                self.frontends.push(Frontend { object, services, class, routers: Vec::new() });
            }
            Kind::Route | Kind::TargetGroupBinding => {
                let services = Route::of(object).services.into_iter().collect();
                self.frontends.push(Frontend { object, services, class: None, routers: Vec::new() });
            }
            Kind::NetworkPolicy => self.policies.push((object, NetworkPolicy::of(object)?)),
            Kind::OtherPolicy => self.other_policies.push(object),
            Kind::PodMonitor | Kind::ServiceMonitor => self.monitors.push((object, Monitor::of(object)?)),
            Kind::Namespace => self.namespaces.push(object),
            _ => {}
        }
        Ok(())
    }

    /// The workload that an object is, with what concerns its pods; `None` if it has no pods to drain.
    pub fn workload(&self, object: &'o Object) -> Result<Option<Workload<'o>>, Misshapen> {
        let template =
            Template::of(object).map_err(|error| Misshapen { address: object.address.clone(), error })?;
        let Some(template) = template else { return Ok(None) };
        let labels = &template.labels;
        let beside = |other: &Object| other.shares_namespace(object);
        let services = self.services.iter().filter(|(other, service)| beside(other) && service.picks(labels));
        let bindings: Vec<_> = services.map(|(object, service)| self.binding(object, service)).collect();
        let policies = self.policies.iter().filter(|(other, policy)| {
            let rules = beside(other) && labels.picked_by(&policy.pod_selector);
            rules || policy.egress.iter().any(|rule| rule.reaches(beside(other), labels))
        });
        let monitors = self.monitors.iter().filter(|(other, monitor)| match other.kind {
            Kind::PodMonitor => labels.picked_by(&monitor.selector),
            _ => bindings.iter().any(|binding| monitor.selector.picks(&binding.object.meta.labels)),
        });
        let mut namespaces = self.namespaces.iter().copied();
        let of_kind = |kind: Kind| {
            self.objects.iter().filter(move |other| other.kind == kind && other.shares_namespace(object))
        };
        let quotas: Vec<_> = of_kind(Kind::ResourceQuota).map(|other| (other, Quota::of(other))).collect();
        Ok(Some(Workload {
            object,
            policies: policies.cloned().collect(),
            other_policies: self.other_policies.iter().copied().filter(|other| beside(other)).collect(),
            monitors: monitors.cloned().collect(),
            namespace: namespaces
                .find(|one| object.meta.namespace.is_some() && one.meta.name == object.meta.namespace),
            limit_ranges: of_kind(Kind::LimitRange).collect(),
            autoscaler: self.autoscaler(object),
            neighbours: if quotas.is_empty() { Vec::new() } else { self.neighbours(object) },
            quotas,
            template,
            bindings,
        }))
    }

    fn autoscaler(&self, object: &Object) -> Option<(&'o Object, Autoscaler)> {
        let all = self
            .objects
            .iter()
            .filter(|other| other.kind == Kind::Autoscaler && other.shares_namespace(object));
        all.map(|other| (other, Autoscaler::of(other))).find(|(_, one)| one.scales(object))
    }

    fn neighbours(&self, object: &Object) -> Vec<Neighbour> {
        let others = self
            .objects
            .iter()
            .filter(|other| other.address != object.address && other.shares_namespace(object));
        let pods = others.filter_map(|other| Some((other, Template::of(other).ok()??)));
        let neighbour = |(other, template): (&Object, Template)| {
            let (least, objects) = match aside(other, &template) {
                Some(_) => (0, u64::from(stays_ended(other, &template))),
                None => (self.least(other), self.least(other)),
            };
            Neighbour { template, least, objects }
        };
        pods.map(neighbour).collect()
    }

    /// How many pods a workload has at least. A DaemonSet's are as many as there are nodes, which is not known.
    fn least(&self, object: &Object) -> u64 {
        match object.kind {
            Kind::DaemonSet | Kind::PodTemplate => 0,
            _ => match self.autoscaler(object) {
                Some((_, autoscaler)) => autoscaler.least,
                None => replicas(object),
            },
        }
    }

    fn binding(&self, object: &'o Object, service: &Service) -> ServiceBinding<'o> {
        let leads = |frontend: &&Frontend| {
            frontend.services.iter().any(|(namespace, name)| {
                let here = match namespace {
                    Some(namespace) => object.meta.namespace.as_ref().is_none_or(|own| own == namespace),
                    None => frontend.object.shares_namespace(object),
                };
                here && object.meta.name.as_ref() == Some(name)
            })
        };
        let frontends = self.frontends.iter().filter(leads);
        let frontends = frontends
            .map(|frontend| Frontend { routers: self.routers(frontend, object), ..frontend.clone() })
            .collect();
        ServiceBinding { object, service: service.clone(), frontends }
    }

    fn routers(&self, frontend: &Frontend, service: &Object) -> Vec<Router> {
        match frontend.object.kind {
            Kind::Ingress => {
                vec![router::of_ingress(self.objects, frontend.object, frontend.class.as_deref())]
            }
            Kind::Route => router::of_route(self.objects, frontend.object, service),
            _ => Vec::new(),
        }
    }
}

/// How many pods a workload asks for; one where it does not say.
pub fn replicas(object: &Object) -> u64 {
    object.json.pointer("/spec/replicas").and_then(serde_json::Value::as_u64).unwrap_or(1)
}
