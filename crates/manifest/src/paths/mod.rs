//! By which paths requests reach a workload's pods, and how long each takes to learn of a change.
//!
//! Every stage has a default bound with its source. Nothing in a manifest can prove that a stage is faster on the
//! user's cluster: only the user's own bound replaces a default, and the plan says so.

mod aws;
mod bounds;
mod health;
mod stages;

use std::time::Duration;

use segue_core::path::{Path, Stage};
use segue_yaml::Pointer;

use crate::notes::{Note, Rule};
use crate::objects::Kind;
use crate::workload::{Frontend, Router, ServiceBinding, Workload};

pub use bounds::{BoundError, Overrides};
pub use health::{AgentHealth, LB_HEALTH};
pub use stages::known_stages;

use stages::{DNS, DNS_CLIENT, GATEWAY, INGRESS, KUBE_PROXY, NODE_HEALTH};

/// The name of kube-proxy's stage.
pub const KUBE_PROXY_STAGE: &str = KUBE_PROXY.name;

/// The paths to a workload's pods, and what is to be said about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Each path once, with its stages.
    pub paths: Vec<Path>,
    /// What a reader must know.
    pub notes: Vec<Note>,
    /// Whether a load balancer's health check asks the agent.
    pub asks_the_agent: bool,
}

/// The paths to a workload's pods. `agent` is where its agent will answer load balancers.
pub fn paths(workload: &Workload, overrides: &Overrides, agent: AgentHealth) -> Paths {
    let mut found = Paths { paths: Vec::new(), notes: Vec::new(), asks_the_agent: false };
    for binding in &workload.bindings {
        found.service(binding, (agent, overrides));
    }
    if workload.bindings.is_empty() {
        found.add("service", vec![KUBE_PROXY.stage()]);
        let words = "no Service in the input selects these pods: they are taken to be behind one of type ClusterIP; give the Services (and \
                     Ingresses) to inject as well if there are any";
        found.notes.push(Note::of(Rule::NoService, (workload.object, &Pointer::root()), words));
    }
    for stage in found.paths.iter_mut().flat_map(|path| &mut path.stages) {
        overrides.apply(stage);
    }
    found
}

impl Paths {
    fn service(&mut self, binding: &ServiceBinding, (agent, overrides): (AgentHealth, &Overrides)) {
        let name = binding.object.meta.shown_name();
        if binding.service.is_headless() {
            self.add(&format!("headless/{name}"), vec![DNS.stage(), DNS_CLIENT.stage()]);
            let words = "it is headless: its clients take addresses from DNS, and one that never resolves again (some runtimes cache for \
                         ever) is not bounded by anything";
            let at = Pointer::keys(["spec", "clusterIP"]);
            self.notes.push(Note::of(Rule::Headless, (binding.object, &at), words));
            return;
        }
        self.add(&format!("service/{name}"), vec![KUBE_PROXY.stage()]);
        if binding.service.is_local() {
            self.add(&format!("nodes/{name}"), vec![KUBE_PROXY.stage(), NODE_HEALTH.stage()]);
        }
        let bounded = overrides.stages().any(|stage| stage == KUBE_PROXY_STAGE);
        if let Some(place) = aws::Place::of_service(binding, bounded, &mut self.notes)
            && let Some(balancer) = aws::load_balancer(binding, &place, agent, &mut self.notes)
        {
            self.asks_the_agent |= balancer.asks_the_agent;
            self.add(&format!("nlb/{name}"), balancer.stages);
        }
        for frontend in &binding.frontends {
            self.frontend(binding, frontend, (agent, overrides));
        }
    }

    fn frontend(
        &mut self,
        binding: &ServiceBinding,
        frontend: &Frontend,
        (agent, overrides): (AgentHealth, &Overrides),
    ) {
        let name = frontend.object.meta.shown_name();
        if frontend.object.kind == Kind::TargetGroupBinding
            && let Some(stages) = aws::target_group(frontend)
        {
            self.add(&format!("target-group/{name}"), stages);
        }
        let (ours, known) = match frontend.object.kind {
            Kind::Route => ("gateway", GATEWAY),
            _ => ("ingress", INGRESS),
        };
        for router in &frontend.routers {
            match router {
                Router::InCluster => self.add(&format!("{ours}/{name}"), vec![known.stage()]),
                Router::Unknown { at_worst, missing } => {
                    self.add(&format!("{ours}/{name}"), vec![aws::at_worst(known, *at_worst, missing)]);
                    if !overrides.stages().any(|stage| stage == known.name) {
                        self.notes.push(aws::unknown(frontend.object, known, *at_worst, missing));
                    }
                }
                Router::Balancer(balancer) => {
                    let place = aws::Place::of(binding, frontend, balancer);
                    if let Some(balancer) = aws::load_balancer(binding, &place, agent, &mut self.notes) {
                        self.asks_the_agent |= balancer.asks_the_agent;
                        self.add(&format!("{}/{name}", place.known().name), balancer.stages);
                    }
                }
            }
        }
    }

    /// Adds a path unless it is there: an Ingress leads to a Service by several of its rules.
    fn add(&mut self, name: &str, stages: Vec<Stage>) {
        match self.paths.iter_mut().find(|path| path.name == name) {
            None => self.paths.push(Path { name: name.to_owned(), stages }),
            // Two Services behind one frontend: what takes longer holds for both.
            Some(path) if longest(&stages) > longest(&path.stages) => path.stages = stages,
            Some(_) => {}
        }
    }
}

fn longest(stages: &[Stage]) -> Duration {
    stages.iter().filter_map(|stage| stage.leave.max).map(|max| max.0).sum()
}

#[cfg(test)]
mod tests;
